import type { ComponentType, FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, Skeleton } from "./states.tsx";

/** A view whose code is loaded when it is first shown. */
export function lazyView<Props extends object>(load: () => Promise<ComponentType<Props>>): FunctionComponent<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function LazyView(props: Props) {
    const [View, setView] = useState<ComponentType<Props> | null>(() => loaded);
    const [turn, setTurn] = useState(0);
    const [isFailed, setFailed] = useState(false);
    useEffect(() => {
      if (View !== null) return;
      let isGone = false;
      setFailed(false);
      load().then(
        (found) => {
          loaded = found;
          if (!isGone) setView(() => found);
        },
        () => {
          if (!isGone) setFailed(true);
        },
      );
      return () => {
        isGone = true;
      };
    }, [turn]);
    if (isFailed) {
      const failure = {
        code: "OFFLINE",
        message: "This part of the page could not be loaded.",
        hint: "Reload the page; a newer okstra may serve it.",
      };
      return <Failure failure={failure} retry={() => setTurn((each) => each + 1)} />;
    }
    return View === null ? <Skeleton lines={8} /> : <View {...props} />;
  };
}

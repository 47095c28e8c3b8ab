import { useEffect, useState } from "preact/hooks";

/** Between two announcements, milliseconds: what changes all the time is not read aloud all the time. */
const QUIET_MS = 4000;
let push: ((text: string) => void) | null = null;

/** Says to a screen reader that something changed; of several within a while only the newest is said. */
export function announce(text: string): void {
  push?.(text);
}

/** The region that is read aloud; once in the page. */
export function Announcements() {
  const [text, setText] = useState("");
  useEffect(() => {
    let waiting: string | null = null;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const say = (): void => {
      timer = null;
      if (waiting === null) return;
      setText(waiting);
      waiting = null;
      timer = setTimeout(say, QUIET_MS);
    };
    push = (next) => {
      waiting = next;
      if (timer === null) say();
    };
    return () => {
      push = null;
      if (timer !== null) clearTimeout(timer);
    };
  }, []);
  return (
    <div class="visually-hidden" aria-live="polite" data-announcements>
      {text}
    </div>
  );
}

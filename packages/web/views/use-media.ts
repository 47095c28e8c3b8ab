import { useEffect, useState } from "preact/hooks";

/** Whether the media query holds, and again whenever that changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const read = (): void => setHolds(media.matches);
    read();
    media.addEventListener("change", read);
    return () => media.removeEventListener("change", read);
  }, [query]);
  return holds;
}

/** Too narrow for two columns. */
export const NARROW = "(max-width: 56rem)";

import { useEffect, useState } from "preact/hooks";
import { formatAgo, formatDuration, formatTime } from "../format.ts";

const listeners = new Set<(now: number) => void>();
let timer: ReturnType<typeof setInterval> | null = null;

/** One clock for the whole page; it stands while the page is hidden. */
function tick(): void {
  if (document.hidden) return;
  const now = Date.now();
  for (const listener of listeners) listener(now);
}

/** Epoch milliseconds, in steps. @param stepMs at least 1000; what it is shown with changes no oftener */
export function useNow(stepMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const listen = (next: number): void => setNow((last) => (Math.floor(next / stepMs) === Math.floor(last / stepMs) ? last : next));
    listeners.add(listen);
    timer ??= setInterval(tick, 1000);
    return () => {
      listeners.delete(listen);
      if (listeners.size > 0 || timer === null) return;
      clearInterval(timer);
      timer = null;
    };
  }, [stepMs]);
  return now;
}

/** `3 hours ago`, with the time itself as its title. */
export function Ago({ at }: { at: string }) {
  const now = useNow(15_000);
  return (
    <time dateTime={at} title={formatTime(at)}>
      {formatAgo(at, now)}
    </time>
  );
}

/** How long since, ticking. */
export function Elapsed({ since }: { since: string }) {
  const now = useNow(1000);
  return (
    <time dateTime={since} title={`since ${formatTime(since)}`} class="elapsed">
      {formatDuration(now - Date.parse(since))}
    </time>
  );
}

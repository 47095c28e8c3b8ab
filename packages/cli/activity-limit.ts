import type { ProgressEvent } from "@okstra/app/app";

/** So many lines a lane may tell at once, and then one more every so many milliseconds. */
const BURST = 20;
const REFILL_MS = 5000;

/**
 * Whether an event is told in a log: what a lane has used so far is not, and of its activities no more than a person
 * can read; one that is told again right away is left out.
 * @param monotonicMs the time now
 */
export function createActivityLimit(monotonicMs: () => number): (event: ProgressEvent) => boolean {
  const lanes = new Map<string, { left: number; atMs: number; last: string }>();
  return ({ type, text, data }) => {
    const lane = String(data?.["lane"] ?? "");
    if (type === "lane-usage") return false;
    if (type === "lane-started") lanes.delete(lane);
    if (type !== "lane-activity") return true;
    const now = monotonicMs();
    const before = lanes.get(lane) ?? { left: BURST, atMs: now, last: "" };
    if (before.last === text) return false;
    const left = Math.min(BURST, before.left + (now - before.atMs) / REFILL_MS);
    const isTold = left >= 1;
    lanes.set(lane, { left: isTold ? left - 1 : left, atMs: now, last: isTold ? text : before.last });
    return isTold;
  };
}

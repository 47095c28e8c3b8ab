import type { TimeSplit } from "@okstra/core/domain/time-account";

/** What a bar is drawn with, in the order in which its parts stand. */
export const BAR_PARTS = [
  ["workingMs", "█", "working"],
  ["waitingForPersonMs", "░", "person"],
  ["waitingForQuotaMs", "▒", "quota"],
  ["stoppedMs", "·", "stopped"],
  ["idleMs", " ", "idle"],
] as const satisfies readonly (readonly [keyof TimeSplit, string, string])[];

/**
 * A bar of what a time consists of, as long as its part of the longest one. What took any time has a cell, and the other
 * cells are given by the largest remainder.
 * @param longestMs span of the row whose bar has all the cells
 * @returns at most `cells` cells
 */
export function drawBar(split: TimeSplit, longestMs: number, cells: number): string {
  const parts = BAR_PARTS.map(([part, mark]) => ({ ms: split[part], mark })).filter(({ ms }) => ms > 0);
  if (parts.length === 0 || longestMs <= 0) return "";
  const width = Math.min(cells, Math.max(parts.length, Math.round((split.spanMs / longestMs) * cells)));
  const free = Math.max(0, width - parts.length);
  const exact = parts.map(({ ms }) => (ms / split.spanMs) * free);
  const given = exact.map(Math.floor);
  const left = free - given.reduce((sum, each) => sum + each, 0);
  const byRemainder = exact.map((each, at) => ({ at, rest: each - Math.floor(each) })).sort((a, b) => b.rest - a.rest || a.at - b.at);
  for (const { at } of byRemainder.slice(0, left)) given[at] = (given[at] ?? 0) + 1;
  return parts
    .map(({ mark }, at) => mark.repeat(1 + (given[at] ?? 0)))
    .join("")
    .slice(0, cells);
}

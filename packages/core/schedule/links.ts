import type { TaskEvent } from "../domain/task-log.ts";

/** What a task's own log says of its relations. */
export interface OwnLinks {
  /** Keys of tasks that this one comes after. */
  readonly after: readonly string[];
  /** Keys of tasks that come after this one. */
  readonly blocks: readonly string[];
  /** The larger goes first; null: nobody said, which counts as 0. */
  readonly priority: number | null;
}

const NO_LINKS: OwnLinks = { after: [], blocks: [], priority: null };

/** The newest word of a log counts, and it says all. */
export function readLinks(events: readonly TaskEvent[]): OwnLinks {
  const event = events.findLast(({ type }) => type === "linked");
  return event?.type === "linked" ? { after: event.after, blocks: event.blocks, priority: event.priority } : NO_LINKS;
}

/** For each task the tasks that it comes after, by whichever of the two logs says so. */
export function gatherWaits(links: ReadonlyMap<string, OwnLinks>): ReadonlyMap<string, readonly string[]> {
  const waits = new Map([...links].map(([taskKey, { after }]) => [taskKey, new Set(after)]));
  for (const [taskKey, { blocks }] of links) {
    for (const blocked of blocks) waits.set(blocked, (waits.get(blocked) ?? new Set()).add(taskKey));
  }
  return new Map([...waits].map(([taskKey, keys]) => [taskKey, [...keys].sort()]));
}

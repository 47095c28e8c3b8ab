import type * as z from "zod";
import type { DecisionInput } from "../phase.ts";

/** What a worker says whose lane ended `ok`. */
export interface Heard<T> {
  readonly worker: string;
  readonly family: string;
  readonly said: T;
}

/** The results of lanes that ended `ok`, in the roster's order; every other lane has said nothing. */
export function heardResults<S extends z.ZodType>(
  { lanes, results }: Pick<DecisionInput, "lanes" | "results">,
  schema: S,
): Heard<z.output<S>>[] {
  const families = new Map(lanes.filter(({ end }) => end === "ok").map(({ worker, family }) => [worker, family]));
  return results.flatMap(({ worker, result }) => {
    const family = families.get(worker);
    const parsed = schema.safeParse(result);
    return family === undefined || !parsed.success ? [] : [{ worker, family, said: parsed.data }];
  });
}

/** Number of distinct families whose lane ended `ok`. */
export function countFamilies({ lanes }: Pick<DecisionInput, "lanes">): number {
  return new Set(lanes.filter(({ end }) => end === "ok").map(({ family }) => family)).size;
}

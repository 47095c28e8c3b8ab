import { sumCost } from "@okstra/app/cost/sum-cost";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { describeCost } from "./describe-cost.ts";

interface Flags {
  readonly since?: string;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task?: string): Promise<void> {
  const app = await context.openApp();
  const since = flags.since === undefined ? null : readSince(flags.since, app.clock.now());
  const report = await sumCost(app, { task: task ?? null, since, dir: resolveDirectory(app, flags.projectRoot) });
  context.ui.answer(report, describeCost(report));
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A day (its beginning in UTC), a time (UTC where it names no zone), or how long before now. @throws OKSTRA_USAGE */
function readSince(text: string, now: string): string {
  const ago = /^(\d{1,6})([mhdw])$/.exec(text);
  const [, day, time = "T00:00", zone = "Z"] =
    /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  const ms = ago !== null ? Date.parse(now) - Number(ago[1]) * (UNITS[ago[2] ?? ""] ?? Number.NaN) : readTime(day ?? "", `${time}${zone}`);
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new OkstraError("OKSTRA_USAGE", {
    message: `--since ${text.slice(0, 60)}: say a date or how long ago, for example 2026-01-31, 7d or 12h.`,
  });
}

/** NaN for a day that no calendar has, such as the 30th of February. */
function readTime(day: string, time: string): number {
  const midnight = Date.parse(`${day}T00:00Z`);
  return Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(day) ? Date.parse(`${day}${time}`) : Number.NaN;
}

import { OkstraError } from "@okstra/core/errors";

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * A point in time as a person writes it: a day (its beginning in UTC), RFC 3339 (UTC where it names no zone), or how long
 * ago (`90m`, `12h`, `7d`, `2w`).
 * @returns RFC 3339 UTC with milliseconds
 * @throws OKSTRA_USAGE
 */
export function readTime(text: string, nowMs: number): string {
  const ago = /^(\d{1,6})([mhdw])$/.exec(text);
  const [, day = "", time = "T00:00", zone = "Z"] =
    /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  const at = ago !== null ? nowMs - Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS] : parseDay(day, `${time}${zone}`);
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new OkstraError("OKSTRA_USAGE", {
    message: `"${text.slice(0, 60)}" is no time; say for example 2026-01-31, 2026-01-31T12:00:00Z, 7d or 12h.`,
  });
}

/** NaN for a day that no calendar has, such as the 30th of February. */
function parseDay(day: string, time: string): number {
  const midnight = Date.parse(`${day}T00:00Z`);
  return Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(day) ? Date.parse(`${day}${time}`) : Number.NaN;
}

import { OkstraError } from "@okstra/core/errors";

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * A point in time as a person writes it: RFC 3339, a date (its beginning, UTC), or how long ago (`90m`, `12h`, `7d`, `2w`).
 * @returns RFC 3339 UTC with milliseconds
 * @throws OKSTRA_USAGE
 */
export function readTime(text: string, nowMs: number): string {
  const ago = /^(\d{1,6})([mhdw])$/.exec(text);
  if (ago !== null) return new Date(nowMs - Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS]).toISOString();
  const isDate = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const at = isDate ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new OkstraError("OKSTRA_USAGE", {
    message: `"${text.slice(0, 60)}" is no time; say for example 2026-01-31, 2026-01-31T12:00:00Z, 7d or 12h.`,
  });
}

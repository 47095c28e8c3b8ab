const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
/** Digits in the order year, month, day, in the time zone of the browser. */
const absolute = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat("sv-SE", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("sv-SE", { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function formatNumber(value: number): string {
  return number.format(value);
}

/** 184 220 as `184.2K`. */
export function formatCompact(value: number): string {
  return compact.format(value);
}

/** `42 s`, `6 min 05 s`, `3 h 20 min`, `2 d 4 h`. @param ms below 0 counts as 0 */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / SECOND)) * SECOND;
  if (whole < MINUTE) return `${whole / SECOND} s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${two((whole % MINUTE) / SECOND)} s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${two(Math.floor((whole % HOUR) / MINUTE))} min`;
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
}

/** How long ago, in words. @param at RFC 3339 @param now epoch milliseconds */
export function formatAgo(at: string, now: number): string {
  const ms = Date.parse(at);
  if (!Number.isFinite(ms)) return at;
  const past = now - ms;
  const sign = past < 0 ? 1 : -1;
  const size = Math.abs(past);
  if (size < 45 * SECOND) return past < 0 ? "soon" : "just now";
  if (size < HOUR) return relative.format(sign * Math.max(1, Math.round(size / MINUTE)), "minute");
  if (size < DAY) return relative.format(sign * Math.round(size / HOUR), "hour");
  if (size < 60 * DAY) return relative.format(sign * Math.round(size / DAY), "day");
  return relative.format(sign * Math.round(size / (30 * DAY)), "month");
}

/** `2026-01-31 14:05:09` in the browser's zone; what is no time stays as it is. */
export function formatTime(at: string | number): string {
  const ms = typeof at === "number" ? at : Date.parse(at);
  return Number.isFinite(ms) ? absolute.format(ms) : String(at);
}

/** A mark of a time axis: the clock alone within a day, else with the day. @param spanMs what the axis covers */
export function formatTick(ms: number, spanMs: number): string {
  return (spanMs < DAY ? clock : day).format(ms);
}

/** `$0.82`, amounts of several currencies side by side. */
export function formatMoney(cost: readonly { readonly amount: string; readonly currency: string }[]): string {
  return cost
    .map(({ amount, currency }) => {
      const value = Number(amount);
      const digits = value !== 0 && value < 0.1 ? 4 : 2;
      try {
        return new Intl.NumberFormat("en", { style: "currency", currency, maximumFractionDigits: digits }).format(value);
      } catch {
        return `${amount} ${currency}`;
      }
    })
    .join(" + ");
}

/** The first twelve of a hash. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

/** `3 findings`, `1 finding`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

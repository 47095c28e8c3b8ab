/** What a failure of an agent means for its lane. */
export interface AgentFailure {
  /** `quota`: it cannot answer before `resetsAt`; `transient`: it may pass when it is asked again. */
  readonly kind: "quota" | "transient" | "other";
  /** RFC 3339 UTC with milliseconds; null when nothing says so. */
  readonly resetsAt: string | null;
}

/** Words that make a number one of HTTP's: `HTTP/1.1 429`, `status: 429`, `"code":429`, `API Error: 429`. */
const STATUS = String.raw`(?<![\w./-])(?:HTTP(?:\/\d(?:\.\d)?)?|status(?:[ _]?code)?|code|API error|error(?: code)?|api_error_status)["']?\s*(?:[:=]\s*|\s)\(?["']?`;
/** A count of something, or part of a name, is no status. */
const NO_STATUS = String.raw`(?![\w/-]|\.\w|\s+(?:files?|lines?|tests?|errors?|warnings?|problems?|failures?|bytes|ms|seconds|tokens|characters)\b)`;
/** What is used up over time. A limit of one request's tokens is none of these: waiting does not help there. */
const ALLOWANCE = String.raw`(?<![\w./-])(?:usage|rate|requests?|session|hourly|daily|weekly|monthly|opus|sonnet|\d+-hour|spend(?:ing)?|plan)[ _-]?limits?\b(?![/-]\w|\.\w)`;

/** Words with which vendors' programs say that an allowance is used up. */
const QUOTA = [
  new RegExp(String.raw`${ALLOWANCE}[^\n]{0,60}\b(?:reached|exceeded|hit|resets?|used up)\b`, "i"),
  new RegExp(String.raw`\b(?:hit|reach(?:ed)?|exceed(?:s|ed)?)\b[^\n]{0,40}${ALLOWANCE}`, "i"),
  /\b(?:hit|reached) your limit\b/i,
  /\brate[- ]limited\b/i,
  /\b(?:rate_limit_(?:error|exceeded)|usage_limit_(?:reached|exceeded)|usage_not_included|insufficient_quota|quota_exceeded|billing_hard_limit_reached)\b/i,
  /\b(?:RESOURCE_EXHAUSTED|RATE_LIMIT_EXCEEDED|QUOTA_EXHAUSTED|QUOTA_EXCEEDED|rateLimitExceeded|quotaExceeded|ThrottlingException|TooManyRequests(?:Exception|Error)?|RateLimitError|(?:Terminal|Retryable)QuotaError)\b/,
  /\b(?:exceeded|exhausted|(?:run |ran )?out of)\b[^\n]{0,40}\b(?:quota|credits?|extra usage|capacity on this model)\b/i,
  /\bquota\b[^\n]{0,60}\b(?:exceeded|exhausted|used up|reached|will reset)\b/i,
  /\b(?:credit balance is too low|insufficient (?:credits?|balance|funds))\b/i,
  /\btoo many requests\b/i,
  new RegExp(`${STATUS}429${NO_STATUS}`, "i"),
];

const TRANSIENT = [
  /\b(?:overloaded_error|server_overloaded|api_error|internal_server_error|server_error|server_is_overloaded|slow_down)\b/,
  /\b(?:UNAVAILABLE|DEADLINE_EXCEEDED|ServiceUnavailable(?:Exception|Error)?|InternalServerError|APIConnection(?:Timeout)?Error|ModelNotReadyException)\b/,
  /\boverloaded\b(?!\s+(?:functions?|methods?|operators?|constructors?|signatures?|types?|calls?)\b)/i,
  /\bservice (?:is )?(?:temporarily |currently )?unavailable\b|\bexperiencing high demand\b/i,
  new RegExp(`${STATUS}(?:500|502|503|504|520|522|524|529)${NO_STATUS}`, "i"),
  /\b(?:500 Internal Server Error|502 Bad Gateway|503 Service Unavailable|504 Gateway Time-?out|529 Overloaded)\b/i,
  /\b(?:ECONNRESET|ECONNREFUSED|ECONNABORTED|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|ENETUNREACH|EHOSTUNREACH|UND_ERR_\w+|ConnectionRefused)\b/,
  /\b(?:socket hang up|fetch failed|network error|request timed out|premature close|unexpected EOF|other side closed|error sending request for url)\b/i,
  /\b(?:connection|socket|stream)\b(?: \w+){0,2} (?:error|reset|refused|timed out|lost|aborted|disconnected|closed|ended)\b/i,
  /\b(?:unable to connect|could not connect|failed to connect)\b/i,
  /\bidle timeout waiting for\b/i,
];

/** Longer texts are logs: what went wrong stands at their beginning or end. */
const PART_CHARS = 16 * 1024;

/**
 * What an agent's or a vendor's error text means. It is for texts of errors only: a message that talks about limits is
 * no failure, so callers pass nothing else.
 * @param nowIso the time to which relative resets are added
 * @param localZone IANA zone of times of day that name none: programs write the machine's own time
 */
export function readFailure(
  text: string,
  nowIso: string,
  localZone: string = new Intl.DateTimeFormat().resolvedOptions().timeZone,
): AgentFailure {
  const read = text.length <= 2 * PART_CHARS ? text : `${text.slice(0, PART_CHARS)}\n${text.slice(-PART_CHARS)}`;
  if (QUOTA.some((pattern) => pattern.test(read))) return { kind: "quota", resetsAt: readReset(read, Date.parse(nowIso), localZone) };
  return { kind: TRANSIENT.some((pattern) => pattern.test(read)) ? "transient" : "other", resetsAt: null };
}

/** A reset that is further away than this in milliseconds is no reset of an allowance: 400 days. */
const FURTHEST_MS = 400 * 86_400_000;
const RESET_WORD = String.raw`(?:resets?(?:_?at)?|(?:quota)?reset_?time(?:stamp)?|retry|again|until|available|renews?)`;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const ISO_TIME = new RegExp(
  String.raw`\b(?:${RESET_WORD})\b[^\n]{0,60}?(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2}))`,
  "i",
);
const HTTP_DATE =
  /\b(?:retry-after|reset)["']?\s*[:=]\s*["']?((?:mon|tue|wed|thu|fri|sat|sun), \d{2} [a-z]{3} \d{4} \d{2}:\d{2}:\d{2} GMT)/i;
const SECONDS_FIELD =
  /\b(?:resets?_(?:in|after)_seconds|retry[-_ ]?after(?:[-_]?seconds)?|retryAfterSeconds|retry_in_seconds|retryDelay)["']?\s*[:=]\s*["']?(\d{1,9}(?:\.\d{1,9})?)\s*s?\b/i;
const MILLISECONDS_FIELD = /\b(?:retry-after-ms|retryAfterMs|retryDelayMs|retry_after_ms)["']?\s*[:=]\s*["']?(\d{1,12})\b/i;
const UNIX_TIME = /(?:\||\b(?:resets?[_-]?at|reset|resetsAt|reset_?time)["']?\s*[:=]\s*["']?)(\d{10})(\d{3})?\b/i;
const DURATION =
  /\b(?:in|after|wait)\s+((?:\d{1,9}(?:\.\d{1,9})?\s*(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])[\s,]{0,3}(?:and\s+)?){1,8})/i;
const DAY_TIME = new RegExp(
  String.raw`\b(?:resets?|again|available|renews?|until)\b(?: at| on)?\s+(?:(${MONTHS.join("|")})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?,?(?: (\d{4}))?,?\s+(?:at )?)?(\d{1,2})(?::(\d{2}))?\s*([ap]m)?(?:\s*\(?((?:[A-Z][A-Za-z_]+\/[A-Za-z0-9_/+-]+)|UTC|GMT)\b)?`,
  "i",
);

/** When an allowance is filled again, as far as a text says it in one of the ways that are in use. */
function readReset(text: string, now: number, localZone: string): string | null {
  const at = (ms: number): string | null =>
    Number.isFinite(ms) && Math.abs(ms - now) <= FURTHEST_MS ? new Date(Math.round(ms)).toISOString() : null;
  const iso = ISO_TIME.exec(text) ?? HTTP_DATE.exec(text);
  if (iso?.[1] !== undefined) return at(Date.parse(iso[1]));
  const milliseconds = MILLISECONDS_FIELD.exec(text);
  if (milliseconds?.[1] !== undefined) return at(now + Number(milliseconds[1]));
  const unix = UNIX_TIME.exec(text);
  if (unix?.[1] !== undefined) return at(Number(unix[1]) * 1000 + Number(unix[2] ?? 0));
  const seconds = SECONDS_FIELD.exec(text);
  if (seconds?.[1] !== undefined) return at(now + Number(seconds[1]) * 1000);
  const duration = DURATION.exec(text);
  if (duration?.[1] !== undefined) return at(now + readDuration(duration[1]));
  const day = DAY_TIME.exec(text);
  return day === null ? null : at(readDayTime(day, now, localZone));
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1h2m`, `6 days 2 hours and 5 minutes`, `1.898s` in milliseconds. */
function readDuration(text: string): number {
  let ms = 0;
  for (const [, value, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const word = unit.toLowerCase();
    ms += Number(value) * (word.startsWith("millis") || word === "ms" ? 1 : (UNIT_MS[word.slice(0, 1)] ?? 0));
  }
  return ms;
}

/** A time of day, with a date or the next one that comes. NaN for what is none: a bare hour says too little. */
function readDayTime(match: RegExpExecArray, now: number, localZone: string): number {
  const [whole, month, day, year, hourText = "", minuteText, half, zoneText] = match;
  if (minuteText === undefined && half === undefined) return Number.NaN;
  // `PST` and the like are several zones each.
  if (zoneText === undefined && /^\s*\(?[A-Z]{3,5}\b/.test(match.input.slice(match.index + whole.length))) return Number.NaN;
  const [hour, minute] = [Number(hourText), Number(minuteText ?? "0")];
  const hours = half === undefined ? hour : (hour % 12) + (half.toLowerCase() === "pm" ? 12 : 0);
  if (hours > 23 || minute > 59 || (half !== undefined && (hour < 1 || hour > 12))) return Number.NaN;
  const zone = zoneText === undefined ? localZone : /^(?:utc|gmt)$/i.test(zoneText) ? "UTC" : zoneText;
  const today = wallClockOf(now, zone);
  if (today === null) return Number.NaN;
  if (month === undefined || day === undefined) {
    const next = toInstant(Date.UTC(today.year, today.month, today.day, hours, minute), zone);
    return next > now ? next : toInstant(Date.UTC(today.year, today.month, today.day + 1, hours, minute), zone);
  }
  const inYear = (which: number): number =>
    toInstant(Date.UTC(which, MONTHS.indexOf(month.toLowerCase().slice(0, 3)), Number(day), hours, minute), zone);
  if (year !== undefined) return inYear(Number(year));
  return inYear(today.year) > now ? inYear(today.year) : inYear(today.year + 1);
}

/** What calendar and clock of a zone show at an instant, as if that were UTC; null for a zone that is none. */
function wallClockOf(instant: number, zone: string): { year: number; month: number; day: number; asUtc: number } | null {
  let parts: Intl.DateTimeFormatPart[];
  try {
    parts = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    }).formatToParts(instant);
  } catch {
    return null;
  }
  const of = (type: string): number => Number(parts.find((part) => part.type === type)?.value ?? Number.NaN);
  const [year, month, day] = [of("year"), of("month") - 1, of("day")];
  return { year, month, day, asUtc: Date.UTC(year, month, day, of("hour"), of("minute"), of("second")) };
}

/** The instant at which a zone's clock shows a time that is given as if it were UTC; right on the days of clock changes too. */
function toInstant(asUtc: number, zone: string): number {
  let instant = asUtc;
  for (let round = 0; round < 2; round += 1) {
    const shown = wallClockOf(instant, zone);
    if (shown === null) return Number.NaN;
    instant += asUtc - shown.asUtc;
  }
  return instant;
}

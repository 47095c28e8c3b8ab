import type { Schedule, ScheduledTask } from "./make-schedule.ts";
import { nameTask, showTime } from "./render.ts";

/**
 * The schedule as a calendar (RFC 5545): an event for each task with dates, from its planned start to its planned end, and
 * a to-do for each without. The UID of a task is always the same, so that a newer calendar takes the older one's place.
 * Lines end in CRLF and have at most 75 octets.
 */
export function renderCalendar(schedule: Schedule): string {
  const { tasks } = schedule;
  const stamp = `DTSTAMP:${formatTime(schedule.at)}`;
  const parts = tasks.map((task) => renderTask(task, schedule, stamp));
  // A calendar has to have something in it.
  const nothing = ["BEGIN:VTODO", "UID:nothing@okstra", stamp, "SUMMARY:No open task", "STATUS:COMPLETED", "END:VTODO"];
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//okstra//okstra//EN",
    "CALSCALE:GREGORIAN",
    ...(parts.length === 0 ? nothing : parts.flat()),
    "END:VCALENDAR",
  ];
  return lines.map((line) => `${foldLine(line)}\r\n`).join("");
}

function renderTask(task: ScheduledTask, { tasks, words }: Schedule, stamp: string): readonly string[] {
  const name = nameTask(task.taskKey, tasks);
  const told = [
    `Phases left: ${task.phases.map(({ phase }) => phase).join(", ")}`,
    ...(task.p90At === null ? [] : [`Finished by ${showTime(task.p50At)} UTC (P50), ${showTime(task.p90At)} UTC (P90)`]),
    ...(task.after.length === 0 ? [] : [`After ${task.after.map((key) => nameTask(key, tasks)).join(", ")}`]),
    ...(task.held === null ? [] : [`Waits for you: ${task.held}`]),
    words,
  ];
  const shared = [`UID:${escapeText(task.taskKey)}@okstra`, stamp];
  const text = [`SUMMARY:${escapeText(name)}`, `DESCRIPTION:${escapeText(told.join("\n"))}`];
  if (task.startAt === null || task.endAt === null) return ["BEGIN:VTODO", ...shared, ...text, "STATUS:NEEDS-ACTION", "END:VTODO"];
  const [start, end] = [formatTime(task.startAt), formatTime(task.endAt)];
  // An end has to be after its start; without one an event takes no time.
  const times = [`DTSTART:${start}`, ...(end > start ? [`DTEND:${end}`] : [])];
  return ["BEGIN:VEVENT", ...shared, ...times, ...text, "TRANSP:TRANSPARENT", "END:VEVENT"];
}

function formatTime(at: string): string {
  return `${new Date(Date.parse(at)).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

/** TEXT of RFC 5545, section 3.3.11; control characters have no place in it. */
function escapeText(text: string): string {
  return text
    .replaceAll(/[\\;,]/g, (char) => `\\${char}`)
    .replaceAll(/\r\n|\n|\r/g, "\\n")
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, "");
}

const MAX_OCTETS = 75;

/** Section 3.1: a long line goes on after CRLF and a space, which counts; no character is torn. */
function foldLine(line: string): string {
  let folded = "";
  let octets = 0;
  for (const char of line) {
    const own = countOctets(char.codePointAt(0) ?? 0);
    if (octets + own > MAX_OCTETS) {
      folded += "\r\n ";
      octets = 1;
    }
    folded += char;
    octets += own;
  }
  return folded;
}

function countOctets(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4;
}

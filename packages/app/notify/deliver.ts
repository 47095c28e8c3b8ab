import type { Notice } from "@okstra/core/domain/notice";
import { createRedactor } from "@okstra/core/domain/redaction";
import type { CancelSignal } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { withoutProjects } from "../open/open-with-system.ts";
import { loadSecrets } from "../run/secrets.ts";
import { desktopCommand } from "./desktop-command.ts";

/** How a person is told. */
export interface NotifyWays {
  readonly bell: boolean;
  readonly desktop: boolean;
  /** Program and arguments of the person's own; a path is absolute. Title and text are added as the last two arguments. */
  readonly command: readonly [string, ...string[]] | null;
}

/** Tells a person. Nothing that goes wrong with it is an error of whoever tells: it is a warning. */
export interface Delivery {
  /** @param notice as `cleanNotice` made it */
  tell(notice: Notice): void;
  /** Waits a short while for what is being told, and ends the rest. Never throws. */
  finish(): Promise<void>;
}

/** Wall time of one program that tells, and of all that are still at work in the end, in milliseconds. */
const DEADLINE_MS = 5000;
const FINISH_MS = 8000;
/** So many may wait behind a program that is slow. */
const MAX_WAITING = 50;
const CAPTURE_BYTES = 4096;
const DEFAULT_PATH = "/usr/bin:/bin";
/** Where the person's desktop is; without these nothing can be shown there. */
const DESKTOP_VARIABLES = ["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"] as const;

/** What a command is given on its standard input, and what is printed. */
export type NoticeDocument = Omit<Notice, "keys">;

/** Its members in the order in which a person reads them. */
export function noticeDocument(notice: Notice): NoticeDocument {
  const { project, taskKey, phase, run, verdict, gateOpen, title, text, command, limit } = notice;
  return {
    kind: notice.kind,
    reason: notice.reason,
    at: notice.at,
    project,
    taskKey,
    phase,
    run,
    verdict,
    gateOpen,
    title,
    text,
    command,
    limit,
  };
}

/**
 * @param ring rings the bell of the person's terminal
 * @param interrupted ends what is being told
 */
export function openDelivery(app: App, ways: NotifyWays, ring: () => void, interrupted: CancelSignal): Delivery {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  interrupted.addEventListener("abort", onInterrupt, { once: true });
  if (interrupted.aborted) stop.abort();
  const warned = new Set<string>();
  const warn = (way: string, reason: string): void => {
    if (warned.has(`${way} ${reason}`)) return;
    warned.add(`${way} ${reason}`);
    app.emit({ type: "notify-failed", level: "warning", text: `${way}: ${reason}`, data: { way, reason } });
  };
  const queue = (way: string, act: (notice: Notice) => Promise<string | null>): ((notice: Notice) => Promise<void>) => {
    let last: Promise<void> = Promise.resolve();
    let waiting = 0;
    return (notice) => {
      if (waiting >= MAX_WAITING) {
        warn(way, `it is too slow; some notices are not told`);
        return last;
      }
      waiting += 1;
      last = last.then(async () => {
        try {
          const reason = stop.signal.aborted ? null : await act(notice);
          if (reason !== null) warn(way, reason);
        } catch (error) {
          warn(way, error instanceof Error ? error.message : String(error));
        } finally {
          waiting -= 1;
        }
      });
      return last;
    };
  };
  const tellers: ((notice: Notice) => Promise<void>)[] = [];
  if (ways.desktop) tellers.push(queue("desktop notification", (notice) => showOnDesktop(app, notice, stop.signal)));
  const { command } = ways;
  if (command !== null)
    tellers.push(queue(`notify command ${command[0]}`, (notice) => runCommand(app, command, app.surroundings.cwd, notice, stop.signal)));
  const telling = new Set<Promise<void>>();
  const track = async (done: Promise<void>): Promise<void> => {
    telling.add(done);
    await done;
    telling.delete(done);
  };
  return {
    tell(notice) {
      if (ways.bell) ring();
      for (const tell of tellers) {
        void track(tell(notice));
      }
    },
    async finish() {
      const timer = setTimeout(() => stop.abort(), FINISH_MS);
      await Promise.all(telling);
      clearTimeout(timer);
      interrupted.removeEventListener("abort", onInterrupt);
    },
  };
}

/** The program of the desktop is looked for outside projects only: what one brings along is not started. */
async function showOnDesktop(app: App, notice: Notice, signal: CancelSignal): Promise<string | null> {
  const { env, platform, home } = app.surroundings;
  const roots = [home, ...app.journals.list().map(({ root }) => root)];
  const { program, args } = desktopCommand(platform, notice.title, bodyOf(notice));
  const found = await app.processes.findProgram(program, withoutProjects(env["PATH"] ?? DEFAULT_PATH, roots));
  if (found === null) return `there is no ${program} here`;
  return start(app, [found, ...args], (await app.store.exists(home)) ? home : "/", notice, signal);
}

async function runCommand(
  app: App,
  command: readonly [string, ...string[]],
  cwd: string,
  notice: Notice,
  signal: CancelSignal,
): Promise<string | null> {
  return start(app, [...command, notice.title, bodyOf(notice)], cwd, notice, signal);
}

/** What a person reads where there is no place for a command by itself. */
function bodyOf({ text, command }: Notice): string {
  return command === null ? text : `${text}; ${command}`;
}

/** @returns why nobody was told, in words; null when somebody was */
async function start(
  app: App,
  command: readonly [string, ...string[]],
  cwd: string,
  notice: Notice,
  signal: CancelSignal,
): Promise<string | null> {
  const document = noticeDocument(notice);
  const end = await app.processes.run({
    command,
    cwd,
    env: { ...allowedEnvironment(app.surroundings.env, DESKTOP_VARIABLES), ...variablesOf(notice) },
    stdin: `${JSON.stringify(document)}\n`,
    deadlineMs: DEADLINE_MS,
    runId: `notify-${app.ids.randomHex(8)}`,
    transcriptPath: null,
    captureBytes: CAPTURE_BYTES,
    redact: createRedactor(await loadSecrets(app, [])),
    signal,
  });
  if (end.ended === "deadline") return `it was ended after ${DEADLINE_MS / 1000} s`;
  if (end.ended === "cancelled" || end.exitCode === 0) return null;
  const [said = ""] = end.stderr.text.trim().split("\n");
  const how = end.exitCode === null ? `it was ended by ${end.signal ?? "a signal"}` : `it ended with status ${end.exitCode}`;
  return `${how}${said === "" ? "" : ` (${said.slice(0, 200)})`}`;
}

function variablesOf(notice: Notice): Record<string, string> {
  return {
    OKSTRA_NOTIFY_KIND: notice.kind,
    OKSTRA_NOTIFY_REASON: notice.reason,
    OKSTRA_NOTIFY_TITLE: notice.title,
    OKSTRA_NOTIFY_TEXT: bodyOf(notice),
    OKSTRA_NOTIFY_PROJECT: notice.project,
    OKSTRA_NOTIFY_TASK: notice.taskKey,
    OKSTRA_NOTIFY_PHASE: notice.phase ?? "",
    OKSTRA_NOTIFY_RUN: notice.run === null ? "" : String(notice.run),
    OKSTRA_NOTIFY_VERDICT: notice.verdict ?? "",
    OKSTRA_NOTIFY_COMMAND: notice.command ?? "",
    OKSTRA_NOTIFY_AT: notice.at,
  };
}

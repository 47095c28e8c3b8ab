import { OkstraError } from "@okstra/core/errors";
import { neutralise, neutraliseBlock } from "@okstra/core/report/neutral-text";
import type { ProgressEvent } from "@okstra/app/app";
import { createActivityLimit } from "./activity-limit.ts";
import { cutToCells } from "./cells.ts";
import { createLiveScreen, type Terminal } from "./live-screen.ts";
import { formatNeutralJson } from "./neutral-json.ts";

/** Where a command writes: the answer on stdout, the narration on stderr. Nothing else in okstra writes to either. */
export interface Streams {
  /** `writable` turns false when nobody reads any more. */
  readonly stdout: { write(text: string): void; readonly isTTY?: boolean; readonly writable?: boolean };
  readonly stderr: Terminal & { readonly isTTY?: boolean };
}

export type EventFormat = "text" | "ndjson" | "none";

export interface Ui {
  /** Prints a command's answer: `document` under --json, else `text`. */
  answer(document: unknown, text: string): void;
  /** Prints a text that is the answer itself, whatever the mode (a rendered report, quoted shell lines). */
  raw(text: string): void;
  /** Prints one JSON document on a line of its own, for answers that come bit by bit. */
  documentLine(document: unknown): void;
  /** Shows a person at a terminal what they are about to decide. */
  preview(lines: readonly string[]): void;
  /** Rings the bell of a terminal that standard error is; nothing where it is none. */
  bell(): void;
  /** False when whoever read the answer has gone (`okstra … | head`). */
  hasReader(): boolean;
  progress(event: ProgressEvent): void;
  error(error: OkstraError): void;
  readonly json: boolean;
}

const ANSI = { red: "31", yellow: "33", green: "32", dim: "2", bold: "1" } as const;

/** Colour only on a terminal, and never when NO_COLOR is set (no-color.org). */
export function createPaint(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): (style: keyof typeof ANSI, text: string) => string {
  const enabled = isTerminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  return (style, text) => (enabled ? `\u001B[${ANSI[style]}m${text}\u001B[0m` : text);
}

/** Types of narration that are events of a run's log as well. */
const LOGGED: ReadonlySet<string> = new Set([
  "lane-started",
  "lane-ended",
  "lane-retried",
  "model-substituted",
  "sandbox-missing",
  "run-paused",
  "work-inspected",
]);

/**
 * The one place that talks with the person. On a terminal progress is a line that is written over, and one a lane while
 * lanes run; in a log each event is a line, but a lane's uses are left out and its activities are limited; with `ndjson`
 * each event is a JSON document a line.
 */
export function createUi(
  streams: Streams,
  options: { json: boolean; events: EventFormat; env: Readonly<Record<string, string | undefined>> },
): Ui {
  const { stdout, stderr } = streams;
  // A dumb terminal cannot write over a line.
  const isTerminal = stderr.isTTY === true && options.env["TERM"] !== "dumb";
  const paint = createPaint(isTerminal, options.env);
  const screen = createLiveScreen(stderr, paint);
  const mayTell = createActivityLimit(() => performance.now());
  let transient = false;

  const clear = (): void => {
    if (transient) stderr.write("\r\u001B[2K");
    transient = false;
  };
  const endProgress = (): void => {
    clear();
    screen.end();
  };

  return {
    json: options.json,
    answer(document, text) {
      endProgress();
      if (options.json) stdout.write(`${formatNeutralJson(document, 2)}\n`);
      else stdout.write(neutraliseBlock(text.endsWith("\n") || text === "" ? text : `${text}\n`));
    },
    raw(text) {
      endProgress();
      stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    },
    documentLine(document) {
      endProgress();
      stdout.write(`${formatNeutralJson(document)}\n`);
    },
    preview(lines) {
      endProgress();
      stderr.write(`${neutraliseBlock(lines.join("\n"))}\n`);
    },
    bell() {
      if (stderr.isTTY === true) stderr.write("\u0007");
    },
    hasReader: () => stdout.writable !== false,
    progress(event) {
      if (options.events === "ndjson") {
        // What stands in the run's log is told once, as it stands there.
        if (event.level !== "record" && LOGGED.has(event.type)) return;
        stderr.write(`${formatNeutralJson(event.level === "record" ? event.data : event)}\n`);
        return;
      }
      if (event.level === "record") return;
      if (options.events === "none" && event.level !== "warning") return;
      const isInfo = event.level === undefined || event.level === "info";
      if (isInfo && isTerminal && screen.show(event)) return clear();
      if (isInfo && !isTerminal && !mayTell(event)) return;
      const text = neutralise(event.text).replaceAll(/\s*\n\s*/g, " ");
      clear();
      screen.wipe();
      if (event.level === "warning") stderr.write(`${paint("yellow", "warning:")} ${text}\n`);
      else if (event.level === "note") stderr.write(`note: ${text}\n`);
      else if (isTerminal) {
        stderr.write(paint("dim", cutToCells(`· ${text}`, Math.max(1, (stderr.columns ?? 80) - 1))));
        transient = true;
      } else stderr.write(`${text}\n`);
    },
    error(error) {
      endProgress();
      if (options.json) stdout.write(`${formatNeutralJson({ error: error.toDocument() }, 2)}\n`);
      else
        stderr.write(
          `${paint("red", `error[${error.code}]:`)} ${neutralise(error.message)}\n${paint("bold", "hint:")} ${neutralise(error.hint)}\n`,
        );
    },
  };
}

/** Any thrown value as an error with a code; what is no OkstraError is a defect of ours. */
export function asOkstraError(error: unknown): OkstraError {
  if (error instanceof OkstraError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new OkstraError("OKSTRA_INTERNAL", {
    message,
    details: { stack: error instanceof Error ? (error.stack ?? "").split("\n").slice(0, 12) : [] },
    cause: error,
  });
}

/** The process's own streams. A reader that went away (`okstra … | head`) is no error. */
export function processStreams(): Streams {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  return { stdout: process.stdout, stderr: process.stderr };
}

/** Reads standard input up to a limit in bytes; one byte more is read so that the caller can tell. */
export async function readProcessStdin(maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

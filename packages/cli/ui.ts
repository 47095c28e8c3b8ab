import { OkstraError } from "@okstra/core/errors";
import { neutralise, neutraliseBlock } from "@okstra/core/report/neutral-text";
import type { ProgressEvent } from "@okstra/app/app";

/** Where a command writes: the answer on stdout, the narration on stderr. Nothing else in okstra writes to either. */
export interface Streams {
  readonly stdout: { write(text: string): void; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): void; readonly isTTY?: boolean; readonly columns?: number };
}

export type EventFormat = "text" | "ndjson" | "none";

export interface Ui {
  /** Prints a command's answer: `document` under --json, else `text`. */
  answer(document: unknown, text: string): void;
  /** Prints a text that is the answer itself, whatever the mode (a rendered report, quoted shell lines). */
  raw(text: string): void;
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

/**
 * The one place that talks with the person. On a terminal progress is a line that is written over; in a log each
 * event is a line; with `ndjson` each event is a JSON document a line.
 */
export function createUi(
  streams: Streams,
  options: { json: boolean; events: EventFormat; env: Readonly<Record<string, string | undefined>> },
): Ui {
  const { stdout, stderr } = streams;
  const isTerminal = stderr.isTTY === true;
  const paint = createPaint(isTerminal, options.env);
  let transient = false;

  const clear = (): void => {
    if (transient) stderr.write("\r\u001B[2K");
    transient = false;
  };

  return {
    json: options.json,
    answer(document, text) {
      clear();
      if (options.json) stdout.write(`${JSON.stringify(document, null, 2)}\n`);
      else stdout.write(neutraliseBlock(text.endsWith("\n") || text === "" ? text : `${text}\n`));
    },
    raw(text) {
      clear();
      stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    },
    progress(event) {
      if (options.events === "ndjson") {
        stderr.write(`${JSON.stringify(event.level === "record" ? event.data : event)}\n`);
        return;
      }
      if (event.level === "record") return;
      if (options.events === "none" && event.level !== "warning") return;
      const text = neutralise(event.text).replaceAll(/\s*\n\s*/g, " ");
      clear();
      if (event.level === "warning") stderr.write(`${paint("yellow", "warning:")} ${text}\n`);
      else if (event.level === "note") stderr.write(`note: ${text}\n`);
      else if (isTerminal) {
        stderr.write(paint("dim", `· ${text}`.slice(0, Math.max(20, (stderr.columns ?? 80) - 1))));
        transient = true;
      } else stderr.write(`${text}\n`);
    },
    error(error) {
      clear();
      if (options.json) stdout.write(`${JSON.stringify({ error: error.toDocument() }, null, 2)}\n`);
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

import { createRedactor } from "@okstra/core/domain/redaction";
import type { NamedCommand } from "@okstra/core/domain/setup";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { loadSecrets } from "../run/secrets.ts";

/** A try is no run: what takes longer is stopped, and said to be. */
const TRY_DEADLINE_MS = 5 * 60 * 1000;
const CAPTURE_BYTES = 64 * 1024;
const LAST_LINES = 10;

/** What a command did, started once. */
export interface TriedCommand {
  /** Null: it was ended, by a signal or by the deadline of the try. */
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly timedOut: boolean;
  /** The end of what it printed, secrets made unreadable. */
  readonly lastLines: readonly string[];
}

/**
 * Starts each command once in the project's root, one after the other, as the `checks` worker does.
 * @throws OKSTRA_INTERRUPTED
 */
export async function tryCommands(
  app: App,
  root: string,
  commands: readonly NamedCommand[],
  signal: CancelSignal,
): Promise<readonly TriedCommand[]> {
  const redact = createRedactor(await loadSecrets(app, [root]));
  const tried: TriedCommand[] = [];
  for (const { name, command } of commands) {
    app.emit({ type: "qa-tried", text: `trying ${name}: ${command}` });
    const end = await app.processes.run({
      command: ["sh", "-c", command],
      cwd: root,
      env: { ...allowedEnvironment(app.surroundings.env, []), CI: "true", FORCE_COLOR: "0" },
      stdin: "",
      deadlineMs: TRY_DEADLINE_MS,
      runId: app.ids.randomHex(12),
      transcriptPath: null,
      captureBytes: CAPTURE_BYTES,
      redact,
      signal,
    });
    if (signal.aborted || end.ended === "cancelled")
      throw new OkstraError("OKSTRA_INTERRUPTED", { message: "Interrupted; nothing was written.", hint: "Run it again: okstra setup" });
    const output = redact([end.stdout.text, end.stderr.text].filter((text) => text.trim() !== "").join("\n"));
    tried.push({
      exitCode: end.ended === "by-itself" ? end.exitCode : null,
      durationMs: Math.round(end.durationMs),
      timedOut: end.ended === "deadline",
      lastLines: output
        .trimEnd()
        .split("\n")
        .slice(-LAST_LINES)
        .filter((line) => line !== ""),
    });
  }
  return tried;
}

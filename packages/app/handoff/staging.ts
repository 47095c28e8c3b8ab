import type { HandoffCall } from "@okstra/core/domain/handoff";
import { OkstraError } from "@okstra/core/errors";
import type { OutsideAnswer } from "@okstra/core/handoff-port";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { openScratch } from "../scratch/open-scratch.ts";
import { maskUrl, type Remote } from "./remote.ts";

/** Wall time of one call that reaches a remote or a forge when nothing else is said: 2 minutes. */
export const DEFAULT_CALL_MS = 120_000;

/** How calls are made in a hand-off: recorded, bounded in time, ended by an interruption. */
export interface CallSettings {
  /** Wall time of each call in milliseconds. */
  readonly deadlineMs: number;
  readonly signal: CancelSignal;
  /** Told of every call after it ended. */
  readonly onCall: (call: HandoffCall) => Promise<void>;
}

/**
 * A bare repository of our own that sees the project's objects and nothing else of it: none of the project's hooks,
 * filters, rewrites of URLs or other configuration has an effect on what is done here. What the person set up for all
 * repositories, such as credentials and hooks of their own, does.
 */
export interface Staging {
  readonly path: string;
  /** Where git pushes to from here, with the person's own configuration counted; null without a remote. May have a password. */
  readonly pushUrl: string | null;
  /** Runs git here. @throws OKSTRA_HANDOFF_REMOTE_FAILED for an exit status that is no answer, and for a deadline */
  git(
    args: readonly string[],
    options?: { okExitCodes?: readonly number[]; stdin?: string; env?: Readonly<Record<string, string>> },
  ): Promise<OutsideAnswer>;
  close(): Promise<void>;
}

/** The name that the remote has in the staging repository. */
export const STAGED_REMOTE = "origin";

/**
 * @param options.repository common git directory of the project
 * @param options.commit any commit of it, for the kind of its hashes
 */
export async function openStaging(
  app: App,
  options: CallSettings & { readonly repository: string; readonly commit: string; readonly remote: Remote | null },
): Promise<Staging> {
  const { repository, remote } = options;
  const scratch = await openScratch(app, "handoff");
  const { path } = scratch;
  // Bare, yet under the name that git finds even for a person who set safe.bareRepository to explicit.
  const gitDir = `${path}/.git`;
  const run = createCaller(app, options, path, remote);
  try {
    await app.store.ensureDirectory(path);
    // Said in any case: the person's own default may be the other one.
    const format = `--object-format=${options.commit.length === 64 ? "sha256" : "sha1"}`;
    await run(["init", "--quiet", "--bare", "--template=", format, ".git"]);
    await app.store.ensureDirectory(`${gitDir}/objects/info`);
    await app.store.writeText(`${gitDir}/objects/info/alternates`, `${repository}/objects\n`);
    // A shallow clone says where its history ends.
    const shallow = await app.store.readText(`${repository}/shallow`);
    if (shallow !== null) await app.store.writeText(`${gitDir}/shallow`, shallow);
    const config = (await app.store.readText(`${gitDir}/config`)) ?? "";
    await app.store.writeText(`${gitDir}/config`, `${config}${ENCODINGS}${describeRemote(remote)}`);
    const pushUrl = remote === null ? null : (await run(["remote", "get-url", "--push", STAGED_REMOTE])).stdout.replace(/\n$/, "");
    return { path, pushUrl, git: run, close: () => scratch.close() };
  } catch (error) {
    await scratch.close();
    throw error;
  }
}

/** Wins over what the person set for their terminal: okstra reads and writes UTF-8. */
const ENCODINGS = "[i18n]\n\tlogOutputEncoding = UTF-8\n\tcommitEncoding = UTF-8\n";

/** Written as a file, so that a password in a URL is in no argument list. */
function describeRemote(remote: Remote | null): string {
  if (remote === null) return "";
  const quote = (value: string): string => `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  return [
    `[remote "${STAGED_REMOTE}"]`,
    `\turl = ${quote(remote.url)}`,
    ...(remote.pushUrl === null ? [] : [`\tpushurl = ${quote(remote.pushUrl)}`]),
    "",
  ].join("\n");
}

function createCaller(app: App, settings: CallSettings, cwd: string, remote: Remote | null): Staging["git"] {
  // What git says of a URL is for people too; a rewrite of the person's own may have put another password in.
  const mask = (text: string): string =>
    [remote?.url, remote?.pushUrl]
      .reduce<string>((all, url) => (url ? all.replaceAll(url, maskUrl(url)) : all), text)
      .replaceAll(/[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s'"/]*@/g, maskUrl);
  return async (args, { okExitCodes = [0], stdin, env } = {}) => {
    const answer = await app.callOutside({
      program: "git",
      args,
      cwd,
      deadlineMs: settings.deadlineMs,
      signal: settings.signal,
      ...(stdin === undefined ? {} : { stdin }),
      ...(env === undefined ? {} : { env }),
    });
    const { exitCode, ended, startedAt, durationMs } = answer;
    const shown = { ...answer, argv: answer.argv.map(mask), stderr: mask(answer.stderr) };
    await settings.onCall({ argv: shown.argv, exitCode, ended, startedAt, durationMs });
    if (ended === "cancelled") throw new OkstraError("OKSTRA_INTERRUPTED", { message: "The hand-off was interrupted." });
    if (ended === "by-itself" && exitCode !== null && okExitCodes.includes(exitCode)) return shown;
    throw describeFailure(args, shown, settings.deadlineMs);
  };
}

/** A call whose answer is none: the remote is gone, slow, or refuses; or git itself failed. */
export function describeFailure(args: readonly string[], answer: OutsideAnswer, deadlineMs: number): OkstraError {
  const lines = answer.stderr.split("\n").filter((line) => line.trim() !== "");
  const why =
    answer.ended === "deadline"
      ? `no answer within ${deadlineMs} ms`
      : answer.ended === "not-found"
        ? "the program is not on PATH"
        : (lines.find((line) => line.startsWith("fatal:")) ?? lines.at(-1) ?? `exit status ${answer.exitCode ?? "none"}`);
  const name = args.find((arg) => /^[a-z][a-z-]*$/.test(arg)) ?? "";
  return new OkstraError("OKSTRA_HANDOFF_REMOTE_FAILED", {
    message: `git ${name} failed: ${why}`.replace(/\.?$/, "."),
    details: { argv: answer.argv, exitCode: answer.exitCode, ended: answer.ended, stderr: answer.stderr.slice(-2000) },
  });
}

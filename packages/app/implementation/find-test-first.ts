import type { ChangedFile, TestExecution, TestFirst } from "@okstra/core/domain/work-record";
import { OkstraError } from "@okstra/core/errors";
import type { SafeConfig } from "@okstra/core/git-port";
import type { CancelSignal } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { openCheckout } from "../scratch/open-scratch.ts";
import { fetchChanges, fetchCommits } from "./fetch-history.ts";
import { isTestFile } from "./test-files.ts";

/** Bounds of what one look may cost. */
const MAX_COMMANDS = 5;
const MAX_TEST_COMMITS = 10;
const MAX_DEADLINE_MS = 10 * 60 * 1000;
const CAPTURE_BYTES = 64 * 1024;

export interface TestFirstRequest {
  readonly worktree: string;
  /** The common git directory. */
  readonly repository: string;
  readonly before: string;
  readonly head: string;
  readonly commands: readonly { readonly name: string; readonly command: string }[];
  /** Names of directories, such as node_modules, that are copied from the worktree where a checkout lacks them. */
  readonly disposable: readonly string[];
  readonly runId: string;
  /** Wall time of one execution; at most ten minutes are taken. */
  readonly deadlineMs: number;
  readonly redact: (text: string) => string;
  readonly signal: CancelSignal;
}

/**
 * Whether a test fails before the work and passes after it, by okstra's own executions in throw-away checkouts: of
 * `before` with only the test files of `head` laid over it, and of `head`. For a command that shows it, the first
 * commit is named that holds nothing but tests and at which the command fails. Each command is executed at most
 * twice and once for each of ten such commits; `[]` when no test changed or there is no command.
 * @throws OKSTRA_INTERRUPTED: what was interrupted has shown nothing, and is to be done again
 */
export async function findTestFirst(app: App, request: TestFirstRequest): Promise<TestFirst[]> {
  const { worktree, repository, before, head } = request;
  const commands = [...new Set(request.commands.map(({ command }) => command))].slice(0, MAX_COMMANDS);
  if (commands.length === 0) return [];
  const tests = (await fetchChanges(app, worktree, before, head)).filter(({ path }) => isTestFile(path));
  const testFiles = tests.filter(({ status }) => status !== "D").map(({ path }) => path);
  if (testFiles.length === 0) return [];
  const safe = await app.git.safeConfig({ commonDir: repository, mainRoot: worktree });
  const results = commands.map((command) => ({
    command,
    before: notExecuted(before),
    after: notExecuted(head),
    notes: [] as string[],
  }));
  const inCheckout = { app, request, safe };
  try {
    await useCheckout(inCheckout, before, async (path) => {
      await layTests(app, { path, head, tests, safe });
      for (const result of results) result.before = await execute(app, request, { ...result, commit: before, path });
    });
    await useCheckout(inCheckout, head, async (path) => {
      for (const result of results) result.after = await execute(app, request, { ...result, commit: head, path });
    });
    const shown = results.filter(isShown);
    const ofTests = shown.length === 0 ? [] : await listTestCommits(app, request);
    for (const commit of ofTests) {
      const open = shown.filter(({ notes }) => notes.length === 0);
      if (open.length === 0) break;
      await useCheckout(inCheckout, commit, async (path) => {
        for (const result of open)
          if ((await execute(app, request, { ...result, commit, path })).failed)
            result.notes.push(`commit ${commit.slice(0, 12)} holds only tests, and the command fails there`);
      });
    }
  } catch (error) {
    if (!(error instanceof OkstraError) || error.code === "OKSTRA_INTERRUPTED" || error.code === "OKSTRA_DISK_FULL") throw error;
    for (const result of results) result.notes.push(`not executed: ${error.message}`);
  }
  return results.map((result) => ({
    command: request.redact(result.command),
    testFiles,
    before: result.before,
    after: result.after,
    shown: isShown(result),
    note: describe(result),
  }));
}

type Result = { readonly command: string; before: TestExecution; after: TestExecution; readonly notes: string[] };

function notExecuted(commit: string): TestExecution {
  return { commit, exitCode: null, failed: false };
}

function isShown({ before, after }: Result): boolean {
  return before.failed && after.exitCode === 0;
}

function describe(result: Result): string {
  const { before, after, notes } = result;
  if (notes.length > 0) return notes.join("; ");
  if (isShown(result)) return "no commit holds only tests and fails";
  if (before.exitCode === 0) return "the tests pass without the change";
  if (after.failed) return "the command fails with the change";
  return "the command was not found or did not end in time";
}

/** @throws OKSTRA_INTERRUPTED */
function requireGoing({ signal }: TestFirstRequest): void {
  if (signal.aborted) throw new OkstraError("OKSTRA_INTERRUPTED", { message: "The look for a test that fails first was interrupted." });
}

async function execute(
  app: App,
  request: TestFirstRequest,
  { command, commit, path }: { command: string; commit: string; path: string },
): Promise<TestExecution> {
  requireGoing(request);
  app.emit({ type: "test-first-executing", text: `at ${commit.slice(0, 12)}: ${request.redact(command)}` });
  const end = await app.processes.run({
    command: ["sh", "-c", command],
    cwd: path,
    env: { ...allowedEnvironment(app.surroundings.env, []), CI: "true" },
    deadlineMs: request.deadlineMs > 0 ? Math.min(MAX_DEADLINE_MS, request.deadlineMs) : MAX_DEADLINE_MS,
    runId: request.runId,
    transcriptPath: null,
    captureBytes: CAPTURE_BYTES,
    redact: request.redact,
    signal: request.signal,
  });
  requireGoing(request);
  // 126 and 127: the shell could not start the command, which shows nothing about the project.
  const isStarted = end.ended === "by-itself" && end.exitCode !== 126 && end.exitCode !== 127;
  return { commit, exitCode: end.ended === "by-itself" ? end.exitCode : null, failed: isStarted && end.exitCode !== 0 };
}

/** A checkout with copies of what is installed in the worktree, gone when `use` has ended, however it ended. */
async function useCheckout(
  { app, request, safe }: { app: App; request: TestFirstRequest; safe: SafeConfig },
  commit: string,
  use: (path: string) => Promise<void>,
): Promise<void> {
  requireGoing(request);
  if (safe.blockedFilters.length > 0)
    throw new OkstraError("OKSTRA_GIT_FAILED", { message: `the filter ${safe.blockedFilters.join(", ")} may not run` });
  const installed = { tree: request.worktree, names: request.disposable };
  const checkout = await openCheckout(app, { name: request.runId, repository: request.repository, commit, safe, installed });
  try {
    await use(checkout.path);
  } finally {
    await checkout.close();
  }
}

/** Makes the tests of a checkout those of `head`: files that it has are written, files that it lost are deleted. */
async function layTests(
  app: App,
  { path, head, tests, safe }: { path: string; head: string; tests: readonly ChangedFile[]; safe: SafeConfig },
): Promise<void> {
  for (const { path: file, status } of tests) if (status === "D") await app.files.removeContent(path, file);
  const stdin = tests
    .filter(({ status }) => status !== "D")
    .map((test) => `${test.path}\0`)
    .join("");
  const args = ["checkout", "--quiet", head, "--pathspec-from-file=-", "--pathspec-file-nul"];
  // The later value wins: a throw-away checkout runs no hook, an approved one neither.
  await app.git.run(path, ["-c", "core.hooksPath=/dev/null", "--literal-pathspecs", ...args], { safe, stdin });
}

/** The first commits of the work, oldest first, that change tests and nothing else. */
async function listTestCommits(app: App, { worktree, before, head }: TestFirstRequest): Promise<string[]> {
  const commits = await fetchCommits(app, worktree, { from: before, to: head, steps: [] });
  return commits
    .filter(({ sha, files }) => sha !== head && files.length > 0 && files.every(({ path }) => isTestFile(path)))
    .map(({ sha }) => sha)
    .slice(0, MAX_TEST_COMMITS);
}

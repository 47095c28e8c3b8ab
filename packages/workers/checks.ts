import type { Execution, ReproductionRecord } from "@okstra/core/domain/execution";
import type { Baseline, Finding } from "@okstra/core/domain/finding";
import type { Isolation } from "@okstra/core/domain/receipt";
import type { QaCommand } from "@okstra/core/domain/project";
import type { Clock, LaneOutcome, LaneRequest, ProcessEnd, Processes, Sha256, Worker } from "@okstra/core/ports";
import { discoverBuild } from "./checks/discover-node.ts";
import { discoverChecks, type Check } from "./checks/discover.ts";
import { parseOutput } from "./checks/formats/index.ts";
import type { Problem } from "./checks/problem.ts";
import { failureKey, fallbackProblem, toFindings } from "./checks/to-findings.ts";

const CAPTURE_BYTES = 16 * 1024 * 1024;
/** So many failures of one check become findings of their own; the rest are counted in one more. */
const MAX_FAILURES = 200;
/** What programs say of a path that is not there, in a line with one of okstra's own records. */
const STUMBLED =
  /(?:could not find|ENOENT|no such file)[^\n]*\.project-docs[\\/]okstra[\\/]tasks[\\/]|\.project-docs[\\/]okstra[\\/]tasks[\\/][^\n]*(?:ENOENT|no such file|not found)/i;
const MAX_STUMBLES = 5;
const MAX_WARNINGS = 20;

/** What the worker needs of the outside. */
export interface ChecksParts {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly sha256: Sha256;
  /** Text of a file below a root by its relative path; null when absent, outside, or too large. */
  readonly readText: (root: string, relative: string) => Promise<string | null>;
  readonly removeFile: (root: string, relative: string) => Promise<void>;
  /** A checkout of another commit that commands can run in, and how to drop it; null when there is none to be had. */
  readonly openBaseline: (request: LaneRequest, commit: string) => Promise<{ readonly path: string; close(): Promise<void> } | null>;
  /** What failed at a commit under a command, remembered across runs. */
  readonly cache: {
    load(key: string): Promise<readonly string[] | null>;
    save(key: string, failureKeys: readonly string[]): Promise<void>;
  };
}

interface Attempt {
  readonly execution: Execution;
  readonly problems: readonly Problem[];
  readonly output: string;
  readonly cancelled: boolean;
}

/** A finding with what its executions showed; null where nothing was executed for it. */
interface Raised {
  readonly finding: Finding;
  readonly record: {
    readonly command: string;
    readonly commit: string;
    readonly executions: number;
    readonly failures: number;
    readonly baseline: Baseline;
  } | null;
}

/**
 * The built-in worker that needs no model: runs the project's own checks and turns what they say into findings.
 * A failing check is run again, which tells flaky from firm, and at the base commit, which tells new from
 * already there.
 */
export function createChecksWorker(parts: ChecksParts): Worker {
  return {
    kind: "checks",
    async findCommands(directory) {
      return discoverChecks({ readText: (relative) => parts.readText(directory, relative) });
    },
    async suggestCommands(directory) {
      return discoverBuild({ readText: (relative) => parts.readText(directory, relative) });
    },
    async run(request) {
      const checks =
        request.qaCommands === null
          ? await discoverChecks({ readText: (relative) => parts.readText(request.worktree, relative) })
          : request.qaCommands.map(checkOf);
      const started = parts.clock.monotonicMs();
      const executions: Execution[] = [];
      const left = (): number => request.deadlineMs - (parts.clock.monotonicMs() - started);
      const session: Session = { parts, request, left, executions, isolation: "in-process", stdoutBytes: 0, stderrBytes: 0 };
      const findings: Raised[] = [];
      const answer = (
        end: LaneOutcome["end"],
        reason: string | null,
        resultText: string | null,
        reproductions: readonly ReproductionRecord[] = [],
      ): LaneOutcome => ({
        end,
        reason,
        resultText,
        command: [],
        modelServed: null,
        sessionId: null,
        exitCode: null,
        signal: null,
        isolation: session.isolation,
        sandbox: "none",
        stdoutBytes: session.stdoutBytes,
        stderrBytes: session.stderrBytes,
        usage: null,
        executions,
        reproductions,
      });
      if (checks.length === 0) return answer("failed", "no checks were found; name them as qaCommands in project.json", null);
      for (const check of checks) {
        const outcome = await runCheck(session, check);
        if (request.signal.aborted) return answer("cancelled", "the run was interrupted", null);
        if (left() <= 0) return answer("timeout", `the deadline of ${request.deadlineMs} ms passed during ${check.command}`, null);
        findings.push(...outcome);
      }
      const reproductions = findings.flatMap(({ record }, index) =>
        record === null ? [] : [{ findingId: `${request.worker.name}#${index + 1}`, ...record }],
      );
      const result = {
        nonce: request.nonce,
        runId: request.runId,
        findings: findings.map(({ finding }) => finding),
        symptoms: symptomsOf(findings),
        checks: checks.map(({ name, command }) => ({ name, command })),
      };
      return answer("ok", null, JSON.stringify(result), reproductions);
    },
  };
}

interface Session {
  readonly parts: ChecksParts;
  readonly request: LaneRequest;
  /** Milliseconds until the lane's deadline. */
  readonly left: () => number;
  readonly executions: Execution[];
  /** How the commands' process trees were held; `in-process` while none ran. */
  isolation: Isolation;
  stdoutBytes: number;
  stderrBytes: number;
}

function checkOf(command: QaCommand): Check {
  if (typeof command === "string") return { name: command, command };
  const { name, command: line, format, reportFile, timeoutMs } = command;
  return {
    name,
    command: line,
    ...(format === undefined ? {} : { format }),
    ...(reportFile === undefined ? {} : { reportFile }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

async function runCheck(session: Session, check: Check): Promise<readonly Raised[]> {
  const { request } = session;
  request.onActivity(`running ${check.command}`);
  const first = await execute(session, check, request.worktree, request.headCommit);
  if (first.cancelled || session.left() <= 0) return [];
  const warnings = first.problems.filter((problem) => problem.level === "warning");
  const raised: Raised[] = [];
  if (first.execution.exitCode !== 0) {
    request.onActivity(`${check.command} failed; running it again`);
    const second = await execute(session, check, request.worktree, request.headCommit);
    if (second.cancelled || session.left() <= 0) return [];
    const base = await findBaseFailures(session, check);
    for (const failure of mergeFailures(check, first, second, request.worktree)) {
      const [finding] = await toFindings(check, [failure.problem], treeOf(session));
      if (finding === undefined) continue;
      const firm = failure.failures === 2;
      const baseline: Baseline = base === null ? "unknown" : base.has(failure.key) ? "already-there" : "new";
      raised.push({
        finding: firm ? finding : { ...finding, severity: "P2", claim: `Flaky: ${finding.claim}`.slice(0, 200) },
        record: { command: check.command, commit: request.headCommit, executions: 2, failures: failure.failures, baseline },
      });
    }
  }
  for (const finding of await toFindings(check, warnings.slice(0, MAX_WARNINGS), treeOf(session)))
    raised.push({ finding: withoutReproduction(finding), record: null });
  return raised;
}

/** A warning fails nothing, so there is nothing that a second execution could reproduce. */
function withoutReproduction(finding: Finding): Finding {
  const { reproduction: _none, ...rest } = finding;
  return rest;
}

/** The failures of two executions, each with in how many of them it was seen. */
function mergeFailures(
  check: Check,
  first: Attempt,
  second: Attempt,
  root: string,
): readonly { key: string; problem: Problem; failures: number }[] {
  const merged = new Map<string, { key: string; problem: Problem; failures: number }>();
  for (const attempt of [first, second]) {
    const seen = new Set<string>();
    for (const problem of attempt.problems) {
      if (problem.level !== "error") continue;
      const key = failureKey(problem, root);
      if (seen.has(key)) continue;
      seen.add(key);
      const known = merged.get(key);
      merged.set(key, { key, problem: known?.problem ?? problem, failures: (known?.failures ?? 0) + 1 });
    }
  }
  const all = [...merged.values()];
  if (first.execution.exitCode !== 0 && second.execution.exitCode !== 0 && all.every(({ failures }) => failures < 2)) {
    // It fails each time, and each time otherwise: the command's failure is firm, whatever its details are.
    const problem = fallbackProblem(check, second.execution.exitCode, second.output);
    return [...all.slice(0, MAX_FAILURES), { key: `${check.name}|fails in another way each time`, problem, failures: 2 }];
  }
  if (all.length <= MAX_FAILURES) return all;
  const kept = all.slice(0, MAX_FAILURES);
  const rest = all.length - MAX_FAILURES;
  const more: Problem = {
    tool: first.problems[0]?.tool ?? "check",
    rule: "more-failures",
    message: `${rest} more failures of the same check`,
    level: "error",
    category: "check-failure",
    file: null,
    startLine: null,
    endLine: null,
    excerpt: "",
  };
  return [
    ...kept,
    { key: failureKey(more), problem: more, failures: Math.max(...all.slice(MAX_FAILURES).map(({ failures }) => failures)) },
  ];
}

/**
 * A check that follows the link to `.project-docs` may look at a file of a run in the moment in which it goes: that it fails
 * then says nothing of the project, and it is done again.
 */
async function execute(session: Session, check: Check, cwd: string, commit: string): Promise<Attempt> {
  for (let stumbles = 0; ; stumbles += 1) {
    const attempt = await executeOnce(session, check, cwd, commit);
    const { exitCode } = attempt.execution;
    if (attempt.cancelled || exitCode === 0 || stumbles === MAX_STUMBLES || !STUMBLED.test(attempt.output)) return attempt;
    session.executions.pop();
    session.request.onActivity(`${check.command} met a file of a run that was just going; running it again`);
  }
}

async function executeOnce(session: Session, check: Check, cwd: string, commit: string): Promise<Attempt> {
  const { parts, request } = session;
  if (check.reportFile !== undefined) await parts.removeFile(cwd, check.reportFile);
  const deadlineMs = Math.max(1, Math.min(session.left(), check.timeoutMs ?? Number.POSITIVE_INFINITY));
  const end = await parts.processes.run({
    command: ["sh", "-c", check.command],
    cwd,
    env: { ...request.env, CI: "true", FORCE_COLOR: "0" },
    deadlineMs: Math.round(deadlineMs),
    runId: request.runId,
    transcriptPath: `${request.laneDir}/${transcriptName(session, check)}`,
    captureBytes: CAPTURE_BYTES,
    redact: request.redact,
    signal: request.signal,
  });
  session.isolation = end.isolation;
  session.stdoutBytes += end.stdout.totalBytes;
  session.stderrBytes += end.stderr.totalBytes;
  const output = await outputOf(session, check, cwd, end);
  const failed = end.exitCode !== 0;
  const problems = problemsOf(check, end, output, failed);
  const execution: Execution = {
    command: check.command,
    commit,
    exitCode: end.exitCode,
    signal: end.signal,
    timedOut: end.ended === "deadline",
    startedAt: end.startedAt,
    durationMs: end.durationMs,
    outputSha256: parts.sha256(output),
    failureKeys: failed
      ? [...new Set(problems.filter((problem) => problem.level === "error").map((problem) => failureKey(problem, cwd)))]
      : [],
  };
  session.executions.push(execution);
  return { execution, problems, output, cancelled: end.ended === "cancelled" };
}

async function outputOf(session: Session, check: Check, cwd: string, end: ProcessEnd): Promise<string> {
  const report = check.reportFile === undefined ? null : await session.parts.readText(cwd, check.reportFile);
  if (report !== null) return session.request.redact(report);
  return end.stderr.text === "" ? end.stdout.text : end.stdout.text === "" ? end.stderr.text : `${end.stdout.text}\n${end.stderr.text}`;
}

function problemsOf(check: Check, end: ProcessEnd, output: string, failed: boolean): readonly Problem[] {
  if (end.ended === "deadline") {
    const message = `${check.command} did not end in time`;
    return [
      {
        tool: check.name,
        rule: "timeout",
        message,
        level: "error",
        category: "check-failure",
        file: null,
        startLine: null,
        endLine: null,
        excerpt: output.split("\n").slice(-20).join("\n"),
      },
    ];
  }
  const problems = parseOutput(output, check.format)?.parsed.problems ?? [];
  if (!failed) return problems.filter((problem) => problem.level === "warning");
  return problems.some((problem) => problem.level === "error") ? problems : [...problems, fallbackProblem(check, end.exitCode, output)];
}

function transcriptName(session: Session, check: Check): string {
  const name = check.name.replaceAll(/[^A-Za-z0-9-]+/g, "-").slice(0, 40);
  return `${String(session.executions.length + 1).padStart(3, "0")}-${name}.log`;
}

/** What fails at the base commit under the same command; null when it cannot be told. */
async function findBaseFailures(session: Session, check: Check): Promise<ReadonlySet<string> | null> {
  const { parts, request } = session;
  const base = request.baseCommit;
  if (base === null || base === "" || base === request.headCommit) return null;
  const key = parts.sha256(JSON.stringify([base, check.command, check.format ?? "", check.reportFile ?? ""]));
  const known = await parts.cache.load(key);
  if (known !== null) return new Set(known);
  request.onActivity(`running ${check.command} at the base ${base.slice(0, 12)}`);
  const checkout = await parts.openBaseline(request, base);
  if (checkout === null) return null;
  try {
    const attempt = await execute(session, check, checkout.path, base);
    if (attempt.cancelled || attempt.execution.timedOut) return null;
    await parts.cache.save(key, attempt.execution.failureKeys);
    return new Set(attempt.execution.failureKeys);
  } finally {
    await checkout.close();
  }
}

function treeOf({ parts, request }: Session): { root: string; readLine(file: string, line: number): Promise<string | null> } {
  return {
    root: request.worktree,
    readLine: async (file, line) => (await parts.readText(request.worktree, file))?.split("\n")[line - 1] ?? null,
  };
}

/** What one sees: the failing checks in their own words. */
function symptomsOf(findings: readonly { finding: Finding; record: unknown }[]): readonly string[] {
  return findings
    .filter(({ record }) => record !== null)
    .map(({ finding }) => finding.claim)
    .slice(0, 50);
}

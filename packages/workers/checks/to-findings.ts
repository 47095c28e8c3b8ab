import type { Finding } from "@okstra/core/domain/finding";
import type { Check } from "./check.ts";
import { cut, oneLine, splitLines } from "./formats/text.ts";
import type { Problem } from "./problem.ts";

export interface Tree {
  /** Absolute path of the directory that the command ran in; findings are relative to it. */
  readonly root: string;
  /** One line of a file by its path relative to the root and its number from 1; null when there is none. */
  readonly readLine: (file: string, line: number) => Promise<string | null>;
}

const MAX_CLAIM = 200;
const MAX_QUOTE = 4000;
const MAX_COMMAND = 4000;
const TAIL_LINES = 20;

/**
 * A finding for each problem, in their order: errors are P1, warnings P3. A place that is outside the root or
 * not there is left out rather than guessed; the quote is the line itself, letter by letter.
 */
export async function toFindings(check: Pick<Check, "command">, problems: readonly Problem[], tree: Tree): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const problem of problems) {
    const place = await findLine(problem, tree);
    findings.push({
      claim: makeClaim(problem),
      category: problem.category,
      severity: problem.level === "error" ? "P1" : "P3",
      ...place,
      reproduction: { command: check.command.slice(0, MAX_COMMAND), output: problem.excerpt },
    });
  }
  return findings;
}

function makeClaim(problem: Problem): string {
  const message = oneLine(problem.message) || "failed without a message";
  if (problem.category === "check-failure") return cut(message, MAX_CLAIM);
  const rule = cut(oneLine(problem.rule), MAX_CLAIM / 2);
  return cut(problem.category === "test-failure" ? `Test "${rule}" fails: ${message}` : `${message} (${rule})`, MAX_CLAIM);
}

type PlaceOfFinding = Pick<Finding, "file" | "startLine" | "endLine" | "quote">;

async function findLine(problem: Problem, tree: Tree): Promise<PlaceOfFinding> {
  for (const file of candidates(problem, tree.root)) {
    if ((await tree.readLine(file, 1)) === null) continue;
    const { startLine } = problem;
    if (startLine === null) return { file };
    const endLine = Math.max(problem.endLine ?? startLine, startLine);
    const quote = await readQuote(tree, file, startLine, endLine);
    // A line that the file does not have was never there, or the tool counts another text: the file alone is sure.
    if (quote === null && (await tree.readLine(file, startLine)) === null) return { file };
    return { file, startLine, endLine, ...(quote === null ? {} : { quote }) };
  }
  return {};
}

async function readQuote(tree: Tree, file: string, startLine: number, endLine: number): Promise<string | null> {
  for (const line of startLine === endLine ? [startLine] : [startLine, endLine]) {
    const text = await tree.readLine(file, line);
    if (text !== null && text.trim() !== "" && text.length <= MAX_QUOTE) return text;
  }
  return null;
}

/** The problem's file relative to the root. go names a test's file by its import path, which begins with the module's name. */
function candidates(problem: Problem, root: string): string[] {
  const file = problem.file === null ? null : relativeTo(root, problem.file);
  if (file === null) return [];
  if (problem.tool !== "go") return [file];
  const parts = file.split("/");
  return parts.map((_part, index) => parts.slice(index).join("/")).slice(0, 20);
}

/** The path under the root with forward slashes, null when it is outside or no path. */
function relativeTo(root: string, path: string): string | null {
  if (path === "" || path.length > 4096 || /[\u0000-\u001f]/.test(path)) return null;
  const base = normalise(root);
  const full = isAbsolute(path) ? normalise(path) : normalise(`${root}/${path}`);
  const prefix = base.endsWith("/") ? base : `${base}/`;
  const isInside = /^[a-z]:/i.test(base) ? full.toLowerCase().startsWith(prefix.toLowerCase()) : full.startsWith(prefix);
  return isInside && full.length > prefix.length ? full.slice(prefix.length) : null;
}

function isAbsolute(path: string): boolean {
  return /^(?:[\\/]|[A-Za-z]:[\\/])/.test(path);
}

/** Forward slashes, no `.` and no `..`; one that leads above the top stays out of every root. */
function normalise(path: string): string {
  // A backslash is a letter of a name where paths begin with a slash.
  const slashed = /^[A-Za-z]:[\\/]|^\\\\/.test(path) ? path.replaceAll("\\", "/") : path;
  const kept: string[] = [];
  for (const part of slashed.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "." && part !== "") kept.push(part);
  }
  return `${slashed.startsWith("/") ? "/" : ""}${kept.join("/")}`;
}

/**
 * The problem's identity across executions and worktrees: tool, rule, file and message, without line numbers,
 * numbers, times, addresses and absolute paths. `root` makes absolute files relative; without it their last
 * two segments count.
 */
export function failureKey(problem: Problem, root?: string): string {
  const relative = problem.file === null ? "" : root === undefined ? null : relativeTo(root, problem.file);
  const file = relative ?? (isAbsolute(problem.file ?? "") ? lastSegments(problem.file ?? "", 2) : (problem.file ?? ""));
  return [problem.tool, foldPaths(problem.rule), file, foldMessage(problem.message)].join("|");
}

function lastSegments(path: string, count: number): string {
  return path
    .split(/[\\/]/)
    .filter((part) => part !== "")
    .slice(-count)
    .join("/");
}

/** Absolute paths and file URLs as their last segment. */
function foldPaths(text: string): string {
  return text.replace(
    /(^|[\s"'`(=:[])(?:file:\/\/)?(?:[A-Za-z]:)?((?:[\\/][^\s"'`()\\/:]+){2,})/g,
    (_all, before: string, path: string) => before + lastSegments(path, 1),
  );
}

function foldMessage(message: string): string {
  return foldPaths(message)
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "<id>")
    .replace(/\b0x[0-9a-f]+\b/gi, "<hex>")
    .replace(/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b/gi, "<hex>")
    .replace(/(?<![\w.])-?\d+(?:[.,:]\d+)*\s?(?:ms|µs|ns|s|sec|seconds?|minutes?|m)\b/g, "<time>")
    .replace(/-?\d+(?:\.\d+)*/g, "<n>")
    .replace(/\s+/g, " ")
    .trim();
}

/**
 * The one problem of a command that failed and whose output named none: its last lines.
 * `exitCode` is null when a signal or the deadline ended it.
 */
export function fallbackProblem(check: Pick<Check, "name" | "command">, exitCode: number | null, output: string): Problem {
  const lines = splitLines(output.slice(-200_000)).filter((line) => line.trim() !== "");
  const tail = lines.slice(-TAIL_LINES).map((line) => cut(line.trimEnd(), 400));
  // What npm and make add below the tool's own last words is the same for every failure.
  const own = tail.filter(
    (line) =>
      !/^(?:npm (?:ERR!|error)|make(?:\[\d+\])?: \*\*\*|error Command failed|info Visit|\s*ELIFECYCLE|ERR_PNPM|error: script ".*" exited)/.test(
        line.trim(),
      ),
  );
  const said =
    own.findLast((line) => /error|fail|fatal|not found|cannot|denied|exception|no such/i.test(line)) ?? own.at(-1) ?? tail.at(-1);
  const ended = exitCode === null ? "was ended before it finished" : `ended with exit code ${exitCode}`;
  return {
    tool: check.name,
    rule: exitCode === null ? "ended" : `exit ${exitCode}`,
    message: oneLine(`${check.name} ${ended}${said === undefined ? "" : `: ${said.trim()}`}`),
    level: "error",
    category: "check-failure",
    file: null,
    startLine: null,
    endLine: null,
    excerpt: tail.join("\n").trimEnd(),
  };
}

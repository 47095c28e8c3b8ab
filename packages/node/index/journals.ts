import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { RunSummary } from "@okstra/core/domain/run-summary";
import type { JournalOf, RunJournals } from "@okstra/core/journal-port";
import { listRegisteredProjects } from "./known-projects.ts";
import { nameIndexOf } from "./name-index.ts";
import { createTaskIndex } from "./task-index.ts";

/** Some twenty lines; each further part is twice as long, up to the most. */
const FIRST_PART_BYTES = 16 * 1024;
const MOST_PART_BYTES = 256 * 1024;
/** A line is a few hundred bytes; one of this size is none of ours. */
const MAX_LINE_BYTES = 1024 * 1024;

/**
 * Journals as `OKSTRA_HOME/index/<name>.jsonl`: a line that says whose it is, then one line a milestone of a run, the newest
 * of a run being the one that counts. Beside it `.size` has how long the file was when it was last written, so that a cut at
 * a line's end is noticed too. Synchronous: a list is read before anything else is loaded.
 */
export function createJournals(home: string): RunJournals {
  const directory = join(home, "index");
  const pathOf = (of: JournalOf): string => join(directory, `${nameIndexOf(of)}.jsonl`);
  const sizePath = (path: string): string => `${path.slice(0, -".jsonl".length)}.size`;

  return {
    tasks: createTaskIndex(home),
    list() {
      const kept = namesOf(directory).flatMap((name) => {
        const path = join(directory, name);
        const header = readHeader(path);
        // A file under a name that no journal of its project has is never read.
        return header === null || pathOf(header) !== path ? [] : [{ project: header.project, root: header.root }];
      });
      const registered = listRegisteredProjects(home, { withReleased: kept.length === 0 });
      const isKept = ({ project, root }: JournalOf): boolean => kept.some((each) => each.project === project && each.root === root);
      return [...kept, ...registered.filter((each) => !isKept(each))];
    },
    know(of) {
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        if (sizeOf(pathOf(of)) !== null) return;
        // Whatever runs there are is found when it is read.
        const tasks = `${of.root}/.project-docs/okstra/tasks`;
        const isLate = namesIn(tasks).some((group) =>
          namesIn(`${tasks}/${group}`).some((task) => namesIn(`${tasks}/${group}/${task}/runs`).length > 0),
        );
        appendFileSync(pathOf(of), `${headerOf({ ...of, isLate })}\n`, { mode: 0o600 });
      } catch {
        // It is derived: a task is made all the same.
      }
    },
    note(of, summary) {
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        const path = pathOf(of);
        const size = sizeOf(path);
        // One that begins in the middle says so: then it is known that there is a project, and what is missing is found.
        const header = { ...of, isLate: size === 0 || !isFirst(summary) };
        const text = `${size === null || size === 0 ? `${headerOf(header)}\n` : ""}${JSON.stringify(summary)}\n`;
        appendFileSync(path, text, { mode: 0o600 });
        writeFileSync(sizePath(path), String(sizeOf(path) ?? 0), { mode: 0o600 });
      } catch {
        // It is derived: a run does not end because its list could not be kept.
      }
    },
    scanBack(of, visit) {
      const path = pathOf(of);
      const size = sizeOf(path);
      if (size === null) return "absent";
      const header = readHeader(path);
      const isOwn = header?.project === of.project && header.root === of.root;
      if (size < readSize(sizePath(path)) || !isOwn || header.isLate) return "damaged";
      return scan(path, size, visit);
    },
    size: (of) => sizeOf(pathOf(of)) ?? 0,
    replace(of, summaries, since) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const path = pathOf(of);
      const temporary = `${path}.${process.pid}.tmp`;
      const file = openSync(temporary, "w", 0o600);
      try {
        writeSync(file, `${headerOf({ ...of, isLate: false })}\n`);
        let lines: string[] = [];
        for (const summary of summaries) {
          lines.push(`${JSON.stringify(summary)}\n`);
          if (lines.length < 1000) continue;
          writeSync(file, lines.join(""));
          lines = [];
        }
        writeSync(file, `${lines.join("")}${readTail(path, since)}`);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, path);
      writeFileSync(sizePath(path), String(sizeOf(path) ?? 0), { mode: 0o600 });
    },
  };
}

/** Whole lines of runs that a journal got after it had a length. */
function readTail(path: string, since: number): string {
  const size = sizeOf(path) ?? 0;
  if (size <= since) return "";
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(size - since);
    const text = buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, since));
    const lines = text.split("\n").slice(0, -1);
    return lines
      .filter((line) => readSummary(Buffer.from(line)) !== null)
      .map((line) => `${line}\n`)
      .join("");
  } finally {
    closeSync(file);
  }
}

/** The very first run of a project: there is nothing before it that a journal could miss. */
function isFirst({ run, state, runDir }: RunSummary): boolean {
  if (run !== 1 || state !== "prepared") return false;
  const tasks = runDir.split(/[\\/]/).slice(0, -5).join("/");
  const groups = namesIn(tasks);
  const all = groups.flatMap((group) => namesIn(`${tasks}/${group}`));
  return all.length <= 1 && namesIn(runDir.split(/[\\/]/).slice(0, -2).join("/")).length <= 1;
}

interface Header extends JournalOf {
  /** It began when there were runs already. */
  readonly isLate: boolean;
}

function headerOf({ project, root, isLate }: Header): string {
  return JSON.stringify({ schema: 1, project, root, ...(isLate ? { isLate } : {}) });
}

function namesOf(directory: string): readonly string[] {
  return namesIn(directory)
    .filter((name) => name.endsWith(".jsonl"))
    .sort();
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function sizeOf(path: string): number | null {
  let file: number | null = null;
  try {
    file = openSync(path, "r");
    return fstatSync(file).size;
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}

function readSize(path: string): number {
  try {
    return Number(readFileSync(path, "utf8")) || 0;
  } catch {
    return 0;
  }
}

function readHeader(path: string): Header | null {
  let file: number | null = null;
  try {
    file = openSync(path, "r");
    const buffer = Buffer.alloc(4096);
    const text = buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, 0));
    const data = JSON.parse(text.slice(0, text.indexOf("\n"))) as Record<string, unknown>;
    const { schema, project, root, isLate } = data;
    return schema === 1 && typeof project === "string" && typeof root === "string" ? { project, root, isLate: isLate === true } : null;
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Lines from the last to the first; the first one is the header. A last line without an end was being written. */
function scan(path: string, size: number, visit: (summary: RunSummary) => boolean): "whole" | "damaged" {
  const file = openSync(path, "r");
  try {
    let rest = Buffer.alloc(0);
    let isLast = true;
    let length = FIRST_PART_BYTES;
    for (let end = size; end > 0; length = Math.min(2 * length, MOST_PART_BYTES)) {
      const from = Math.max(0, end - length);
      let whole = Buffer.allocUnsafe(end - from + rest.length);
      readSync(file, whole, 0, end - from, from);
      rest.copy(whole, end - from);
      end = from;
      for (let at = whole.lastIndexOf(10); at >= 0; at = whole.lastIndexOf(10)) {
        const line = whole.subarray(at + 1);
        whole = whole.subarray(0, at);
        if (isLast) {
          isLast = false;
          continue;
        }
        const summary = readSummary(line);
        if (summary === null) return "damaged";
        if (!visit(summary)) return "whole";
      }
      if (whole.length > MAX_LINE_BYTES) return "damaged";
      rest = Buffer.from(whole);
    }
    return "whole";
  } finally {
    closeSync(file);
  }
}

function readSummary(line: Buffer): RunSummary | null {
  try {
    const data = JSON.parse(line.toString("utf8")) as RunSummary;
    const isOne =
      typeof data.runId === "string" &&
      typeof data.taskKey === "string" &&
      typeof data.type === "string" &&
      typeof data.run === "number" &&
      typeof data.runDir === "string" &&
      typeof data.state === "string" &&
      typeof data.at === "string" &&
      typeof data.createdAt === "string" &&
      Array.isArray(data.lanes);
    return isOne ? data : null;
  } catch {
    return null;
  }
}

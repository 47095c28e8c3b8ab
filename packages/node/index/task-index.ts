import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JournalOf, TaskIndex } from "@okstra/core/journal-port";
import { isAbsent } from "../io-error.ts";
import { nameIndexOf } from "./name-index.ts";

/** Files of a run that a task's standing is derived from, beside the results of its lanes. */
const RUN_FILES = ["events.jsonl", "run.json", "report.json"];
const TASK_FILES = ["events.jsonl", "task.json"];
/** Some ten thousand tasks take a few of these; a longer file is none of ours. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Keeps `OKSTRA_HOME/index/tasks/<name>.json`, mode 0600, replaced as a whole. Not beside the journals: whoever watches
 * those for what happens is not woken by somebody's having looked.
 */
export function createTaskIndex(home: string): TaskIndex {
  const directory = join(home, "index", "tasks");
  const pathOf = (of: JournalOf): string => join(directory, `${nameIndexOf(of)}.json`);
  return {
    stamp(taskDir, given) {
      try {
        const runDirs = listRuns(taskDir);
        const lanes = given ?? [...new Set(runDirs.flatMap((runDir) => listNames(`${runDir}/workers`)))].sort();
        const results = lanes.map((lane) => `workers/${lane}/result.json`);
        const parts: string[] = [];
        let changedMs = 0;
        const look = (path: string): void => {
          const stats = statSync(path, { throwIfNoEntry: false });
          // The time of a file's last change is the system's own: nobody sets it back, as can be done with mtime.
          parts.push(stats === undefined ? "-" : `${stats.ctimeMs} ${stats.size} ${stats.ino}`);
          if (stats !== undefined && stats.ctimeMs > changedMs) changedMs = stats.ctimeMs;
        };
        for (const name of TASK_FILES) look(`${taskDir}/${name}`);
        for (const runDir of runDirs) {
          parts.push(runDir.slice(taskDir.length));
          for (const name of RUN_FILES) look(`${runDir}/${name}`);
          for (const name of results) look(`${runDir}/${name}`);
        }
        return { text: parts.join("\n"), lanes, changedMs };
      } catch {
        return null;
      }
    },
    load(of) {
      const path = pathOf(of);
      try {
        if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) return null;
        return JSON.parse(readFileSync(path, "utf8"));
      } catch {
        return null;
      }
    },
    replace(of, document) {
      const path = pathOf(of);
      const temporary = `${path}.${process.pid}.tmp`;
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileSync(temporary, JSON.stringify(document), { mode: 0o600 });
        renameSync(temporary, path);
      } catch {
        removeIfThere(temporary);
      }
    },
  };
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It could not even be made.
  }
}

function listRuns(taskDir: string): readonly string[] {
  return listNames(`${taskDir}/runs`)
    .sort()
    .flatMap((type) =>
      listNames(`${taskDir}/runs/${type}`)
        .filter((name) => /^\d{3,}$/.test(name))
        .sort()
        .map((name) => `${taskDir}/runs/${type}/${name}`),
    );
}

/** @throws what the system says, but for a directory that is not there */
function listNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

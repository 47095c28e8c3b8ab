import { summariseRun, type RunSummary } from "@okstra/core/domain/run-summary";
import type { RunEvent } from "@okstra/core/events";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";
import { readAhead } from "./read-ahead.ts";

export interface Rebuilt extends JournalOf {
  readonly runs: number;
  /** Run directories whose log cannot be read, and others that cannot be listed; they are in no list until they are mended. */
  readonly damaged: readonly string[];
}

/**
 * Makes a project's journal anew from the logs of all its runs, in the order in which they were last changed. The logs are
 * read as they are: whether they are what okstra wrote is the validator's to say. What is noted meanwhile is kept.
 */
export async function rebuildJournal(app: App, of: JournalOf): Promise<Rebuilt> {
  const since = app.journals.size(of);
  const summaries: RunSummary[] = [];
  const damaged: string[] = [];
  const read = async (runDir: string): Promise<RunSummary | "none" | null> => {
    const text = await app.store.readText(`${runDir}/events.jsonl`).catch(() => "\n");
    // What a crash left before the first event was never a run.
    return text === null || !text.includes("\n") ? "none" : readSummary(text, runDir);
  };
  for await (const [runDir, summary] of readAhead(listRunDirectories(app, of.root, damaged), read)) {
    if (summary === null) damaged.push(runDir);
    else if (summary !== "none") summaries.push(summary);
  }
  summaries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  app.journals.replace(of, summaries, since);
  return { ...of, runs: summaries.length, damaged };
}

async function* listRunDirectories(app: App, root: string, damaged: string[]): AsyncGenerator<string> {
  const list = async (path: string): Promise<readonly string[]> => {
    try {
      return (await app.store.listDirectory(path)).map((name) => `${path}/${name}`);
    } catch {
      damaged.push(path);
      return [];
    }
  };
  for (const group of await list(`${root}/.project-docs/okstra/tasks`))
    for (const task of await list(group))
      for (const type of await list(`${task}/runs`)) for (const runDir of await list(type)) if (/\/\d{3,}$/.test(runDir)) yield runDir;
}

function readSummary(text: string, runDir: string): RunSummary | null {
  try {
    const events = text
      .slice(0, text.lastIndexOf("\n"))
      .split("\n")
      .map((line) => JSON.parse(line) as RunEvent);
    return summariseRun(events, runDir);
  } catch {
    return null;
  }
}

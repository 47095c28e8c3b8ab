import { summariseRun, type RunSummary } from "@okstra/core/domain/run-summary";
import type { RunEvent } from "@okstra/core/events";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";

export interface Rebuilt extends JournalOf {
  readonly runs: number;
  /** Run directories whose log cannot be read; they are in no list until they are mended. */
  readonly damaged: readonly string[];
}

/**
 * Makes a project's journal anew from the logs of all its runs, in the order in which they were last changed. The logs are
 * read as they are: whether they are what okstra wrote is the validator's to say.
 */
export async function rebuildJournal(app: App, of: JournalOf): Promise<Rebuilt> {
  const tasks = `${of.root}/.project-docs/okstra/tasks`;
  const summaries: RunSummary[] = [];
  const damaged: string[] = [];
  for (const group of await app.store.listDirectory(tasks))
    for (const task of await app.store.listDirectory(`${tasks}/${group}`))
      for (const type of await app.store.listDirectory(`${tasks}/${group}/${task}/runs`))
        for (const name of await app.store.listDirectory(`${tasks}/${group}/${task}/runs/${type}`)) {
          if (!/^\d{3,}$/.test(name)) continue;
          const runDir = `${tasks}/${group}/${task}/runs/${type}/${name}`;
          const text = await app.store.readText(`${runDir}/events.jsonl`);
          // What a crash left before the first event was never a run.
          if (text === null || !text.includes("\n")) continue;
          const summary = readSummary(text, runDir);
          if (summary === null) damaged.push(runDir);
          else summaries.push(summary);
        }
  summaries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  app.journals.replace(of, summaries);
  return { ...of, runs: summaries.length, damaged };
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

import { listRuns, type RunFilter, type RunList } from "@okstra/app/history/list-runs";
import type { JournalOf } from "@okstra/core/journal-port";
import { OkstraError } from "@okstra/core/errors";
import { neutralise } from "@okstra/core/report/neutral-text";
import { cutToCells } from "../../cells.ts";
import type { CliContext, Index } from "../../command.ts";
import { readTime } from "./time-flags.ts";

export interface HistoryFlags {
  readonly project?: string;
  readonly all: boolean;
  readonly group?: string;
  readonly task?: string;
  readonly phase?: string;
  readonly state?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly projectRoot?: string;
}

const DEFAULT_LIMIT = 20;
/** So many runs that cannot be read are named, when a list is made anew without being asked for. */
const MOST_DAMAGED = 10;

/** Reads the journals alone; the rest of okstra is loaded only when one of them has to be made anew. */
export async function run(context: CliContext, flags: HistoryFlags): Promise<void> {
  const limit = readLimit(flags.limit);
  const now = Date.now();
  const filter: RunFilter = {
    group: flags.group ?? null,
    task: flags.task ?? null,
    phase: flags.phase ?? null,
    state: flags.state ?? null,
    since: flags.since === undefined ? null : readTime(flags.since, now),
    until: flags.until === undefined ? null : readTime(flags.until, now),
  };
  const index = await context.openIndex();
  const projects = pickProjects(index, flags);
  let list = listRuns(index.journals, projects, filter, limit);
  if (list.broken.length > 0) {
    const app = await context.openApp();
    const { rebuildJournal } = await import("@okstra/app/history/rebuild-journal");
    for (const of of list.broken) {
      const { runs, damaged } = await rebuildJournal(app, of);
      for (const path of damaged.slice(0, MOST_DAMAGED))
        app.emit({ type: "run-damaged", level: "warning", text: `${path} cannot be read and is in no list` });
      if (damaged.length > MOST_DAMAGED)
        app.emit({ type: "run-damaged", level: "warning", text: `and ${damaged.length - MOST_DAMAGED} more: okstra index rebuild` });
      if (runs > 0) app.emit({ type: "index-rebuilt", level: "note", text: `the list of ${of.project} was made anew: ${runs} runs` });
    }
    list = listRuns(index.journals, projects, filter, limit);
  }
  // Whoever wants the document does not wait for the measuring of lines.
  context.ui.answer({ runs: list.runs, more: list.more }, context.ui.json ? "" : describe(list, projects.length > 1));
}

/** The projects that are meant. @throws OKSTRA_USAGE, OKSTRA_PROJECT_NOT_SET_UP */
export function pickProjects(index: Index, flags: Pick<HistoryFlags, "project" | "all" | "projectRoot">): readonly JournalOf[] {
  if (flags.all && flags.project !== undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: "--all and --project exclude each other." });
  const here = index.findProject(flags.projectRoot);
  if (flags.all) return withHere(index.journals.list(), here);
  if (flags.project === undefined) {
    if (here !== null) return [here];
    throw new OkstraError("OKSTRA_PROJECT_NOT_SET_UP", {
      message: "This directory is of no project that is set up.",
      hint: "Say --all for every project, or run: okstra setup",
    });
  }
  const named = withHere(index.journals.list(), here).filter(({ project }) => project === flags.project);
  if (named.length > 0) return named;
  const known = [...new Set(index.journals.list().map(({ project }) => project))];
  throw new OkstraError("OKSTRA_USAGE", {
    message: `No project "${flags.project}" is known here; known: ${known.length === 0 ? "none" : known.join(", ")}.`,
    details: { given: flags.project, known },
  });
}

function withHere(all: readonly JournalOf[], here: JournalOf | null): readonly JournalOf[] {
  const isKnown = here === null || all.some(({ project, root }) => project === here.project && root === here.root);
  return isKnown || here === null ? all : [...all, here];
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new OkstraError("OKSTRA_USAGE", { message: `--limit ${text.slice(0, 40)} is no number from 1 to 999999.` });
}

const WIDTH = 80;

function describe({ runs, more }: RunList, severalProjects: boolean): string {
  if (runs.length === 0) return "no runs";
  const lines = runs.map((run) => {
    const name = severalProjects ? run.taskKey : run.taskKey.split("/").slice(1).join("/");
    const result = run.verdict === null || run.verdict === "none" ? run.state : run.verdict;
    const gate = run.gateOpen === null ? "" : run.gateOpen ? " open" : " holds";
    return cutToCells(neutralise(`${run.at.slice(0, 16).replace("T", " ")}  ${name}  ${run.type} ${run.run}  ${result}${gate}`), WIDTH);
  });
  return [...lines, ...(more ? ["… more: --limit N"] : [])].join("\n");
}

import { listAgents, workerNameOf } from "@okstra/core/domain/agents";
import { TASK_TYPES } from "@okstra/core/domain/work";
import type { JournalOf } from "@okstra/core/journal-port";
import type { Index } from "../command.ts";

/** What the shell completes itself beside, or instead of, the candidates that it is given. */
export type Files = "none" | "files" | "directories";

export interface Values {
  readonly files: Files;
  /** Not looked at yet: neither for what has been typed nor for whether a shell may be given them. */
  readonly values: readonly string[];
}

/** Where candidates come from; what is asked for is looked up once. */
export interface Sources {
  /** Projects that are meant, in which tasks, groups and workers are looked for. */
  readonly projects: () => readonly JournalOf[];
  readonly index: Index;
}

const CATEGORIES = ["bugfix", "feature", "refactor", "ops", "improvement"];
const STATES = ["waiting", "running", "paused", "stopped", "damaged", "due", "handed-off", "done"];
const SCHEMAS = ["worker-result", "vote-result", "report-prose", "report", "run", "project", "config", "event"];
const AGENT_TARGETS = ["claude", "codex", "gemini", "cursor", "opencode"];
/** Newest lines of a project's journal that are looked at: a hundred thousand runs answer no later than these. */
const MOST_LINES = 2000;

const nothing: Values = { files: "none", values: [] };
const files = (kind: Files, values: readonly string[] = []): Values => ({ files: kind, values });
const only = (values: readonly string[]): Values => ({ files: "none", values });

type Source = (sources: Sources) => Values;

/** What values are called in the declarations, and what such values are. */
const BY_PLACEHOLDER: Readonly<Record<string, Source>> = {
  "group/task": (sources) => only(loadTasks(sources)),
  "task|dir": (sources) => files("directories", loadTasks(sources)),
  GROUP: (sources) => only(loadTasks(sources).map((task) => task.slice(0, task.indexOf("/")))),
  TYPE: () => only(TASK_TYPES),
  PHASE: () => only(TASK_TYPES),
  phase: () => only(TASK_TYPES),
  CATEGORY: () => only(CATEGORIES),
  STATE: () => only(STATES),
  ID: ({ index }) => only(index.journals.list().map(({ project }) => project)),
  "A,B": (sources) => only(loadWorkers(sources)),
  "WAY,WAY": () => only(["bell", "desktop", "command"]),
  KIND: () => only(["command", "acp", "claude", "codex", "gemini"]),
  AGENT: () => only(listAgents().flatMap(({ kind, name }) => (kind === "acp" ? [name] : []))),
  BRANCH: (sources) => only(loadBranches(sources)),
  REF: (sources) => only(loadBranches(sources)),
  branch: (sources) => only(loadBranches(sources)),
  FILE: () => files("files"),
  file: () => files("files"),
  DIR: () => files("directories"),
};

/** Where the placeholder alone does not tell. */
const BY_NAME: Readonly<Record<string, Source>> = {
  worker: (sources) => only(loadWorkers(sources)),
  executor: (sources) => only(loadWorkers(sources)),
  agent: () => only(["claude", "codex", "gemini"]),
  agents: () => only(AGENT_TARGETS),
  "project-id": () => nothing,
  "workers test": (sources) => only(loadWorkers(sources)),
  "workers add": () => only(listAgents().map(workerNameOf)),
  schema: () => only([...SCHEMAS, ...TASK_TYPES.map((type) => `worker-result.${type}`)]),
};

/**
 * @param name of a flag, or the path of a command for its argument
 * @param placeholder as it is declared; alternatives in lower-case letters are values themselves
 */
export function loadValues(sources: Sources, name: string, placeholder: string): Values {
  const source = ownValue(BY_NAME, name) ?? ownValue(BY_PLACEHOLDER, placeholder);
  if (source !== undefined) return source(sources);
  const parts = placeholder.split("|");
  if (parts.length < 2) return nothing;
  return { files: parts.includes("FILE") ? "files" : "none", values: parts.filter((part) => /^[a-z][a-z-]*$/.test(part)) };
}

function ownValue(table: Readonly<Record<string, Source>>, key: string): Source | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** `<group>/<task>`, those that ran lately first. */
function loadTasks({ projects, index }: Sources): readonly string[] {
  const names = projects().flatMap((of) => {
    const recent = listRecent(index, of, ({ taskKey }) => [taskKey.split("/").slice(1).join("/")]);
    return [...recent, ...index.loadNames(of).tasks];
  });
  return [...new Set(names)];
}

/** okstra's own worker, the configured ones, whoever worked lately, and the known agents. */
function loadWorkers({ projects, index }: Sources): readonly string[] {
  const own = projects().flatMap((of) => [
    ...index.loadNames(of).workers,
    ...listRecent(index, of, ({ lanes }) => lanes.map(({ worker }) => worker)),
  ]);
  return [...new Set(["checks", ...own, ...listAgents().map(workerNameOf)])];
}

function loadBranches({ projects, index }: Sources): readonly string[] {
  return [...new Set(projects().flatMap((of) => index.loadNames(of).branches))];
}

function listRecent(
  index: Index,
  of: JournalOf,
  read: (summary: { readonly taskKey: string; readonly lanes: readonly { readonly worker: string }[] }) => readonly string[],
): readonly string[] {
  const found = new Set<string>();
  let lines = 0;
  index.journals.scanBack(of, (summary) => {
    for (const value of read(summary)) found.add(value);
    lines += 1;
    return lines < MOST_LINES;
  });
  return [...found];
}

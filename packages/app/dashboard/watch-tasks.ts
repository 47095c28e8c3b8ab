import type { StreamMessage, TaskRef } from "@okstra/core/dashboard/api";
import type { RunEvent } from "@okstra/core/events";
import { isMilestone } from "@okstra/core/domain/run-summary";
import { splitTaskKey } from "@okstra/core/domain/task-key";
import { TASK_TYPES } from "@okstra/core/domain/work";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";
import { createJournalChanges } from "../history/journal-changes.ts";
import { OVER } from "../logs/follow-logs.ts";
import { LineTail } from "../logs/tail-lines.ts";
import { eventsPath } from "../run/run-log.ts";
import { formatRunNumber, runsDirectory, taskDirectory } from "../run/run-paths.ts";
import { loadStatus, type TaskState } from "../status/load-status.ts";
import { parseJson } from "../task/load-task-run.ts";
import type { Cleaners } from "./clean-texts.ts";
import { listTasks, NO_TASKS, type KnownProjects, type KnownTask } from "./known-tasks.ts";

/** How often runs that go on and the journals are looked at, and how often the tasks' own logs, in milliseconds. */
const LOOK_MS = 250;
const SWEEP_MS = 900;
/** A run that is over is looked at so long after its last event: what follows an override comes a little later. */
const LINGER_MS = 30_000;
const AT_ONCE = 32;
/** Of an event that is longer only its kind is told; whoever needs more asks for it. */
const MAX_EVENT_CHARS = 64 * 1024;

export interface TaskWatch {
  /** Looks until {@link release} was called as often. Settles once everything that happens from now on will be told. */
  hold(): Promise<void>;
  release(): void;
  close(): void;
}

interface WatchedRun {
  readonly task: KnownTask;
  readonly type: string;
  readonly run: number;
  readonly tail: LineTail;
  isOver: boolean;
  /** Monotonic milliseconds. */
  lastAt: number;
}

interface Parts {
  readonly app: App;
  readonly known: KnownProjects;
  readonly cleaners: Cleaners;
  readonly publish: (message: StreamMessage) => void;
}

/**
 * Tells what happens to the tasks of all known projects. New milestones are found by the journals, the events of runs that
 * go on in their logs, and a person's words in the tasks' logs. Where it stopped looking it goes on.
 */
export function createTaskWatch(parts: Parts): TaskWatch {
  const { app } = parts;
  const watched = new Map<string, WatchedRun>();
  const active = new Set<WatchedRun>();
  const changes = createChanges(parts);
  const journals = createJournalWatch(app);
  const stamps = new Map<string, string>();
  let projects: readonly JournalOf[] = [];
  let sweptAt = 0;
  let holders = 0;
  let isClosed = false;
  let isLooking = false;
  let ready: Promise<void> | null = null;
  let wake = (): void => {};
  const hasWork = (): boolean => holders > 0 && !isClosed;

  const watchRun = (task: KnownTask, type: string, run: number, from?: { identity: string; offset: number }): WatchedRun => {
    const runDir = `${runsDirectory(task.of.root, task.key, type)}/${formatRunNumber(run)}`;
    const known = watched.get(runDir);
    if (known !== undefined) return known;
    const tail = new LineTail(app, eventsPath(runDir), from);
    const fresh: WatchedRun = { task, type, run, tail, isOver: true, lastAt: 0 };
    watched.set(runDir, fresh);
    return fresh;
  };
  const activate = (run: WatchedRun): void => {
    run.lastAt = app.clock.monotonicMs();
    active.add(run);
  };

  /** Where everything is now; what is there already is nobody's news. */
  const begin = async (): Promise<void> => {
    projects = await parts.known.list();
    await journals.begin(projects);
    await sweep();
    changes.forget();
    const found: { task: KnownTask; type: string; run: number; runDir: string }[] = [];
    for await (const task of listTasks(app, projects))
      for (const type of TASK_TYPES)
        for (const name of await app.store.listDirectory(runsDirectory(task.of.root, task.key, type)).catch(() => []))
          if (/^\d{3,9}$/.test(name))
            found.push({ task, type, run: Number(name), runDir: `${runsDirectory(task.of.root, task.key, type)}/${name}` });
    await inBatches(found, async ({ task, type, run, runDir }) => {
      const part = await app.store.readPart(eventsPath(runDir), 0, 0).catch(() => null);
      if (part !== null) watchRun(task, type, run, { identity: part.identity, offset: part.size });
    });
    for (const { task, phase, run } of await changes.begin(projects))
      if (phase !== null && run !== null) activate(Object.assign(watchRun(task, phase, run), { isOver: false }));
  };

  const sweep = async (): Promise<void> => {
    sweptAt = app.clock.monotonicMs();
    projects = await parts.known.list();
    const tasks: KnownTask[] = [];
    for await (const task of listTasks(app, projects)) tasks.push(task);
    await inBatches(tasks, async (task) => {
      const taskDir = taskDirectory(task.of.root, task.key);
      const stamp = `${await app.files.stamp(`${taskDir}/events.jsonl`)}\n${await app.files.stamp(`${taskDir}/task.json`)}`;
      if (stamps.get(taskDir) === stamp) return;
      stamps.set(taskDir, stamp);
      changes.add(task);
    });
    changes.checkRunning();
  };

  const readRun = async (run: WatchedRun): Promise<void> => {
    const { task, type, tail } = run;
    for await (const line of tail.read(false)) {
      const event = parseJson(line) as Readonly<Record<string, unknown>> | null;
      if (typeof event?.["seq"] !== "number" || typeof event["at"] !== "string" || typeof event["type"] !== "string") continue;
      run.lastAt = app.clock.monotonicMs();
      run.isOver = OVER.has(event["type"]);
      const cleaner = await parts.cleaners.ofTask(task);
      parts.publish({
        kind: "event",
        ...task.key,
        taskKey: task.taskKey,
        type,
        run: run.run,
        event: cleaner.document(tellEvent(event, line)),
      });
      if (isMilestone(event["type"] as RunEvent["type"]) || event["type"] === "lane-started") changes.add(task);
    }
    if (run.isOver && app.clock.monotonicMs() - run.lastAt > LINGER_MS) active.delete(run);
  };

  const look = async (): Promise<void> => {
    if (app.clock.monotonicMs() - sweptAt >= SWEEP_MS) await sweep();
    for (const { task, type, run } of await journals.look(projects)) {
      activate(watchRun(task, type, run));
      changes.add(task);
    }
    // What cannot be read stands in nobody else's way; its next milestone brings it back.
    for (const run of active) await readRun(run).catch(() => active.delete(run));
    changes.tell();
  };

  const goOn = async (): Promise<void> => {
    isLooking = true;
    let told = "";
    while (hasWork()) {
      try {
        await look();
        told = "";
      } catch (error) {
        const text = `the dashboard cannot see what happens: ${error instanceof Error ? error.message : String(error)}`;
        if (text !== told) app.emit({ type: "dashboard-blind", level: "warning", text });
        told = text;
      }
      if (!hasWork()) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    isLooking = false;
  };

  return {
    async hold() {
      holders += 1;
      ready ??= begin().catch((error: unknown) => {
        ready = null;
        throw error;
      });
      await ready;
      if (hasWork() && !isLooking) void goOn();
    },
    release() {
      holders -= 1;
      if (holders === 0) wake();
    },
    close() {
      isClosed = true;
      wake();
    },
  };
}

/** An event without what binds it to its log, and without a lane's nonce, which only its worker is told. */
function tellEvent(
  { seq, at, type, prev: _prev, seal: _seal, nonce: _nonce, ...rest }: Readonly<Record<string, unknown>>,
  line: string,
): Extract<StreamMessage, { kind: "event" }>["event"] {
  return { seq: Number(seq), at: String(at), type: String(type), ...(line.length > MAX_EVENT_CHARS ? {} : rest) };
}

async function inBatches<T>(all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += AT_ONCE) await Promise.all(all.slice(at, at + AT_ONCE).map(act));
}

// ---------------------------------------------------------------------------------------------- states of tasks

interface Changes {
  /** A task of which something is another than it was. */
  add(task: KnownTask): void;
  /** Looks at the tasks that run: a process that died says nothing. */
  checkRunning(): void;
  /** Tells what was added, as it stands by then; does not wait for it. */
  tell(): void;
  forget(): void;
  /** Notes how all tasks stand. @returns those that run */
  begin(
    projects: readonly JournalOf[],
  ): Promise<readonly { readonly task: KnownTask; readonly phase: string | null; readonly run: number | null }[]>;
}

function createChanges({ app, publish }: Parts): Changes {
  /** By root and key; `always`: told though its state is what it was. */
  const pending = new Map<string, { readonly task: KnownTask; readonly always: boolean }>();
  const states = new Map<string, { readonly task: KnownTask; readonly state: TaskState }>();
  const nameOf = ({ of, taskKey }: KnownTask): string => `${of.root}\n${taskKey}`;
  let isTelling = false;
  let told = "";

  const tellGroup = async (
    of: JournalOf,
    group: string,
    tasks: ReadonlyMap<string, { readonly task: KnownTask; readonly always: boolean }>,
  ) => {
    for (const { taskKey, state } of await loadStatus(app, [of], { group, phase: null, state: null })) {
      const asked = tasks.get(`${of.root}\n${taskKey}`);
      if (asked === undefined) continue;
      const { task, always } = asked;
      const isOther = states.get(nameOf(task))?.state !== state;
      states.set(nameOf(task), { task, state });
      if (always || isOther) publish({ kind: "change", ...task.key, taskKey, state });
    }
  };
  const tellAll = async (): Promise<void> => {
    isTelling = true;
    try {
      while (pending.size > 0) {
        const [first] = pending.values();
        if (first === undefined) return;
        const { of, key } = first.task;
        const own = new Map([...pending].filter(([, { task }]) => task.of.root === of.root && task.key.group === key.group));
        for (const name of own.keys()) pending.delete(name);
        try {
          await tellGroup(of, key.group, own);
        } catch (error) {
          for (const [name, each] of own) pending.set(name, each);
          throw error;
        }
      }
      told = "";
    } catch (error) {
      // It is tried again with the next look.
      const text = `the dashboard cannot see how tasks stand: ${error instanceof Error ? error.message : String(error)}`;
      if (text !== told) app.emit({ type: "dashboard-blind", level: "warning", text });
      told = text;
    } finally {
      isTelling = false;
    }
  };
  return {
    add(task) {
      pending.set(nameOf(task), { task, always: true });
    },
    checkRunning() {
      for (const [name, { task, state }] of states)
        if (state === "running" && !pending.has(name)) pending.set(name, { task, always: false });
    },
    tell() {
      if (!isTelling && pending.size > 0) void tellAll();
    },
    forget() {
      pending.clear();
    },
    async begin(projects) {
      const running: { task: KnownTask; phase: string | null; run: number | null }[] = [];
      for (const of of projects)
        for (const { taskKey, state, phase, run } of await loadStatus(app, [of], { group: null, phase: null, state: null })) {
          const key = splitTaskKey(taskKey);
          const task = { of, key, taskKey, name: `${key.group}/${key.task}` };
          states.set(nameOf(task), { task, state });
          if (state === "running") running.push({ task, phase, run });
        }
      return running;
    },
  };
}

// ---------------------------------------------------------------------------------------------- journals

interface RunOfJournal {
  readonly task: KnownTask;
  readonly type: string;
  readonly run: number;
}

/** Looks into the journals only when one of their files, or the list of projects, is another than before. */
function createJournalWatch(app: App): {
  begin(projects: readonly JournalOf[]): Promise<void>;
  look(projects: readonly JournalOf[]): Promise<readonly RunOfJournal[]>;
} {
  const index = `${app.surroundings.home}/index`;
  const changes = createJournalChanges(app);
  let stamp = "";
  const stampOf = async (projects: readonly JournalOf[]): Promise<string> => {
    const names = (await app.store.listDirectory(index)).filter((name) => name.endsWith(".jsonl"));
    const stamps = await Promise.all(names.map((name) => app.files.stamp(`${index}/${name}`)));
    return JSON.stringify([projects.map(({ root }) => root), names, stamps]);
  };
  return {
    async begin(projects) {
      stamp = await stampOf(projects);
      await changes.begin(projects);
    },
    async look(projects) {
      const now = await stampOf(projects);
      if (now === stamp) return [];
      const { changed, again } = await changes.look(projects);
      stamp = again ? "" : now;
      return changed.flatMap(({ of, taskKey, type, run }) => {
        const key: TaskRef = splitTaskKey(taskKey);
        return key.group === NO_TASKS ? [] : [{ task: { of, key, taskKey, name: `${key.group}/${key.task}` }, type, run }];
      });
    },
  };
}

import type { Provision, RunManifest } from "@okstra/core/domain/run";
import { formatTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import type { TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import * as z from "zod";
import type { App } from "../app.ts";
import { ensureRecords } from "../project/setup.ts";
import { openRunLog, type RunLog } from "./run-log.ts";
import { parseJson } from "../task/load-task-run.ts";
import { formatRunNumber, runsDirectory, taskDirectory } from "./run-paths.ts";

/** A run that is on disk and can be started, resumed or looked at. */
export interface PreparedRun {
  readonly manifest: RunManifest;
  readonly runDir: string;
  readonly log: RunLog;
}

interface Beginning {
  readonly root: string;
  readonly key: TaskKey;
  readonly type: TaskType;
  readonly provision: Provision;
  readonly executor: string | null;
  readonly lead?: "code" | "agent";
}

/** Begins a run: its number, its directory, run.json, and its first event, which makes it one. The caller holds the run's lock. */
export async function beginRun(
  app: App,
  begin: Beginning,
  make: {
    readonly describe: (numbers: { run: number; runId: string }) => RunManifest;
    readonly writeMore?: (manifest: RunManifest, runDir: string) => Promise<void>;
  },
): Promise<PreparedRun> {
  await ensureRecords(app, begin.root);
  const taskDir = taskDirectory(begin.root, begin.key);
  await app.store.ensureDirectory(taskDir);
  await updateTaskManifest(app, taskDir, begin);
  const { run, runDir } = await takeRunNumber(app, runsDirectory(begin.root, begin.key, begin.type));
  const manifest = make.describe({ run, runId: app.ids.randomHex(12) });
  await app.store.ensureDirectory(runDir);
  await make.writeMore?.(manifest, runDir);
  const manifestText = `${JSON.stringify(manifest, null, 2)}\n`;
  await app.store.writeText(`${runDir}/run.json`, manifestText);
  const log = await openRunLog(app, runDir);
  await log.append({
    type: "run-prepared",
    runId: manifest.runId,
    taskKey: manifest.taskKey,
    taskType: manifest.type,
    roster: manifest.roster.map((entry) => entry.worker),
    commit: manifest.commit,
    executor: begin.executor,
    manifestSha256: app.sha256(manifestText),
    ...(begin.lead === "agent" ? { lead: begin.lead } : {}),
  });
  return { manifest, runDir, log };
}

const ownManifestSchema = z.looseObject({ schema: z.literal(1), runId: z.string() });

/**
 * The next number that no run has. A directory that a crash left before the run's first event was never a run: its number
 * is taken, and the little that is in it (prompts, the manifest) goes.
 */
async function takeRunNumber(app: App, parent: string): Promise<{ run: number; runDir: string }> {
  const numbers = (await app.store.listDirectory(parent)).filter((name) => /^\d{3,}$/.test(name)).map(Number);
  const newest = Math.max(0, ...numbers);
  const newestDir = `${parent}/${formatRunNumber(newest)}`;
  if (newest === 0 || !(await isLeftover(app, newestDir))) return { run: newest + 1, runDir: `${parent}/${formatRunNumber(newest + 1)}` };
  await app.store.remove(newestDir);
  return { run: newest, runDir: newestDir };
}

/** Whether a directory holds nothing but what okstra writes before a run's first event; what else is there may be somebody's. */
async function isLeftover(app: App, runDir: string): Promise<boolean> {
  const names = await app.store.listDirectory(runDir).catch(() => [runDir]);
  if (!names.every((name) => name === "prompts" || name === "run.json" || /^\.run\.json\..+\.tmp$/.test(name))) return false;
  const text = await app.store.readText(`${runDir}/run.json`);
  if (text === null) return true;
  const manifest = ownManifestSchema.safeParse(parseJson(text));
  return manifest.success;
}

/** `task.json`: the little that belongs to the task and to no run. */
async function updateTaskManifest(app: App, taskDir: string, begin: Beginning): Promise<void> {
  const path = `${taskDir}/task.json`;
  const text = await app.store.readText(path);
  let known: Record<string, unknown> = {};
  try {
    known = text === null ? {} : (JSON.parse(text) as Record<string, unknown>);
  } catch (cause) {
    throw new OkstraError("OKSTRA_RUN_CORRUPT", {
      message: `${path} is not valid JSON.`,
      hint: `Move it away: mv ${path} ${path}.bad`,
      details: { path },
      cause,
    });
  }
  requireKnownSchema(path, known["schema"]);
  const next = {
    createdAt: app.clock.now(),
    ...known,
    schema: 1,
    taskKey: formatTaskKey(begin.key),
    projectId: begin.key.project,
    group: begin.key.group,
    task: begin.key.task,
    branch: begin.provision.branch,
    baseRef: begin.provision.baseRef,
    worktree: begin.provision.path,
    lastPhase: begin.type,
  };
  await app.store.writeText(path, `${JSON.stringify(next, null, 2)}\n`);
}

/** @throws OKSTRA_SCHEMA_NEWER: a file of a newer okstra is read by nobody who could misread it */
export function requireKnownSchema(path: string, schema: unknown): void {
  if (typeof schema !== "number" || schema <= 1) return;
  throw new OkstraError("OKSTRA_SCHEMA_NEWER", {
    message: `${path} has schema ${schema}, and this okstra knows 1.`,
    details: { path, schema },
  });
}

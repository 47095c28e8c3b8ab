import * as z from "zod";
import type { LaneRole } from "@okstra/core/domain/finding";
import { DOOR_VARIABLE, type LaneOrder } from "@okstra/core/domain/lane-order";
import type { RunManifest } from "@okstra/core/domain/run";
import { requireTaskType } from "@okstra/core/domain/work";
import { laneResultSchema } from "@okstra/core/phases/lane-schema";
import type { LaneDoor } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { isNestedDeeper, MAX_DEPTH } from "./check-given.ts";
import { joinResult, loadDelivered, readJson } from "./delivered.ts";

export interface DoorOptions {
  readonly manifest: Pick<RunManifest, "runId" | "taskKey" | "type" | "project" | "provision">;
  /** `workers/<lane>` of the run; it exists. */
  readonly laneDir: string;
  readonly lane: string;
  readonly role: LaneRole;
  readonly worker: string;
  readonly nonce: string;
  readonly prompt: string;
}

/** What a lane had given when its door was closed. */
export interface Remains {
  /** The submitted result as text; null when none was submitted. */
  readonly submitted: string | null;
  /** `{ nonce, findings, clarifications? }` of what was given without a result; null when nothing was, or a result was. */
  readonly partial: Readonly<Record<string, unknown>> | null;
}

function doorPath(laneDir: string): string {
  return `${laneDir}/door`;
}

/** The file with the JSON Schema of the lane's result, for agents that take one as a file. */
function resultSchemaPath(laneDir: string): string {
  return `${doorPath(laneDir)}/result.schema.json`;
}

/** JSON Schema (draft 2020-12) of what a lane may submit. */
export function laneJsonSchema(type: string, role: LaneRole): Record<string, unknown> {
  return z.toJSONSchema(laneResultSchema(requireTaskType(type), role), { io: "input" }) as Record<string, unknown>;
}

/** Makes a lane's door anew: what an earlier try left there is gone. The caller closes it with {@link closeDoor}. */
export async function openDoor(app: App, { manifest, laneDir, role, ...options }: DoorOptions): Promise<LaneDoor> {
  const door = doorPath(laneDir);
  const order: LaneOrder = {
    schema: 1,
    runId: manifest.runId,
    nonce: options.nonce,
    taskKey: manifest.taskKey,
    phase: requireTaskType(manifest.type),
    role,
    worker: options.worker,
    lane: options.lane,
    brief: options.prompt,
    worktree: manifest.provision.path,
    secretRoots: [...new Set([manifest.project.root, manifest.provision.path])],
  };
  await app.store.remove(door);
  await app.store.ensureDirectory(door);
  await app.store.writeText(resultSchemaPath(laneDir), `${JSON.stringify(laneJsonSchema(manifest.type, role), null, 2)}\n`);
  await app.store.writeText(`${door}/lane.json`, `${JSON.stringify(order)}\n`);
  return {
    command: [...app.surroundings.launcher, "mcp", "--worker"],
    // A home of its own keeps the server from looking at the person's.
    env: { [DOOR_VARIABLE]: door, OKSTRA_HOME: `${door}/home` },
    loadResult: () => loadSubmitted(app, door),
    directory: door,
    async put(name, text) {
      const path = `${door}/${name}`;
      await app.store.writeText(path, text);
      return path;
    },
  };
}

/** The result with what came at the very moment in which it was submitted; a text that is none, as it is. */
async function loadSubmitted(app: App, door: string): Promise<string | null> {
  const delivered = await loadDelivered(app, door);
  if (delivered.submitted === null) return null;
  const result = readJson(delivered.submitted);
  if (typeof result !== "object" || result === null || isNestedDeeper(result, MAX_DEPTH)) return delivered.submitted;
  return JSON.stringify(joinResult(result as Record<string, unknown>, delivered).result);
}

/**
 * Says what a lane had given and removes its door, with all that the lane put there. What the lane made so that it
 * cannot be removed is told and left.
 */
export async function closeDoor(app: App, { laneDir, nonce }: { laneDir: string; nonce: string }): Promise<Remains> {
  const door = doorPath(laneDir);
  const submitted = await loadSubmitted(app, door);
  const { findings, questions } = await loadDelivered(app, door);
  await removeTold(app, door);
  const partial =
    submitted === null && findings.length + questions.length > 0
      ? joinResult({ nonce, findings: [] }, { findings, questions }).result
      : null;
  return { submitted, partial };
}

/** Removes the door of a lane that nobody works on any more, and its directory for temporary files. */
export async function removeLaneScratch(app: App, laneDir: string): Promise<void> {
  for (const path of [doorPath(laneDir), `${laneDir}/tmp`]) await removeTold(app, path);
}

async function removeTold(app: App, path: string): Promise<void> {
  await app.store.remove(path).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    app.emit({ type: "door-left", level: "warning", text: `${path} could not be removed: ${reason}` });
  });
}

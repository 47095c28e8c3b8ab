import { requireTaskType, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { TaskRef } from "@okstra/core/dashboard/api";

/** A run of a task, as an agent names it. */
export interface RunHandle extends TaskRef {
  readonly type: TaskType;
  readonly run: number;
}

/** `<project>/<group>/<task>:<phase>/<run>` */
export function formatHandle({ project, group, task, type, run }: RunHandle): string {
  return `${project}/${group}/${task}:${type}/${run}`;
}

/** @throws OKSTRA_USAGE */
export function parseHandle(text: string): RunHandle {
  const match = /^([^/:]{1,100})\/([^/:]{1,100})\/([^/:]{1,100}):([a-z-]{1,40})\/([1-9]\d{0,8})$/.exec(text);
  const [, project, group, task, type = "", run = ""] = match ?? [];
  if (project === undefined || group === undefined || task === undefined)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `${JSON.stringify(text.slice(0, 100))} is no handle of a run.`,
      hint: "Give the handle that starting the run answered: <project>/<group>/<task>:<phase>/<run>.",
    });
  return { project, group, task, type: requireTaskType(type), run: Number(run) };
}

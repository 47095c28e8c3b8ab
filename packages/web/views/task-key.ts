import type { TaskRef } from "@okstra/core/dashboard/api";

/** The parts of `<project>/<group>/<task>`; null for what is none. */
export function refOfKey(taskKey: string): TaskRef | null {
  const [project = "", group = "", task = "", ...more] = taskKey.split("/");
  return project === "" || group === "" || task === "" || more.length > 0 ? null : { project, group, task };
}

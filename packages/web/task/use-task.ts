import type { TaskPage, TaskRef } from "@okstra/core/dashboard/api";
import { useEffect, useRef, useState } from "preact/hooks";
import { taskPath, useApi, type Asked } from "../api-client.ts";
import { isAboutTask, listenToStream, useReloadOn } from "../stream.ts";
import { patchPage } from "./patch-page.ts";

/** A task's page, kept as it is now: events change it at once, and it is asked for again when more than that happened. */
export function useTask(task: TaskRef): Asked<TaskPage> {
  const asked = useApi<TaskPage>(taskPath(task));
  const { project, group, task: name } = task;
  useReloadOn(asked, (message) => isAboutTask(message, task) && !(message.kind === "event" && message.event.type === "lane-activity"));
  const [patched, setPatched] = useState<{ readonly base: TaskPage; readonly page: TaskPage } | null>(null);
  const base = useRef(asked.data);
  base.current = asked.data;
  useEffect(
    () =>
      listenToStream((message) => {
        const answered = base.current;
        if (message.kind !== "event" || answered === null || !isAboutTask(message, { project, group, task: name })) return;
        setPatched((last) => ({ base: answered, page: patchPage(last?.base === answered ? last.page : answered, message) }));
      }),
    [project, group, name],
  );
  return { ...asked, data: patched !== null && patched.base === asked.data ? patched.page : asked.data };
}

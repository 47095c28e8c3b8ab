import { taskEventSchema, type TaskEvent, type TaskEventBody } from "@okstra/core/domain/task-log";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";

/** The events of one task outside its runs. */
export interface TaskLog {
  readonly events: readonly TaskEvent[];
  /**
   * Appends events after whatever the log has by now, all of them or none, each durable.
   * @throws OKSTRA_TASK_LOG_CORRUPT
   */
  append(bodies: readonly TaskEventBody[]): Promise<readonly TaskEvent[]>;
}

export interface CheckedTaskLog {
  readonly events: readonly TaskEvent[];
  /** In plain words, each line that is not as okstra wrote it; empty when the log is whole. */
  readonly broken: readonly string[];
}

function taskLogPath(taskDir: string): string {
  return `${taskDir}/events.jsonl`;
}

/** What a task directory's place says of its task: `<group>/<task>`. */
function nameOf(taskDir: string): string {
  return taskDir.split(/[\\/]/).slice(-2).join("/");
}

/**
 * Looks whether a task's log is whole: every line is an event of this task, follows the one before it, and has okstra's
 * seal. A task without a log has an empty one; a last line without its end never happened. Lines cut off at the end are
 * not noticed. Writes nothing.
 */
export async function checkTaskLog(app: App, taskDir: string): Promise<CheckedTaskLog> {
  const { events, broken } = await parseTaskLog(app, taskDir);
  return { events, broken };
}

async function parseTaskLog(app: App, taskDir: string): Promise<CheckedTaskLog & { readonly lastHash: string; readonly lines: number }> {
  const lines = ((await app.store.readText(taskLogPath(taskDir))) ?? "").split("\n").slice(0, -1);
  const events: TaskEvent[] = [];
  const broken: string[] = [];
  let prev = "";
  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    const data = parseObject(line);
    const parsed = taskEventSchema.safeParse(data);
    if (data === null) broken.push(`line ${number} is not JSON`);
    else if (!parsed.success) broken.push(`line ${number} is no event: ${parsed.error.issues[0]?.path.join(".") ?? ""}`);
    else {
      const event = parsed.data as TaskEvent;
      if (event.seq !== number) broken.push(`line ${number} has the number ${event.seq}`);
      if (event.prev !== prev) broken.push(`line ${number} does not follow the line before it`);
      if (!event.taskKey.endsWith(`/${nameOf(taskDir)}`)) broken.push(`line ${number} is of another task`);
      const { seal, ...body } = data;
      const own = await app.sealer.seal(JSON.stringify(body));
      if (own.keyId !== event.keyId) broken.push(`line ${number} is sealed with the key of another machine or home`);
      else if (own.mac !== seal) broken.push(`line ${number} was not written by okstra: its seal is wrong`);
      events.push(event);
    }
    prev = app.sha256(line);
  }
  return { events, broken, lastHash: prev, lines: lines.length };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/**
 * Opens a task's log. A log that is not whole is not gone on with: an approval in it could be anybody's.
 * @param taskKey `<project>/<group>/<task>`
 * @throws OKSTRA_TASK_LOG_CORRUPT
 */
export async function openTaskLog(app: App, taskDir: string, taskKey: string): Promise<TaskLog> {
  const events = [...(await loadWhole(app, taskDir)).events];
  return {
    events,
    async append(bodies) {
      await app.store.ensureDirectory(taskDir);
      const lease = await app.locks.acquire(`task-log-${app.sha256(taskLogPath(taskDir)).slice(0, 24)}`);
      try {
        const now = await loadWhole(app, taskDir);
        let prev = now.lastHash;
        const added: TaskEvent[] = [];
        const lines: string[] = [];
        const { keyId } = await app.sealer.seal("");
        for (const body of bodies) {
          const plain = { seq: now.lines + lines.length + 1, at: app.clock.now(), prev, taskKey, ...body, keyId };
          const event = { ...plain, seal: (await app.sealer.seal(JSON.stringify(plain))).mac } as TaskEvent;
          const line = JSON.stringify(event);
          prev = app.sha256(line);
          lines.push(line);
          added.push(event);
        }
        await app.store.appendLines(taskLogPath(taskDir), lines);
        events.splice(0, events.length, ...now.events, ...added);
        return added;
      } finally {
        await lease.release();
      }
    },
  };
}

async function loadWhole(app: App, taskDir: string): ReturnType<typeof parseTaskLog> {
  const parsed = await parseTaskLog(app, taskDir);
  const [reason] = parsed.broken;
  if (reason === undefined) return parsed;
  const path = taskLogPath(taskDir);
  throw new OkstraError("OKSTRA_TASK_LOG_CORRUPT", {
    message: `${path} is damaged: ${reason}.`,
    hint: `Move it away; approvals and answers then have to be given again: mv ${path} ${path}.bad`,
    details: { path, broken: parsed.broken.slice(0, 100) },
  });
}

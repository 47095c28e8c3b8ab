import { isMilestone, summariseRun } from "@okstra/core/domain/run-summary";
import { runEventSchema, type RunEvent, type RunEventBody } from "@okstra/core/events";
import { foldRun, transition, type Effect, type RunState } from "@okstra/core/machine/run-machine";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";

/** The events of one run with the state they fold to. Events are appended one after the other, each durable. */
export interface RunLog {
  readonly events: readonly RunEvent[];
  readonly state: RunState;
  /** Appends an event and answers what is to be done next. @throws OKSTRA_INTERNAL for one that does not fit */
  append(body: RunEventBody): Promise<readonly Effect[]>;
}

export function eventsPath(runDir: string): string {
  return `${runDir}/events.jsonl`;
}

/**
 * What a log's text holds. A last line without its end was being written when okstra died: it never happened. A line
 * whose seal is not this machine's was not written by okstra here.
 */
export async function parseEvents(
  text: string,
  { sha256, sealer }: Pick<App, "sha256" | "sealer">,
): Promise<{ events: readonly RunEvent[]; torn: boolean; broken: readonly string[]; lastHash: string }> {
  const lines = text.split("\n");
  const tail = lines.pop() ?? "";
  const events: RunEvent[] = [];
  const broken: string[] = [];
  let prev = "";
  for (const [index, line] of lines.entries()) {
    let data: unknown;
    try {
      data = JSON.parse(line);
    } catch {
      broken.push(`line ${index + 1} is not JSON`);
      continue;
    }
    const parsed = runEventSchema.safeParse(data);
    if (!parsed.success) broken.push(`line ${index + 1} is no event: ${parsed.error.issues[0]?.path.join(".") ?? ""}`);
    else {
      if (parsed.data.seq !== index + 1) broken.push(`line ${index + 1} has the number ${parsed.data.seq}`);
      if (parsed.data.prev !== prev) broken.push(`line ${index + 1} does not follow the line before it`);
      const { seal, ...body } = data as Record<string, unknown>;
      const own = await sealer.seal(JSON.stringify(body));
      if (own.keyId !== body["keyId"]) broken.push(`line ${index + 1} is sealed with the key of another machine or home`);
      else if (own.mac !== seal) broken.push(`line ${index + 1} was not written by okstra: its seal is wrong`);
      events.push(parsed.data as RunEvent);
    }
    prev = sha256(line);
  }
  return { events, torn: tail !== "", broken, lastHash: prev };
}

/**
 * Opens a run's log; a torn last line is cut off when the first event is appended.
 * @throws OKSTRA_RUN_CORRUPT
 */
export async function openRunLog(app: App, runDir: string): Promise<RunLog> {
  const path = eventsPath(runDir);
  const text = (await app.store.readText(path)) ?? "";
  const parsed = await parseEvents(text, app);
  const folded = foldRun(parsed.events);
  const reason =
    parsed.broken[0] ??
    (folded.rejected[0] === undefined ? undefined : `event ${folded.rejected[0].index + 1}: ${folded.rejected[0].reason}`);
  if (reason !== undefined)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", { message: `${path} is damaged: ${reason}.`, details: { path, reason } });
  // Whoever only reads may come while the lead is writing a line: what is torn is cut off by who writes next.
  const whole = parsed.torn ? text.slice(0, text.lastIndexOf("\n") + 1) : null;
  return createLog(app, path, [...parsed.events], folded.state, parsed.lastHash, whole);
}

function createLog(app: App, path: string, events: RunEvent[], start: RunState, lastHash: string, whole: string | null): RunLog {
  let state = start;
  let torn = whole;
  let prev = lastHash;
  let queue: Promise<unknown> = Promise.resolve();
  return {
    events,
    get state() {
      return state;
    },
    append(body) {
      const next = queue.then(async () => {
        const step = transition(state, body);
        if (step.rejected !== null)
          throw new OkstraError("OKSTRA_INTERNAL", {
            message: `The event ${body.type} does not fit: ${step.rejected}.`,
            details: { type: body.type, stage: state.stage },
          });
        const plain = { seq: events.length + 1, at: app.clock.now(), prev, ...body };
        const { keyId } = await app.sealer.seal("");
        const { mac } = await app.sealer.seal(JSON.stringify({ ...plain, keyId }));
        const event = { ...plain, keyId, seal: mac } as RunEvent;
        const line = JSON.stringify(event);
        if (torn !== null) await app.store.writeText(path, torn);
        torn = null;
        await app.store.appendLines(path, [line]);
        prev = app.sha256(line);
        state = step.state;
        events.push(event);
        noteMilestone(app, path, events, event);
        app.emit({ type: event.type, level: "record", text: event.type, data: event });
        return step.effects;
      });
      queue = next.catch(() => undefined);
      return next;
    },
  };
}

/** Keeps the project's journal up; the log is the truth, and a journal that missed something is rebuilt. */
function noteMilestone(app: App, path: string, events: readonly RunEvent[], event: RunEvent): void {
  if (!isMilestone(event.type)) return;
  const runDir = path.slice(0, -"/events.jsonl".length);
  const summary = summariseRun(events, runDir);
  const root = runDir.split("/.project-docs/okstra/tasks/")[0];
  if (summary === null || root === undefined || root === runDir) return;
  app.journals.note({ project: summary.taskKey.split("/")[0] ?? "", root }, summary);
}

import { raisedQuestionSchema, type RunQuestions } from "@okstra/core/domain/clarifications";
import { runManifestSchema, type Gate, type RunManifest, type Verdict } from "@okstra/core/domain/run";
import type { TaskType } from "@okstra/core/domain/work";
import type { RunEvent } from "@okstra/core/events";
import { foldRun, type RunState, type Stage } from "@okstra/core/machine/run-machine";
import * as z from "zod";
import type { App } from "../app.ts";
import { eventsPath, parseEvents } from "../run/run-log.ts";

/** A run as its files show it, read without changing any; a run that cannot be trusted says why. */
export interface TaskRun {
  readonly type: TaskType;
  readonly run: number;
  readonly runId: string;
  readonly runDir: string;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly cycle: number;
  readonly stage: Stage;
  readonly halted: boolean;
  /** What the run waits for, in words; null while it does not. */
  readonly waiting: string | null;
  /** Whether okstra leads it itself, or an agent from step to step. */
  readonly lead: RunState["lead"];
  readonly attempt: number;
  readonly verdict: Verdict | null;
  /** As it was decided, with the newest override. */
  readonly gate: Gate | null;
  /** The commit that was judged; empty without git. */
  readonly commit: string;
  /** The commit that the run was prepared at. */
  readonly startCommit: string;
  readonly valid: boolean | null;
  readonly brief: string | null;
  readonly events: readonly RunEvent[];
  /** One line: why the run's files are not what okstra wrote; null when they are. */
  readonly damaged: string | null;
  readonly questions: RunQuestions;
  /** report.json as data, if it is the one that the run wrote. */
  readonly report: Readonly<Record<string, unknown>> | null;
}

/** Reads one run. Never throws for what its directory contains. */
export async function loadTaskRun(app: App, runDir: string, type: TaskType): Promise<TaskRun> {
  const number = Number(runDir.split("/").at(-1) ?? 0);
  const text = (await app.store.readText(eventsPath(runDir))) ?? "";
  const { events, broken } = await parseEvents(text, app);
  const { state, rejected } = foldRun(events);
  const manifestText = await app.store.readText(`${runDir}/run.json`);
  const manifest = parseManifest(manifestText);
  const prepared = events.find((event) => event.type === "run-prepared");
  const damages: string[] = broken.slice(0, 1).map((reason) => `events.jsonl: ${reason}`);
  const [misfit] = rejected;
  if (misfit !== undefined) damages.push(`events.jsonl: event ${misfit.index + 1} does not fit: ${misfit.reason}`);
  if (manifest === null || manifestText === null) damages.push("run.json cannot be read");
  else if (prepared?.type !== "run-prepared" || app.sha256(manifestText) !== prepared.manifestSha256 || manifest.type !== type)
    damages.push("run.json is not the one that the run was prepared with");
  const report = state.stage === "ended" ? await loadSealedReport(app, runDir, events) : null;
  if (state.stage === "ended" && report === null) damages.push("report.json is not the one that the run wrote");
  const questions = damages.length > 0 ? null : await loadQuestions(app, runDir, { type, run: number }, state, events);
  if (damages.length === 0 && questions === null) damages.push("a result is not the one that was accepted");
  return {
    type,
    run: number,
    runId: manifest?.runId ?? "",
    runDir,
    createdAt: manifest?.createdAt ?? events[0]?.at ?? "",
    endedAt: events.findLast((event) => event.type === "run-ended")?.at ?? null,
    cycle: manifest?.context.cycle ?? 1,
    stage: state.stage,
    halted: state.halted,
    waiting: state.paused === null ? null : describeWait(state.paused),
    lead: state.lead,
    attempt: state.attempt,
    verdict: state.verdict,
    gate: state.gate === null ? null : describeGate(state.gate, events),
    commit: state.commit === "" ? (manifest?.commit ?? "") : state.commit,
    startCommit: manifest?.commit ?? "",
    valid: state.valid,
    brief: manifest?.brief ?? null,
    events,
    damaged: damages[0] ?? null,
    questions: questions ?? { type, run: number, asked: [] },
    report,
  };
}

function describeGate(gate: Gate, events: readonly RunEvent[]): Gate {
  const at = events.findLast((event) => event.type === "gate-overridden")?.at;
  return gate.override === null || at === undefined ? gate : { ...gate, override: { ...gate.override, at } };
}

function parseManifest(text: string | null): RunManifest | null {
  const parsed = runManifestSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : null;
}

async function loadSealedReport(app: App, runDir: string, events: readonly RunEvent[]): Promise<Record<string, unknown> | null> {
  const text = await app.store.readText(`${runDir}/report.json`);
  const written = events.findLast((event) => event.type === "report-written");
  if (text === null || written?.type !== "report-written" || app.sha256(text) !== written.reportSha256) return null;
  const parsed = z.looseObject({}).safeParse(parseJson(text));
  return parsed.success ? parsed.data : null;
}

/** What the workers of a run that ended asked, from the results that were accepted; null when one of these is not there. */
async function loadQuestions(
  app: App,
  runDir: string,
  run: Pick<RunQuestions, "type" | "run">,
  state: RunState,
  events: readonly RunEvent[],
): Promise<RunQuestions | null> {
  const asked: RunQuestions["asked"][number][] = [];
  if (state.stage !== "ended") return { ...run, asked };
  for (const [lane, { worker, role, end }] of Object.entries(state.lanes)) {
    if (end !== "ok" || (role !== "review" && role !== "execute")) continue;
    const text = await app.store.readText(`${runDir}/workers/${lane}/result.json`);
    const ended = events.findLast((event) => event.type === "lane-ended" && event.lane === lane);
    if (text === null || ended?.type !== "lane-ended" || app.sha256(text) !== ended.resultSha256) return null;
    const said = z.looseObject({ clarifications: z.array(z.unknown()).catch([]) }).safeParse(parseJson(text));
    for (const each of said.success ? said.data.clarifications : []) {
      const question = raisedQuestionSchema.safeParse(each);
      if (question.success) asked.push({ worker, ...question.data });
    }
  }
  return { ...run, asked };
}

export function parseJson(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function describeWait({ lanes, until }: NonNullable<RunState["paused"]>): string {
  return `the quota of ${lanes.join(", ")} is used up${until === null ? "" : ` until ${until}`}`;
}

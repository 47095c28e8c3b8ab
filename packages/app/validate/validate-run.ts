import * as z from "zod";
import type { Convergence } from "@okstra/core/convergence/cluster";
import { converge } from "@okstra/core/convergence/converge";
import { openBlockers } from "@okstra/core/convergence/ledger";
import { UNKNOWN_FAMILY } from "@okstra/core/domain/agent-use";
import { receiptSchema, type Receipt } from "@okstra/core/domain/receipt";
import { runManifestSchema, type RunManifest } from "@okstra/core/domain/run";
import { canonicalJson } from "@okstra/core/domain/task-context";
import { workRecordSchema } from "@okstra/core/domain/work-record";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { foldRun, laneName, WRITER_LANE } from "@okstra/core/machine/run-machine";
import type { RunEvent } from "@okstra/core/events";
import { PHASES } from "@okstra/core/phases/index";
import { laneResultSchema } from "@okstra/core/phases/lane-schema";
import type { Phase } from "@okstra/core/phases/phase";
import { decideHandoff } from "@okstra/core/phases/release-handoff/section";
import { checkOutline } from "@okstra/core/report/outline";
import { reportSchema, type Report } from "@okstra/core/report/report-data";
import type { App } from "../app.ts";
import { convergenceInput, convergencePath, decisionInput, workPath } from "../run/run-records.ts";
import type { PreparedRun } from "../run/begin-run.ts";
import { eventsPath, parseEvents } from "../run/run-log.ts";
import { buildReport, renderAll } from "../run/write-report.ts";
import { findHandoffProblems } from "./check-handoff.ts";
import { checkTaskLog } from "../task/task-log.ts";

/** Each rule with what it promises; a broken one is told by its code. */
export const RULES = {
  OKSTRA_RULE_EVENTS: "events.jsonl is whole: every line follows the one before it, and every event fits the run's state",
  OKSTRA_RULE_MANIFEST: "run.json is what the run was prepared with",
  OKSTRA_RULE_RECEIPT: "every lane that ended has the receipt that was written then, for this run, worker, nonce and commit",
  OKSTRA_RULE_RESULT:
    "every result is the one that was accepted: right nonce, right schema, unchanged; a lane that is not ok has none, but for what a partial one had delivered",
  OKSTRA_RULE_PROMPT: "every lane that ran has the prompt that it was given",
  OKSTRA_RULE_COMMIT: "the commit that the run is bound to exists in the repository",
  OKSTRA_RULE_REPRODUCTION: "every reproduction of okstra's own checks rests on executions in the receipt",
  OKSTRA_RULE_CONVERGENCE: "convergence.json follows from the results, the quotes at the commit, and the executions",
  OKSTRA_RULE_VOTES:
    "every vote is what a verifier of another family answered about the item that it was given, with evidence that okstra checked",
  OKSTRA_RULE_LEDGER: "every row of the ledger follows from the ledger before it and from what was found",
  OKSTRA_RULE_WORK: "the executor's work is what git shows",
  OKSTRA_RULE_APPROVAL: "a plan that was carried out is the one that a person approved",
  OKSTRA_RULE_HANDOFF: "a hand-off did what a person chose and nothing else: plans, answers, the argv log and what the remote said agree",
  OKSTRA_RULE_TASK_LOG: "the task's own log is whole: every line follows the one before it and has okstra's seal",
  OKSTRA_RULE_VERDICT: "verdict and gate follow from the convergence and the lanes",
  OKSTRA_RULE_REPORT: "report.json satisfies its schema and follows from events, results and receipts",
  OKSTRA_RULE_RENDERING: "report.md, report.html and report.sarif are what report.json renders to",
  OKSTRA_RULE_OUTLINE: "the report has every section its phase demands, and none that it forbids",
  OKSTRA_RULE_LINKS: "every link of the report to a file leads to a file",
  OKSTRA_RULE_WRITER: "the report's prose is a writer's result or a recorded fallback",
  OKSTRA_RULE_VALIDATION: "validation.json and the end of the run say what the validator finds",
} as const;
export type RuleCode = keyof typeof RULES;

export interface BrokenRule {
  readonly code: RuleCode;
  /** One line: what is not as promised, with the file. */
  readonly message: string;
}

export interface Validation {
  readonly schema: 1;
  readonly runDir: string;
  readonly ok: boolean;
  readonly checked: readonly RuleCode[];
  readonly broken: readonly BrokenRule[];
}

interface Subject {
  readonly app: App;
  readonly run: Pick<PreparedRun, "manifest" | "runDir" | "log">;
  readonly events: readonly RunEvent[];
  /** Null for a release-handoff, which has no workers. */
  readonly phase: Phase | null;
  readonly breaks: (code: RuleCode, message: string) => void;
}

/**
 * Recomputes what can be recomputed from events, results and git, and compares. Writes nothing. What cannot
 * even be read breaks its rule; it never throws for what a run directory contains.
 * @param options.byLead the run is at its last step, so that it cannot have ended yet
 */
export async function validateRun(app: App, runDir: string, options: { byLead?: boolean } = {}): Promise<Validation> {
  const broken: BrokenRule[] = [];
  const breaks = (code: RuleCode, message: string): void => {
    broken.push({ code, message });
  };
  const subject = await openSubject(app, runDir, breaks).catch((error: unknown) => {
    breaks(
      "OKSTRA_RULE_EVENTS",
      `the run cannot be read: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}`,
    );
    return null;
  });
  if (subject !== null) {
    const guarded: readonly (readonly [RuleCode, (subject: Subject) => Promise<void>])[] = [
      ["OKSTRA_RULE_RECEIPT", checkLanes],
      ["OKSTRA_RULE_COMMIT", checkCommit],
      ["OKSTRA_RULE_APPROVAL", checkApproval],
      ["OKSTRA_RULE_WORK", checkWork],
      ["OKSTRA_RULE_CONVERGENCE", checkConvergence],
      ["OKSTRA_RULE_HANDOFF", checkHandoff],
      ["OKSTRA_RULE_REPORT", checkReport],
      // Last: it looks at what the others found.
      ["OKSTRA_RULE_VALIDATION", async (each) => (options.byLead === true ? undefined : checkEnd(each, broken.length === 0))],
    ];
    for (const [code, check] of guarded) {
      await check(subject).catch((error: unknown) =>
        breaks(code, `it cannot be checked: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}`),
      );
    }
  }
  return { schema: 1, runDir, ok: broken.length === 0, checked: Object.keys(RULES) as RuleCode[], broken };
}

async function openSubject(app: App, runDir: string, breaks: Subject["breaks"]): Promise<Subject | null> {
  const text = (await app.store.readText(eventsPath(runDir))) ?? "";
  const { events, torn, broken } = await parseEvents(text, app);
  for (const reason of broken) breaks("OKSTRA_RULE_EVENTS", `events.jsonl: ${reason}`);
  if (torn) breaks("OKSTRA_RULE_EVENTS", "events.jsonl: the last line has no end");
  const { state, rejected } = foldRun(events);
  for (const { index, reason } of rejected) breaks("OKSTRA_RULE_EVENTS", `events.jsonl: event ${index + 1} does not fit: ${reason}`);
  if (events.length === 0) breaks("OKSTRA_RULE_EVENTS", "events.jsonl: there is no event");
  const manifest = await loadManifest(app, runDir, events, breaks);
  if (manifest === null) return null;
  const log = { events, state, append: () => Promise.reject(new Error("a validator writes nothing")) };
  const phase = PHASES.find((each) => each.type === manifest.type) ?? null;
  if (phase === null && manifest.type !== "release-handoff") {
    breaks("OKSTRA_RULE_MANIFEST", "run.json names a phase that this okstra does not have");
    return null;
  }
  return { app, run: { manifest, runDir, log }, events, phase, breaks };
}

async function loadManifest(app: App, runDir: string, events: readonly RunEvent[], breaks: Subject["breaks"]): Promise<RunManifest | null> {
  const text = await app.store.readText(`${runDir}/run.json`);
  const parsed = runManifestSchema.safeParse(parseJson(text));
  const prepared = events.find((event) => event.type === "run-prepared");
  if (text === null || !parsed.success) {
    breaks("OKSTRA_RULE_MANIFEST", "run.json is not there or breaks its schema");
    return null;
  }
  if (prepared === undefined || app.sha256(text) !== prepared.manifestSha256)
    breaks("OKSTRA_RULE_MANIFEST", "run.json is not the one that the run was prepared with");
  if (
    prepared !== undefined &&
    (prepared.runId !== parsed.data.runId ||
      prepared.taskKey !== parsed.data.taskKey ||
      prepared.taskType !== parsed.data.type ||
      prepared.commit !== parsed.data.commit)
  ) {
    breaks("OKSTRA_RULE_MANIFEST", "run.json names another run, task, phase or commit than the events");
  }
  return parsed.data;
}

/** Receipts, results and prompts of every lane. */
async function checkLanes({ app, run, events, phase, breaks }: Subject): Promise<void> {
  const { runDir, manifest, log } = run;
  for (const [lane, planned] of Object.entries(log.state.lanes)) {
    const entry = planned.role === "write" ? manifest.writer : manifest.roster.find((each) => each.worker === planned.worker);
    const ended = events.findLast((event) => event.type === "lane-ended" && event.lane === lane);
    if (ended?.type !== "lane-ended" || entry === undefined || entry === null) {
      breaks("OKSTRA_RULE_RECEIPT", `${lane}: the lane never ended`);
      continue;
    }
    const started = events.findLast(
      (event, index) => event.type === "lane-started" && event.lane === lane && index < events.indexOf(ended),
    );
    const nonce = started?.type === "lane-started" ? started.nonce : "";
    const text = await app.store.readText(`${runDir}/workers/${lane}/receipt.json`);
    const receipt = receiptSchema.safeParse(parseJson(text));
    if (text === null || !receipt.success) breaks("OKSTRA_RULE_RECEIPT", `${lane}: receipt.json is not there or breaks its schema`);
    else {
      if (app.sha256(text) !== ended.receiptSha256) breaks("OKSTRA_RULE_RECEIPT", `${lane}: receipt.json was changed after the lane ended`);
      const family = ended.family ?? entry.family;
      checkReceipt(receipt.data, { manifest, entry, lane, nonce, commit: ended.commit, end: ended.end, family }, breaks);
    }
    const prompt = await app.store.readText(`${runDir}/prompts/${lane}.md`);
    if (prompt === null || !prompt.includes(nonce) || (receipt.success && app.sha256(prompt) !== receipt.data.promptSha256))
      breaks("OKSTRA_RULE_PROMPT", `${lane}: prompts/${lane}.md is not the prompt of this lane`);
    const result = await app.store.readText(`${runDir}/workers/${lane}/result.json`);
    if ((result === null ? null : app.sha256(result)) !== ended.resultSha256)
      breaks("OKSTRA_RULE_RESULT", `${lane}: result.json is not the one that was accepted`);
    if (result === null) {
      if (ended.end === "ok") breaks("OKSTRA_RULE_RESULT", `${lane}: the lane is ok and has no result`);
      continue;
    }
    if (ended.end !== "ok" && ended.end !== "partial") breaks("OKSTRA_RULE_RESULT", `${lane}: the lane is ${ended.end} and has a result`);
    if (phase === null) continue;
    const parsed = laneResultSchema(phase.type, planned.role).safeParse(parseJson(result));
    if (!parsed.success) breaks("OKSTRA_RULE_RESULT", `${lane}: result.json breaks its schema`);
    else if ((parsed.data as { nonce?: unknown }).nonce !== nonce) breaks("OKSTRA_RULE_RESULT", `${lane}: result.json has another nonce`);
  }
}

function checkReceipt(
  receipt: Receipt,
  expected: {
    manifest: RunManifest;
    entry: RunManifest["roster"][number];
    lane: string;
    nonce: string;
    commit: string;
    end: string;
    family: string;
  },
  breaks: Subject["breaks"],
): void {
  const { manifest, entry, lane } = expected;
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["run id", receipt.runId, manifest.runId],
    ["worker", receipt.worker, entry.worker],
    ["lane", receipt.lane, lane],
    ["kind", receipt.kind, entry.kind],
    ["family", receipt.family, expected.family],
    ["nonce", receipt.nonce, expected.nonce],
    ["commit", receipt.commit, expected.commit],
    ["end", receipt.end, expected.end],
  ];
  for (const [name, found, wanted] of pairs)
    if (found !== wanted) breaks("OKSTRA_RULE_RECEIPT", `${lane}: the receipt has another ${name}`);
  if (isAgentKind(receipt.kind) && receipt.modelServed === null && receipt.family !== UNKNOWN_FAMILY)
    breaks("OKSTRA_RULE_RECEIPT", `${lane}: nobody said which model served, and the lane counts as ${receipt.family}`);
}

async function checkCommit({ app, run, breaks }: Subject): Promise<void> {
  const { manifest, log } = run;
  const commits = [...new Set([manifest.commit, log.state.commit])].filter((commit) => commit !== "");
  const found = commits.length === 0 ? [] : await app.git.resolveCommits(manifest.project.root, commits);
  for (const [index, commit] of commits.entries())
    if (found[index] !== commit) breaks("OKSTRA_RULE_COMMIT", `the commit ${commit} is not in ${manifest.project.root}`);
}

/** Each round's convergence follows from its results and votes, and the ledger from the one before. */
async function checkConvergence({ app, run, events, phase, breaks }: Subject): Promise<void> {
  if (phase === null) return;
  const { state } = run.log;
  for (let round = 1; round <= state.round; round += 1) {
    const path = convergencePath(run, round);
    const name = path.split("/").at(-1) ?? path;
    const text = await app.store.readText(path);
    const event = events.findLast((each) => each.type === "run-converged" && each.round === round);
    if (text === null || event?.type !== "run-converged" || app.sha256(text) !== event.convergenceSha256)
      breaks("OKSTRA_RULE_CONVERGENCE", `${name} is not the one that the run converged to`);
    const again = converge(await convergenceInput(app, run, round));
    const stored = parseJson(text) as Partial<Convergence> | null;
    const parts = [
      ["OKSTRA_RULE_VOTES", "votes"],
      ["OKSTRA_RULE_LEDGER", "ledger"],
    ] as const;
    for (const [code, part] of parts)
      if (stored !== null && !isSame(stored[part], again[part]))
        breaks(code, `the ${part} in ${name} do not follow from what was answered and executed`);
    if (!isSame(stored, again)) breaks("OKSTRA_RULE_CONVERGENCE", `${name} does not follow from the results and the files at the commit`);
    const blockers = openBlockers(again.clusters).length;
    if (event?.type === "run-converged" && event.blockers !== blockers)
      breaks("OKSTRA_RULE_CONVERGENCE", `round ${round} ended with ${blockers} blockers, and the events say ${event.blockers}`);
  }
  await checkReproductions({ app, run, events, phase, breaks });
  const decided = phase.decide(await decisionInput(app, run));
  const decision = events.findLast((each) => each.type === "gate-decided");
  if (decision?.type !== "gate-decided" || decision.verdict !== decided.verdict || !isSame(decision.gate, decided.gate))
    breaks("OKSTRA_RULE_VERDICT", `the verdict ${state.verdict ?? "none"} does not follow from the findings and the lanes`);
}

/** The work record is the one that was made then, and its commits are those that git has. */
async function checkWork({ app, run, breaks }: Subject): Promise<void> {
  const { manifest, log, runDir } = run;
  const inspected = log.state.works.at(-1);
  if (inspected === undefined || manifest.commit === "") return;
  const text = await app.store.readText(workPath(runDir));
  if (text === null || app.sha256(text) !== inspected.workSha256) {
    breaks("OKSTRA_RULE_WORK", "work.json is not what git showed when the executor had ended");
    return;
  }
  const work = workRecordSchema.safeParse(parseJson(text));
  if (!work.success || work.data.head !== inspected.head) {
    breaks("OKSTRA_RULE_WORK", "work.json breaks its schema or has another head");
    return;
  }
  if (work.data.rewritten) return;
  const answer = await app.git.run(manifest.project.root, ["rev-list", "--reverse", `${work.data.before}..${work.data.head}`], {
    okExitCodes: [0, 128],
  });
  const commits = answer.stdout.split("\n").filter((line) => line !== "");
  if (answer.exitCode !== 0 || !isSame([...commits].sort(), work.data.commits.map(({ sha }) => sha).sort()))
    breaks("OKSTRA_RULE_WORK", "the commits in work.json are not those of the branch");
}

/** The plan that a run carries out is the one that a person approved, and the task's log is whole. */
async function checkApproval({ app, run, breaks }: Subject): Promise<void> {
  const { manifest, runDir } = run;
  const { plan, approval } = manifest.context;
  const taskDir = runDir.split("/").slice(0, -3).join("/");
  const task = await checkTaskLog(app, taskDir);
  for (const reason of task.broken) breaks("OKSTRA_RULE_TASK_LOG", `the task's events.jsonl: ${reason}`);
  if (plan === null) return;
  if (approval === null || app.sha256(canonicalJson(plan)) !== approval.planSha256) {
    breaks("OKSTRA_RULE_APPROVAL", "run.json has a plan that nobody approved");
    return;
  }
  if (approval.kind === "override") return;
  const given = task.events.some(
    (event) =>
      event.type === "plan-approved" && event.run === approval.run && event.planSha256 === approval.planSha256 && event.at === approval.at,
  );
  if (!given) breaks("OKSTRA_RULE_APPROVAL", `the approval of the plan of run ${approval.run} is not in the task's log`);
}

/** The records of a `checks` lane rest on executions that its receipt proves; those of other workers on the lead's own. */
async function checkReproductions({ app, run, breaks }: Subject): Promise<void> {
  const { manifest, log, runDir } = run;
  for (const record of log.state.reproductions) {
    const entry = manifest.roster.find((each) => each.worker === record.worker);
    if (entry?.kind !== "checks" || record.commit !== log.state.commit) continue;
    const lane = laneName(record.worker, "review", record.round);
    const receipt = receiptSchema.safeParse(parseJson(await app.store.readText(`${runDir}/workers/${lane}/receipt.json`)));
    const executions = receipt.success
      ? receipt.data.executions.filter((each) => each.command === record.command && each.commit === record.commit)
      : [];
    const failed = executions.filter((each) => each.exitCode !== 0).length;
    if (executions.length < record.executions || failed < record.failures)
      breaks(
        "OKSTRA_RULE_REPRODUCTION",
        `${record.findingId}: the receipt shows ${failed} failures in ${executions.length} executions of ${record.command}`,
      );
  }
}

/** A hand-off's records, in a room of their own. */
async function checkHandoff({ app, run, events, breaks }: Subject): Promise<void> {
  if (run.manifest.type !== "release-handoff") return;
  for (const problem of await findHandoffProblems(app, run, events)) breaks("OKSTRA_RULE_HANDOFF", problem);
  const { verdict, gate } = decideHandoff(run.log.state.handoff ?? { outcome: null });
  const decision = events.findLast((each) => each.type === "gate-decided");
  if (decision?.type !== "gate-decided" || decision.verdict !== verdict || !isSame(decision.gate, gate))
    breaks("OKSTRA_RULE_VERDICT", `the verdict ${run.log.state.verdict ?? "none"} does not follow from what was chosen and done`);
}

async function checkReport({ app, run, events, breaks }: Subject): Promise<void> {
  const { runDir, manifest, log } = run;
  const text = await app.store.readText(`${runDir}/report.json`);
  const parsed = reportSchema.safeParse(parseJson(text));
  if (text === null || !parsed.success) {
    breaks("OKSTRA_RULE_REPORT", "report.json is not there or breaks its schema");
    return;
  }
  const report = parsed.data;
  const written = events.findLast((event) => event.type === "report-written");
  if (written?.type !== "report-written" || written.reportSha256 !== app.sha256(text))
    breaks("OKSTRA_RULE_REPORT", "report.json is not the one that the run wrote");
  if (!isSame(report, await buildReport(app, run, report.generatedAt)))
    breaks("OKSTRA_RULE_REPORT", "report.json does not follow from the run's events, results and receipts");
  for (const [name, rendered] of Object.entries(renderAll(app, report))) {
    if ((await app.store.readText(`${runDir}/${name}`)) !== rendered)
      breaks("OKSTRA_RULE_RENDERING", `${name} is not what report.json renders to`);
  }
  const markdown = (await app.store.readText(`${runDir}/report.md`)) ?? "";
  for (const problem of checkOutline(markdown, manifest.type, manifest.lang)) breaks("OKSTRA_RULE_OUTLINE", `report.md: ${problem}`);
  await checkLinks({ app, run, breaks }, report);
  const prose = await app.store.readText(`${runDir}/workers/${WRITER_LANE}/result.json`);
  if (manifest.type === "release-handoff" && prose !== null) breaks("OKSTRA_RULE_WRITER", "a release-handoff has no report writer");
  if (manifest.type === "release-handoff") {
    if (log.state.writerFallback !== null)
      breaks("OKSTRA_RULE_WRITER", "a release-handoff has no report writer, and so no fallback of one");
  } else if (log.state.writerFallback === null && !(log.state.lanes[WRITER_LANE]?.end === "ok" && prose !== null))
    breaks("OKSTRA_RULE_WRITER", "there is neither a report writer's result nor a report-writer-fallback event");
}

async function checkLinks({ app, run, breaks }: Pick<Subject, "app" | "run" | "breaks">, report: Report): Promise<void> {
  const { manifest } = run;
  for (const file of new Set(
    report.clusters.filter((cluster) => cluster.class !== "ungrounded").flatMap((cluster) => cluster.file ?? []),
  )) {
    if (await app.store.exists(`${report.sourceRoot}/${file}`)) continue;
    if (manifest.commit !== "" && (await app.git.loadFileAt(manifest.project.root, manifest.commit, file)) !== null) continue;
    breaks("OKSTRA_RULE_LINKS", `${file} is neither in ${report.sourceRoot} nor at the commit`);
  }
}

/** A run that is looked at from outside has ended, and its end and validation.json say what the validator finds. */
async function checkEnd({ app, run, events, breaks }: Subject, restHolds: boolean): Promise<void> {
  const { stage } = run.log.state;
  if (stage !== "ended") {
    breaks("OKSTRA_RULE_VALIDATION", `the run has not ended: it is ${stage}`);
    return;
  }
  const validated = events.findLast((event) => event.type === "run-validated");
  if (validated?.type !== "run-validated") return;
  const stored = storedValidationSchema.safeParse(parseJson(await app.store.readText(`${run.runDir}/validation.json`)));
  const codes = stored.success ? [...new Set(stored.data.broken.map((rule) => rule.code))] : [];
  if (!stored.success || stored.data.ok !== validated.ok || !isSame(codes, validated.broken))
    breaks("OKSTRA_RULE_VALIDATION", "validation.json does not say what the run ended with");
  else if (restHolds && !validated.ok) breaks("OKSTRA_RULE_VALIDATION", "the run ended as broken, and nothing is");
}

const storedValidationSchema = z.looseObject({ ok: z.boolean(), broken: z.array(z.looseObject({ code: z.string() })) });

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Equal as JSON, whatever the order of members. */
function isSame(a: unknown, b: unknown): boolean {
  return canonicalJson(a ?? null) === canonicalJson(b ?? null);
}

import * as z from "zod";
import { groundFinding } from "@okstra/core/convergence/ground";
import { findingSchema, type Finding } from "@okstra/core/domain/finding";
import { DOOR_VARIABLE, laneOrderSchema, type LaneOrder } from "@okstra/core/domain/lane-order";
import { createRedactor, redactValue } from "@okstra/core/domain/redaction";
import { canonicalJson } from "@okstra/core/domain/task-context";
import { MAX_RESULT_BYTES } from "@okstra/core/domain/worker-result";
import { OkstraError } from "@okstra/core/errors";
import { laneResultSchema } from "@okstra/core/phases/lane-schema";
import { proposedClarificationSchema } from "@okstra/core/phases/requirements-discovery/result-schema";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";
import { loadSecrets } from "../run/secrets.ts";
import { describeExcess, describePathProblem, describeProblems, listProblems, sizeOf } from "./check-given.ts";
import { joinResult, loadDelivered, MAX_FINDINGS, MAX_PART_BYTES, MAX_QUESTIONS, partPath, readJson, submittedPath } from "./delivered.ts";

/** The largest lane.json that is read, in bytes: a brief of 1 MiB in a prompt with its schema has room. */
const MAX_ORDER_BYTES = 32 * 1024 * 1024;

/** What an agent is told; `refused`: nothing was taken. */
export interface Answer {
  readonly refused: boolean;
  readonly text: string;
}

/** One lane as its agent may use it. Nothing it does approves, passes a gate, hands off or starts anything. */
export interface Lane {
  readonly order: LaneOrder;
  /** Whether single findings are taken: review and execute lanes. */
  readonly takesFindings: boolean;
  /** Whether questions are taken: review lanes. */
  readonly takesQuestions: boolean;
  readBrief(): Promise<Answer>;
  submitFinding(given: unknown): Promise<Answer>;
  askClarification(given: unknown): Promise<Answer>;
  /** The first valid one stands. */
  submitResult(given: unknown): Promise<Answer>;
}

/** Findings or questions that are kept, each in a file of its own. */
interface Parts {
  readonly kind: "finding" | "question";
  readonly most: number;
  /** The first number that may be free. */
  next: number;
  /** Numbers by content. */
  readonly known: Map<string, number>;
}

/** The one lane of this process, and what it was given so far. */
interface Work {
  readonly app: App;
  readonly door: string;
  readonly order: LaneOrder;
  readonly redact: (text: string) => string;
  readonly findings: Parts;
  readonly questions: Parts;
  /** Bytes of both together. */
  bytes: number;
}

/** Questions of a result, in the shape in which they are read later, whatever the phase's own schema says of them. */
const questionListSchema = z.looseObject({ clarifications: z.array(proposedClarificationSchema).max(MAX_QUESTIONS) });

const taken = (text: string): Answer => ({ refused: false, text });
const refuse = (text: string): Answer => ({ refused: true, text });
const STANDS = refuse("A result was submitted already; it stands. Nothing more is taken, and nothing more is to be done.");

/**
 * Opens the lane whose door the environment names. Its texts are redacted before they touch the disk; calls are served
 * one after the other, and a call never rejects.
 * @throws OKSTRA_DOOR_INVALID, OKSTRA_SCHEMA_NEWER, OKSTRA_PATH_IS_LINK, OKSTRA_IO_FAILED
 */
export async function openLane(app: App): Promise<Lane> {
  const { door, order } = await loadOrder(app);
  const redact = createRedactor(await loadSecrets(app, order.secretRoots));
  const before = await loadDelivered(app, door);
  const work: Work = {
    app,
    door,
    order,
    redact,
    findings: startParts("finding", MAX_FINDINGS, before.findings),
    questions: startParts("question", MAX_QUESTIONS, before.questions),
    bytes: before.bytes,
  };
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (serve: () => Promise<Answer>): Promise<Answer> => {
    const answer = last.then(serve).catch((error: unknown) => refuse(redact(describeFailure(error))));
    last = answer;
    return answer;
  };
  return {
    order,
    takesFindings: isJoined(order),
    takesQuestions: order.role === "review",
    readBrief: () => inTurn(async () => taken(order.brief)),
    submitFinding: (given) => inTurn(() => submitFinding(work, given)),
    askClarification: (given) => inTurn(() => askClarification(work, given)),
    submitResult: (given) => inTurn(() => submitResult(work, given)),
  };
}

async function loadOrder(app: App): Promise<{ door: string; order: LaneOrder }> {
  const door = app.surroundings.env[DOOR_VARIABLE] ?? "";
  const invalid = (message: string): OkstraError => new OkstraError("OKSTRA_DOOR_INVALID", { message, details: { door } });
  if (door === "") throw invalid(`${DOOR_VARIABLE} is not set, so there is no lane to serve.`);
  if (!door.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(door)) throw invalid(`${DOOR_VARIABLE} is no absolute path: ${door}`);
  const facts = await app.files.inspectOwn(door);
  if (facts === null) throw invalid(`There is no door of a lane at ${door}.`);
  if (facts.type === "link")
    throw new OkstraError("OKSTRA_PATH_IS_LINK", { message: `${door} is a symbolic link.`, details: { path: door } });
  if (facts.type !== "directory" || !facts.own) throw invalid(`${door} is no directory of okstra's own.`);
  const path = `${door}/lane.json`;
  const text = await app.store.readText(path, { maxBytes: MAX_ORDER_BYTES, regularFileOnly: true });
  if (text === null) throw invalid(`${path} is not there.`);
  const data = readJson(text);
  const schema = (data as { schema?: unknown } | null | undefined)?.schema;
  if (typeof schema === "number" && schema > 1)
    throw new OkstraError("OKSTRA_SCHEMA_NEWER", {
      message: `${path} has schema ${schema}; this okstra knows 1.`,
      details: { path, schema },
    });
  const parsed = laneOrderSchema.safeParse(data);
  if (!parsed.success) throw invalid(`${path} is not what okstra wrote: ${describeProblems(laneOrderSchema, data)[0] ?? ""}`);
  return { door, order: parsed.data };
}

/** Lanes whose result has findings. */
function isJoined({ role }: LaneOrder): boolean {
  return role === "review" || role === "execute";
}

function startParts(kind: Parts["kind"], most: number, before: readonly { readonly number: number; readonly value: unknown }[]): Parts {
  return {
    kind,
    most,
    next: (before.at(-1)?.number ?? 0) + 1,
    known: new Map(before.map(({ number, value }) => [canonicalJson(value), number])),
  };
}

async function submitFinding(work: Work, given: unknown): Promise<Answer> {
  const held = await findHindrance(work, "finding", given, MAX_PART_BYTES);
  if (held !== null) return held;
  const clean = redactValue(given ?? {}, work.redact);
  const problems = [...describeProblems(findingSchema, clean), ...pathProblems(work, [clean], () => "file")];
  if (problems.length > 0) return refuse(listProblems("The finding is not taken. Mend this and give it again:", problems));
  const finding = clean as Finding;
  const place = await lookUp(work, finding);
  if (place.refused) return place;
  const kept = await keep(work, work.findings, finding);
  if (typeof kept !== "number") return kept;
  return taken(
    [
      `Finding ${kept} is kept. It is part of the result that you submit; do not repeat it there.`,
      place.text,
      `A result without findings of its own refers to it by the number ${kept}.`,
    ]
      .filter((line) => line !== "")
      .join("\n"),
  );
}

async function askClarification(work: Work, given: unknown): Promise<Answer> {
  const held = await findHindrance(work, "question", given, MAX_PART_BYTES);
  if (held !== null) return held;
  const clean = redactValue(given ?? {}, work.redact);
  const problems = describeProblems(proposedClarificationSchema, clean);
  if (problems.length > 0) return refuse(listProblems("The question is not taken. Mend this and ask again:", problems));
  const kept = await keep(work, work.questions, clean);
  if (typeof kept !== "number") return kept;
  return taken(`Question ${kept} is kept for the person who reads the report. Nobody answers now: go on without, and submit your result.`);
}

async function submitResult(work: Work, given: unknown): Promise<Answer> {
  const { app, door, order } = work;
  const held = await findHindrance(work, "result", given, MAX_RESULT_BYTES);
  if (held !== null) return held;
  const clean = redactValue(given ?? {}, work.redact) as Record<string, unknown>;
  const problems = [...foreignProblems(order, given), ...resultProblems(work, clean)];
  if (problems.length > 0) return refuse(listProblems("The result is not taken. Mend this and submit it again:", problems));
  const before = isJoined(order) ? await loadDelivered(app, door) : { findings: [], questions: [] };
  const { result, left } = joinResult(clean, before);
  const text = `${JSON.stringify(result)}\n`;
  const bytes = sizeOf(text);
  if (left > 0 || bytes > MAX_RESULT_BYTES)
    return refuse(
      `The result is not taken: with what submit_finding and ask_clarification were given before it has ${left > 0 ? `${left} findings or questions too many (at most ${MAX_FINDINGS} and ${MAX_QUESTIONS})` : `${bytes} bytes (at most ${MAX_RESULT_BYTES})`}.`,
    );
  if (!(await app.store.createText(submittedPath(door), text))) return STANDS;
  const counts = ["findings", "clarifications", "votes"].flatMap((name) =>
    Array.isArray(result[name]) ? `${name}: ${result[name].length}` : [],
  );
  return taken(`The result is taken and stands${counts.length > 0 ? ` (${counts.join(", ")})` : ""}. Nothing more is to be done.`);
}

/** Why nothing of this kind can be taken now, or this much not at all; null when it can. */
async function findHindrance({ app, door }: Work, what: string, given: unknown, maxBytes: number): Promise<Answer | null> {
  const facts = await app.files.inspectOwn(door);
  if (facts?.type !== "directory") return refuse("The lane has ended; nothing more is taken.");
  if (await app.store.exists(submittedPath(door))) return STANDS;
  const excess = describeExcess(given, maxBytes);
  return excess === null ? null : refuse(`The ${what} is not taken: ${excess}.`);
}

/** What makes a result another lane's. The words do not say what would be right. */
function foreignProblems(order: LaneOrder, given: unknown): readonly string[] {
  const { nonce, runId } = (given ?? {}) as { nonce?: unknown; runId?: unknown };
  return [
    ...(nonce === order.nonce ? [] : ["nonce: it is not this lane's; copy the one in the brief (read_brief) word for word"]),
    ...(runId === undefined || runId === order.runId ? [] : ["runId: it names another run; leave it out"]),
  ];
}

function resultProblems(work: Work, clean: Record<string, unknown>): readonly string[] {
  const { phase, role } = work.order;
  const { findings, clarifications } = clean;
  const shape = describeProblems(laneResultSchema(phase, role), clean);
  const questions = role === "review" && clarifications !== undefined ? describeProblems(questionListSchema, { clarifications }) : [];
  const paths = isJoined(work.order) && Array.isArray(findings) ? pathProblems(work, findings, (at) => `findings[${at}].file`) : [];
  return [...shape, ...questions.filter((each) => !shape.includes(each)), ...paths];
}

/** Paths that cannot be in the worktree (case 10). */
function pathProblems({ order }: Work, findings: readonly unknown[], nameOf: (at: number) => string): readonly string[] {
  return findings.flatMap((finding, at) => {
    const file = (finding as { file?: unknown } | null)?.file;
    const problem = typeof file === "string" ? describePathProblem(file, order.worktree) : null;
    return problem === null ? [] : [`${nameOf(at)}: ${problem}`];
  });
}

/** Looks the quote up in the worktree. Only what is there and leads out of it is refused; everything else is told. */
async function lookUp({ app, order }: Work, { file, quote, startLine }: Finding): Promise<Answer> {
  if (file === undefined)
    return taken(quote === undefined ? "" : "Warning: it has a quote and no file, so the quote cannot be looked up there.");
  const name = neutralise(file);
  const text = await app.readTreeFile(order.worktree, file);
  if (text === null) {
    const isThere = await app.store.exists(`${order.worktree}/${file}`).catch(() => true);
    if (!isThere) return taken(`Warning: there is no file ${name} in the worktree.`);
    return refuse(`The finding is not taken:\n- file: ${name} is no regular file inside the worktree, or has over 16 MiB; name another`);
  }
  if (quote === undefined) return taken(`Warning: without a quote from ${name} it counts for less.`);
  const { grounded, startLine: from, endLine: to } = groundFinding({ quote, startLine }, text);
  if (!grounded) return taken(`Warning: the quote is not in ${name}. Copied letter by letter from the file it would count for more.`);
  return taken(`The quote is in ${name}, ${from === to ? `line ${from}` : `lines ${from} to ${to}`}.`);
}

/** Writes a finding or question under the next free number, which no other server of the lane then has. */
async function keep(work: Work, parts: Parts, value: unknown): Promise<number | Answer> {
  const key = canonicalJson(value);
  const known = parts.known.get(key);
  if (known !== undefined) return taken(`That is ${parts.kind} ${known} already; it is kept once.`);
  const text = `${JSON.stringify(value)}\n`;
  const bytes = sizeOf(text);
  if (bytes > MAX_PART_BYTES || work.bytes + bytes > MAX_RESULT_BYTES)
    return refuse(`The ${parts.kind} is not taken: with it there would be over ${MAX_RESULT_BYTES} bytes. Submit the result.`);
  while (parts.next <= parts.most) {
    const number = parts.next;
    parts.next += 1;
    if (!(await work.app.store.createText(partPath(work.door, parts.kind, number), text))) continue;
    parts.known.set(key, number);
    work.bytes += bytes;
    return number;
  }
  return refuse(`The ${parts.kind} is not taken: there are ${parts.most}, and more are not taken. Submit the result.`);
}

function describeFailure(error: unknown): string {
  if (error instanceof OkstraError) return `${error.code}: ${error.message}`;
  return `OKSTRA_INTERNAL: ${error instanceof Error ? error.message : String(error)}`.split("\n")[0] ?? "";
}

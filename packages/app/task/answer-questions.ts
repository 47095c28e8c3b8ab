import { createRedactor } from "@okstra/core/domain/redaction";
import { canonicalJson, type Clarification } from "@okstra/core/domain/task-context";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { loadSecrets } from "../run/secrets.ts";
import { loadTask, requireKnown } from "./load-task.ts";
import { changeTask, type TaskRequest } from "./open-task.ts";

export interface GivenAnswer {
  /** Q1, Q2 … */
  readonly id: string;
  readonly text: string;
  /** What the person looked at, as {@link hashQuestion} has it; absent: whatever the question is now. */
  readonly expected?: string;
}

/** A question as a person sees it: its id, its words, and the answer that it has, if any. */
export function hashQuestion(app: Pick<App, "sha256">, { id, question, answer }: Clarification): string {
  return app.sha256(canonicalJson(answer === null ? { id, question } : { id, question, answer }));
}

/**
 * Answers questions of a task, all of them or none; the next run gets them. An answer to an answered question replaces it.
 * @returns the whole table
 * @throws OKSTRA_CLARIFICATION_UNKNOWN with the ids that are known, OKSTRA_DASHBOARD_CHANGED, OKSTRA_USAGE, OKSTRA_TASK_BUSY
 */
export async function answerQuestions(
  app: App,
  request: TaskRequest & { readonly answers: readonly GivenAnswer[]; readonly by: string },
): Promise<readonly Clarification[]> {
  requireDistinct(request.answers);
  return changeTask(app, request, "an answer", async (facts) => {
    const { clarifications, root, worktree, log, taskKey } = requireKnown(facts);
    const unknown = request.answers.filter(({ id }) => !clarifications.some((row) => row.id === id)).map(({ id }) => id);
    if (unknown.length > 0) {
      const known = clarifications.map(({ id }) => id);
      throw new OkstraError("OKSTRA_CLARIFICATION_UNKNOWN", {
        message: `${taskKey} has no question ${unknown.map((id) => JSON.stringify(id)).join(", ")}; ${known.length === 0 ? "it has none" : `known: ${known.join(", ")}`}.`,
        details: { taskKey, unknown, known },
      });
    }
    requireUnchanged(app, taskKey, clarifications, request.answers);
    const redact = createRedactor(await loadSecrets(app, [root, ...(worktree === null ? [] : [worktree])]));
    await log.append(
      request.answers.flatMap(({ id, text }) => {
        const row = clarifications.find((each) => each.id === id);
        return row === undefined ? [] : [{ type: "answered" as const, id, question: row.question, text: redact(text), by: request.by }];
      }),
    );
    return (await loadTask(app, facts)).clarifications;
  });
}

/** @throws OKSTRA_DASHBOARD_CHANGED */
function requireUnchanged(app: App, taskKey: string, rows: readonly Clarification[], answers: readonly GivenAnswer[]): void {
  const changed = answers.filter(({ id, expected }) =>
    rows.some((row) => row.id === id && expected !== undefined && hashQuestion(app, row) !== expected),
  );
  if (changed.length === 0) return;
  const ids = changed.map(({ id }) => id);
  throw new OkstraError("OKSTRA_DASHBOARD_CHANGED", {
    message: `${ids.join(", ")} of ${taskKey} ${ids.length === 1 ? "is" : "are"} asked in other words now, or answered meanwhile.`,
    details: { taskKey, changed: ids },
  });
}

/** @throws OKSTRA_USAGE */
function requireDistinct(answers: readonly GivenAnswer[]): void {
  const empty = answers.find(({ text }) => text.trim() === "");
  if (empty !== undefined) throw new OkstraError("OKSTRA_USAGE", { message: `The answer to ${empty.id} is empty.` });
  const twice = answers.find(({ id }, at) => answers.findIndex((each) => each.id === id) !== at);
  if (twice !== undefined) throw new OkstraError("OKSTRA_USAGE", { message: `${twice.id} is answered twice.` });
}

/** Answers as a person writes them: a JSON object, or lines `ID=TEXT`; empty lines say nothing. @throws OKSTRA_USAGE */
export function parseAnswers(text: string): readonly GivenAnswer[] {
  if (!text.trimStart().startsWith("{"))
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map(parseAnswer);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new OkstraError("OKSTRA_USAGE", { message: "The file of answers is not valid JSON.", cause });
  }
  return Object.entries(data as Record<string, unknown>).map(([id, answer]) => {
    if (typeof answer !== "string") throw new OkstraError("OKSTRA_USAGE", { message: `The answer to ${id} is no text.` });
    return { id: id.trim().toUpperCase(), text: answer };
  });
}

/** One answer as `ID=TEXT`. @throws OKSTRA_USAGE */
export function parseAnswer(word: string): GivenAnswer {
  const at = word.indexOf("=");
  if (at <= 0) throw new OkstraError("OKSTRA_USAGE", { message: `"${word.slice(0, 80)}" is not ID=TEXT; say for example Q1="yes".` });
  return { id: word.slice(0, at).trim().toUpperCase(), text: word.slice(at + 1).trim() };
}

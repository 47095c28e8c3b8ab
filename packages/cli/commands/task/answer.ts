import { resolve } from "node:path";
import type { App } from "@okstra/app/app";
import { answerQuestions, parseAnswer, parseAnswers, type GivenAnswer } from "@okstra/app/task/answer-questions";
import { openTask } from "@okstra/app/task/open-task";
import { personOf } from "@okstra/app/task/person";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { describeQuestions } from "./show-task.ts";

const MAX_ANSWERS_BYTES = 1024 * 1024;

export async function run(
  context: CliContext,
  flags: { readonly file?: string; readonly projectRoot?: string },
  ...words: readonly string[]
): Promise<void> {
  const [task = "", ...given] = words;
  const named = given.map(parseAnswer);
  const app = await context.openApp();
  const answers = [...named, ...(flags.file === undefined ? [] : await loadAnswers(app, flags.file))];
  const request = { task, dir: resolveDirectory(app, flags.projectRoot) };
  const asked = given.length > 0 || flags.file !== undefined;
  const { taskKey, clarifications: known } = await openTask(app, request);
  const clarifications = asked ? await answerQuestions(app, { ...request, answers, by: personOf(app) }) : known;
  context.ui.answer({ taskKey, clarifications }, describeQuestions(clarifications).join("\n"));
}

/** @throws OKSTRA_USAGE */
async function loadAnswers(app: App, file: string): Promise<readonly GivenAnswer[]> {
  const path = resolve(app.surroundings.cwd, file);
  const text = await app.store.readText(path, { maxBytes: MAX_ANSWERS_BYTES });
  if (text === null) throw new OkstraError("OKSTRA_USAGE", { message: `The file of answers ${path} does not exist.`, details: { path } });
  return parseAnswers(text);
}

import { isCancel, select, text } from "@clack/prompts";
import type { App } from "@okstra/app/app";
import { cancelHandoff, chooseHandoff, offerHandoff, planHandoff, type HandoffRequest, type PlanAnswer } from "@okstra/app/handoff/handoff";
import type { HandoffChoices } from "@okstra/app/handoff/make-plan";
import type { HandoffAction, HandoffAnswer } from "@okstra/core/domain/handoff";
import { neutralise, neutraliseBlock } from "@okstra/core/report/neutral-text";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";
import { statusOf } from "../run/show-run.ts";
import { describeOutcome, describePreview } from "./show-handoff.ts";

interface Asking {
  readonly request: HandoffRequest;
  readonly by: string;
  /** What flags preset. */
  readonly choices: HandoffChoices;
}

const OTHER = "\u0000other";

/**
 * The three questions at a terminal. What is preselected does nothing, so that somebody who only presses a key, or a
 * program that answers yes to everything, hands nothing off.
 */
export async function askHandoff(context: CliContext, app: App, { request, by, choices }: Asking): Promise<number> {
  const io = { ...requireTerminal(context), signal: context.interrupted };
  const offer = await offerHandoff(app, { ...request, remote: choices.remote, pushUrl: choices.pushUrl });
  const answers: HandoffAnswer[] = [];
  const answer = (question: HandoffAnswer["question"], word: string): void => void answers.push({ question, text: word, how: "terminal" });
  const cancel = async (): Promise<number> => {
    const done = await cancelHandoff(app, request, { answers, by, remote: offer.remote });
    context.ui.answer(done, describeOutcome(done));
    return statusOf(done);
  };

  const action = await select<HandoffAction>({
    ...io,
    message: `H1  What is to happen with ${neutralise(offer.facts.branch)} at ${offer.facts.task.head.slice(0, 12)}?`,
    initialValue: "skip",
    options: [
      { value: "commit", label: "commit only", hint: "nothing is pushed" },
      { value: "pr", label: "commit + pull request", hint: neutralise(offer.remote?.pushUrl ?? "there is no remote") },
      { value: "skip", label: "skip" },
    ],
  });
  if (isCancel(action)) return nothingChosen(context);
  answer("H1", action);
  const rest: HandoffChoices = { ...choices, action };
  if (action === "skip")
    return choose(context, app, { request, by, plan: await planHandoff(app, request, { ...rest, base: null }, { answers, by }) }, []);

  const base = choices.base ?? (await askBase(io, offer.candidates));
  if (base === null) return cancel();
  answer("H2", base);
  let given: HandoffChoices = { ...rest, base };
  for (let asked = 0; ; asked += 1) {
    const plan = await planHandoff(app, request, given, {
      answers: asked === 0 ? answers : [{ question: "H3", text: "edit", how: "terminal" }],
      by,
    });
    context.ui.preview(describePreview(plan.plan));
    const word = await select<"as-is" | "edit" | "cancel">({
      ...io,
      message: "H3  Title and body as they are?",
      initialValue: "cancel",
      options: [
        { value: "as-is", label: "as is", hint: action === "pr" ? "push now" : "write it down" },
        { value: "edit", label: "edit", hint: "in $EDITOR, then look again" },
        { value: "cancel", label: "cancel", hint: "nothing happens" },
      ],
    });
    if (isCancel(word) || word === "cancel") {
      answers.splice(0, answers.length);
      answer("H3", "cancel");
      return cancel();
    }
    if (word === "as-is") return choose(context, app, { request, by, plan }, [{ question: "H3", text: word, how: "terminal" }]);
    given = { ...given, message: await editMessage(app, plan) };
  }
}

function requireTerminal({ streams: { terminal } }: CliContext): NonNullable<CliContext["streams"]["terminal"]> {
  if (terminal !== null) return terminal;
  throw new OkstraError("OKSTRA_HANDOFF_NO_CHOICE", { message: "There is no terminal to ask at." });
}

function nothingChosen(context: CliContext): number {
  context.ui.answer({ state: "nothing-chosen" }, "nothing was chosen, and nothing happened");
  return EXIT_GATE_HOLDS;
}

async function askBase(
  io: Parameters<typeof text>[0] extends infer O ? Omit<O, "message"> : never,
  candidates: readonly string[],
): Promise<string | null> {
  const options = [
    ...candidates.slice(0, 30).map((value) => ({ value, label: neutralise(value) })),
    { value: OTHER, label: "another branch", hint: "type its name" },
  ];
  const picked = await select<string>({ ...io, message: "H2  Which branch is it to go into?", options });
  if (isCancel(picked)) return null;
  if (picked !== OTHER) return picked;
  const typed = await text({
    ...io,
    message: "H2  Name of the branch",
    validate: (value) => (value?.trim() ? undefined : "A name is needed."),
  });
  return isCancel(typed) ? null : typed.trim();
}

async function choose(
  context: CliContext,
  app: App,
  { request, by, plan }: { request: HandoffRequest; by: string; plan: PlanAnswer },
  answers: readonly HandoffAnswer[],
): Promise<number> {
  const done = await chooseHandoff(app, request, { hash: plan.hash, how: "terminal", by, answers });
  context.ui.answer(done, describeOutcome(done));
  return statusOf(done);
}

/** Title and body in the person's editor, as a file whose first line is the title. */
async function editMessage(app: App, { plan, runDir }: PlanAnswer): Promise<string> {
  const path = `${runDir}/message.txt`;
  await app.store.writeText(path, neutraliseBlock(`${plan.title}\n\n${plan.body}\n`));
  const { env } = app.surroundings;
  const editor = [env["VISUAL"], env["EDITOR"], "vi"].find((each) => each !== undefined && each.trim() !== "") ?? "vi";
  const passed = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const status = await app.runInherited({ command: ["sh", "-c", `${editor} "$1"`, "okstra-editor", path], cwd: runDir, env: passed });
  const edited = await app.store.readText(path, { maxBytes: 64 * 1024 });
  await app.store.remove(path);
  if (status === 0 && edited !== null) return edited;
  throw new OkstraError("OKSTRA_HANDOFF_MESSAGE_INVALID", {
    message: `The editor ended with status ${status}; nothing was chosen.`,
    details: { editor, status },
  });
}

import { resolve } from "node:path";
import type { App } from "@okstra/app/app";
import { chooseHandoff, continueHandoff, planHandoff, type HandoffRequest } from "@okstra/app/handoff/handoff";
import type { HandoffChoices } from "@okstra/app/handoff/make-plan";
import { parseDuration } from "@okstra/app/run/settings";
import { personOf } from "@okstra/app/task/person";
import type { CommitMode, HandoffAction, HandoffAnswer } from "@okstra/core/domain/handoff";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { statusOf } from "../run/show-run.ts";
import { describeOutcome, describePlan } from "./show-handoff.ts";

interface Flags {
  readonly plan: boolean;
  readonly action?: HandoffAction;
  readonly base?: string;
  readonly message?: string;
  readonly commits?: CommitMode;
  readonly approve?: string;
  readonly template?: string;
  readonly remote?: string;
  readonly pushUrl?: string;
  readonly acceptSecret?: readonly string[];
  readonly follow: boolean;
  readonly deadline?: string;
  readonly lang?: "en" | "ko";
  readonly projectRoot?: string;
}

const CHOICES = ["action", "base", "message", "commits", "template", "remote", "pushUrl", "acceptSecret"] as const;

export async function run(context: CliContext, flags: Flags, task: string): Promise<number> {
  requireOneMode(flags);
  const deadlineMs = flags.deadline === undefined ? null : parseDuration(flags.deadline);
  const app = await context.openApp();
  const request: HandoffRequest = {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    lang: flags.lang ?? null,
    deadlineMs,
    signal: context.interrupted,
  };
  if (flags.follow) return (await import("./follow.ts")).follow(context, app, request);
  const by = personOf(app);
  if (flags.plan) {
    const { choices, answers } = await readChoices(context, app, flags);
    const made = await planHandoff(app, request, choices, { answers, by });
    context.ui.answer(made, describePlan(made));
    return 0;
  }
  if (flags.approve !== undefined) {
    const done = await chooseHandoff(app, request, { hash: flags.approve.trim(), how: "hash", by, answers: [] });
    context.ui.answer(done, describeOutcome(done));
    return statusOf(done);
  }
  const begun = await continueHandoff(app, request);
  if (begun !== null) {
    context.ui.answer(begun, describeOutcome(begun));
    return statusOf(begun);
  }
  if (context.streams.terminal === null) throw noChoice(task);
  const { askHandoff } = await import("./ask.ts");
  return askHandoff(context, app, { request, by, choices: await presets(context, app, flags) });
}

function requireOneMode(flags: Flags): void {
  const modes = [flags.plan ? "--plan" : null, flags.approve === undefined ? null : "--approve", flags.follow ? "--follow" : null].filter(
    (mode) => mode !== null,
  );
  const given = CHOICES.filter((name) => flags[name] !== undefined);
  if (modes.length > 1) throw new OkstraError("OKSTRA_USAGE", { message: `${modes.join(" and ")} exclude each other.` });
  if (given.length > 0 && (flags.approve !== undefined || flags.follow))
    throw new OkstraError("OKSTRA_USAGE", {
      message: `${given.map(flagName).join(", ")}: what an approved plan says stands in the plan; choices belong to --plan.`,
    });
  if (flags.plan && flags.action === undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: "--plan needs --action commit, pr or skip." });
  if (!flags.plan && flags.action !== undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: "--action is a choice that needs a plan: say --plan, then approve the hash." });
}

function flagName(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function noChoice(task: string): OkstraError {
  return new OkstraError("OKSTRA_HANDOFF_NO_CHOICE", {
    message: "Nothing was handed off: there is no terminal to ask at, and no hash of a plan was given.",
    hint: `Plan it: okstra handoff ${task} --plan --action pr --base <branch>; then: okstra handoff ${task} --approve <hash>`,
    details: { task },
  });
}

/** The choices of the flags, and the answers that they are, word for word. */
async function readChoices(
  context: CliContext,
  app: App,
  flags: Flags,
): Promise<{ choices: HandoffChoices; answers: readonly HandoffAnswer[] }> {
  const preset = await presets(context, app, flags);
  const action = flags.action ?? "skip";
  const answers: HandoffAnswer[] = [{ question: "H1", text: action, how: "flag" }];
  if (flags.base !== undefined) answers.push({ question: "H2", text: flags.base, how: "flag" });
  if (action !== "skip") answers.push({ question: "H3", text: flags.message ?? "as-is", how: "flag" });
  return { choices: { ...preset, action }, answers };
}

async function presets(context: CliContext, app: App, flags: Flags): Promise<HandoffChoices> {
  return {
    action: flags.action ?? "skip",
    base: flags.base ?? null,
    commits: flags.commits ?? "as-is",
    message: flags.message === undefined || flags.message === "as-is" ? null : await readMessage(context, app, flags.message),
    remote: flags.remote ?? null,
    pushUrl: flags.pushUrl ?? null,
    template: flags.template === undefined ? null : resolve(app.surroundings.cwd, flags.template),
    acceptSecrets: [...new Set(flags.acceptSecret ?? [])].sort(),
  };
}

const MAX_MESSAGE_BYTES = 64 * 1024;

async function readMessage(context: CliContext, app: App, source: string): Promise<string> {
  if (source === "-") return context.streams.readStdin(MAX_MESSAGE_BYTES);
  const path = resolve(app.surroundings.cwd, source);
  const text = await app.store.readText(path, { maxBytes: MAX_MESSAGE_BYTES }).catch((cause: unknown) => {
    throw new OkstraError("OKSTRA_HANDOFF_MESSAGE_INVALID", { message: `The message ${path} cannot be read.`, details: { path }, cause });
  });
  if (text !== null) return text;
  throw new OkstraError("OKSTRA_HANDOFF_MESSAGE_INVALID", { message: `The message ${path} does not exist.`, details: { path } });
}

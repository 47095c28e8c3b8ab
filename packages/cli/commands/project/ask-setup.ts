import type { Readable, Writable } from "node:stream";
import { confirm, isCancel, multiselect, select, text } from "@clack/prompts";
import type { App } from "@okstra/app/app";
import type { SetupFacts } from "@okstra/app/project/find-setup";
import { chosenWorkers, previewSetup, type SetupChoices, type SetupRequest } from "@okstra/app/project/setup";
import { tryCommands, type TriedCommand } from "@okstra/app/project/try-commands";
import type { QaCommand } from "@okstra/core/domain/project";
import { addCommands, nameCommand, parseNamedCommand, requirePattern } from "@okstra/core/domain/setup";
import { OkstraError } from "@okstra/core/errors";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { describeFiles, describeTry } from "./show-setup.ts";

interface Io {
  readonly input: Readable;
  readonly output: Writable;
  readonly signal: AbortSignal;
}

interface Asking {
  readonly io: Io;
  readonly facts: SetupFacts;
  readonly request: Omit<SetupRequest, "choices">;
  /** What flags said already; it is not asked again. */
  readonly choices: SetupChoices;
  readonly flags: { readonly tryQa: boolean };
}

export interface AskedSetup {
  readonly choices: SetupChoices;
  readonly tried: readonly TriedCommand[] | null;
}

/** Somebody went away from a question. */
class Cancelled extends Error {}

/** The questions, a preview, and the last word; null when somebody cancelled, and nothing was written by then. */
export async function askSetup(context: CliContext, app: App, asking: Asking): Promise<AskedSetup | null> {
  try {
    return await askAll(context, app, asking);
  } catch (error) {
    if (error instanceof Cancelled) return null;
    throw error;
  }
}

async function askAll(context: CliContext, app: App, asking: Asking): Promise<AskedSetup | null> {
  const { io, facts, request, choices: given } = asking;
  const inGit = facts.place.location !== null;
  let choices = given;
  const plan = () => previewSetup(app, { ...request, choices });

  if (given.projectId === null) {
    const projectId = await askProjectId(io, facts);
    choices = { ...choices, projectId };
    // An id that is taken is told before anything else is asked.
    await plan();
  }
  choices = { ...choices, lang: given.lang ?? (await askLanguage(io, facts)) };
  choices = { ...choices, qaCommands: given.qaCommands ?? (await askChecks(io, facts)) };
  const { qa, root } = await plan();
  const wantsTry = qa.length > 0 && (asking.flags.tryQa || (await askTry(io, qa.length)));
  const tried = wantsTry ? await tryCommands(app, root, qa, context.interrupted) : null;
  if (tried !== null) context.ui.preview(qa.flatMap((check, index) => describeTry(check, tried[index])));
  if (inGit) {
    choices = { ...choices, syncDirs: given.syncDirs ?? (await askSync(app, io, facts)) };
    choices = { ...choices, copy: given.copy.length > 0 ? given.copy : await askCopy(io, facts) };
  }
  choices = { ...choices, workers: given.workers ?? (await askWorkers(io, facts)) };

  const last = await plan();
  const { files, notes } = last;
  if (files.length === 0) return { choices, tried };
  context.ui.preview([...describeFiles(files), ...notes.map((note) => `note: ${note}`)]);
  const written = answered(await confirm({ ...io, message: "Write this?", initialValue: true }));
  return written ? { choices, tried } : null;
}

/** @throws Cancelled */
function answered<T>(value: T): Exclude<T, symbol> {
  if (isCancel(value)) throw new Cancelled();
  return value as Exclude<T, symbol>;
}

async function askProjectId(io: Io, { place }: SetupFacts): Promise<string> {
  const validate = (value: string | undefined) => (value?.trim() ? undefined : "An id is needed.");
  return answered(
    await text({ ...io, message: "Project id: the first part of every task's name", initialValue: place.project.projectId, validate }),
  ).trim();
}

/** @returns null when it is what holds already */
async function askLanguage(io: Io, { place, home }: SetupFacts): Promise<"en" | "ko" | null> {
  const now = place.project.lang ?? home.lang ?? "en";
  const lang = answered(
    await select<"en" | "ko">({
      ...io,
      message: "Language of reports",
      initialValue: now,
      options: [
        { value: "en", label: "English" },
        { value: "ko", label: "한국어" },
      ],
    }),
  );
  return lang === now ? null : lang;
}

/** @returns null when the answer is what would be run anyway, so that what is found goes on being found */
async function askChecks(io: Io, { place, found, suggested }: SetupFacts): Promise<readonly QaCommand[] | null> {
  const now: readonly QaCommand[] = place.project.qaCommands ?? found;
  const others = [...found, ...suggested].filter(({ name }) => now.every((each) => nameCommand(each).name !== name));
  const all = [...now, ...others];
  const options = all.map((each, value) => {
    const { name, command } = nameCommand(each);
    return { value, label: name === command ? neutralise(name) : `${neutralise(name)}: ${neutralise(command)}` };
  });
  const places =
    options.length === 0
      ? []
      : answered(
          await multiselect<number>({
            ...io,
            message: "Checks that tell whether the code is good",
            options,
            initialValues: [...now.keys()],
            required: false,
          }),
        );
  const picked = all.filter((_, index) => places.includes(index));
  const own = await askOwn(
    io,
    `${options.length === 0 ? "No check was found. One of your own" : "Another check"}, as NAME=COMMAND (empty: none)`,
    parseNamedCommand,
  );
  const chosen = own === "" ? picked : addCommands(picked, [parseNamedCommand(own)]);
  const isAsNow = chosen.length === now.length && now.every((each) => chosen.includes(each));
  return isAsNow ? null : chosen;
}

/** A text that may be empty; what `read` refuses is asked again. */
async function askOwn(io: Io, message: string, read: (value: string) => unknown, initialValue = ""): Promise<string> {
  const validate = (value: string | undefined): string | undefined => {
    try {
      if ((value ?? "").trim() !== "") read((value ?? "").trim());
      return undefined;
    } catch (error) {
      if (error instanceof OkstraError) return neutralise(error.message);
      throw error;
    }
  };
  return (answered(await text({ ...io, message, initialValue, validate })) ?? "").trim();
}

async function askTry(io: Io, count: number): Promise<boolean> {
  const message = count === 1 ? "Try it now, here?" : `Try the ${count} checks now, here?`;
  return answered(await confirm({ ...io, message, initialValue: true }));
}

/** @returns null when it is what holds already */
async function askSync(app: App, io: Io, { place, sync }: SetupFacts): Promise<readonly string[] | null> {
  for (;;) {
    const typed = await askOwn(
      io,
      "Directories of the main worktree to link into each task's own, separated by commas",
      () => undefined,
      sync.join(","),
    );
    const names = splitCommas(typed);
    const { notes } = await app.files.linkSources(place.root, names);
    if (notes.length === 0) return names.join("\n") === sync.join("\n") ? null : names;
    io.output.write(`${notes.map(neutralise).join("\n")}\n`);
  }
}

/** Files with settings are offered and never taken by themselves: they may hold secrets. */
async function askCopy(io: Io, { copy, copySuggested }: SetupFacts): Promise<readonly string[]> {
  const picked =
    copySuggested.length === 0
      ? []
      : answered(
          await multiselect<string>({
            ...io,
            message: "Ignored files to copy into each task's worktree; they may hold secrets",
            options: copySuggested.map((value) => ({ value, label: neutralise(value) })),
            required: false,
          }),
        );
  const now = copy.length === 0 ? "" : ` beside ${neutralise(copy.join(", "))}`;
  const typed = await askOwn(io, `Patterns of other ignored files to copy${now}, separated by commas (empty: none)`, (value) =>
    splitCommas(value).map(requirePattern),
  );
  return [...picked, ...splitCommas(typed)];
}

function splitCommas(value: string): readonly string[] {
  return [
    ...new Set(
      value
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    ),
  ];
}

/** @returns null when it is what holds already */
async function askWorkers(io: Io, { place, home, workers, known }: SetupFacts): Promise<readonly string[] | null> {
  const roster = place.project.roster ?? home.roster ?? null;
  const chosen = [...chosenWorkers(roster ?? {})].filter((name) => known.get(name)?.config.kind !== "checks");
  const offered = [...new Set([...chosen, ...workers.map(({ name }) => name)])];
  if (offered.length === 0) return null;
  const initialValues = roster !== null || place.setUp ? chosen : oneOfEachFamily(workers);
  const picked = answered(
    await multiselect<string>({
      ...io,
      message: "Workers of every phase, beside the checks; each needs an account of its own, and may cost money",
      options: offered.map((value) => {
        const path = workers.find(({ name }) => name === value)?.path ?? null;
        return { value, label: neutralise(value), hint: path === null ? "its program is not there" : neutralise(path) };
      }),
      initialValues,
      required: false,
    }),
  );
  const isAsNow = picked.length === chosen.length && picked.every((name) => chosen.includes(name));
  if (isAsNow) return null;
  return picked.length === 0 ? ["checks"] : picked;
}

/** Two of the same family say the same thing twice. */
function oneOfEachFamily(workers: SetupFacts["workers"]): string[] {
  const seen = new Set<string>();
  return workers.filter(({ family }) => family === null || (!seen.has(family) && seen.add(family).size > 0)).map(({ name }) => name);
}

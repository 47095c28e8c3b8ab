import type { JournalOf } from "@okstra/core/journal-port";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { Index } from "../command.ts";
import { describeRoutes, type FlagNote, type RouteNote } from "../help/describe-routes.ts";
import { loadValues, type Files, type Sources, type Values } from "./value-sources.ts";

export interface Candidate {
  readonly value: string;
  readonly brief: string;
}

export interface Candidates {
  readonly files: Files;
  readonly candidates: readonly Candidate[];
}

/** So many are shown at most; whoever has more types a letter. */
const MOST_CANDIDATES = 500;
/**
 * A shell is given only what every shell takes as one plain word: no quote, space, `$`, `;`, `~`, `#` or control character,
 * and nothing that begins like a flag. Anything else that somebody named is left out.
 */
const PLAIN = /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.,/@-]*$/u;
const NOTHING = { files: "none", candidates: [], onlyFlags: false } as const;
const HELP: Candidate = { value: "--help", brief: "Say what it does and how it is called" };

/**
 * What `okstra __complete --partial=WORD -- WORDS…` prints: on the first line what the shell completes itself (`none`,
 * `files`, `directories`), then a candidate a line: the whole word, a tab, and what it is. Whatever goes wrong is no candidate.
 * @param argv after `__complete`
 */
export async function answerCompletion(
  argv: readonly string[],
  { routes, openIndex }: { readonly routes: unknown; readonly openIndex: () => Promise<Index> },
): Promise<string> {
  try {
    const [first = "", , ...words] = argv;
    const partial = first.startsWith("--partial=") ? first.slice("--partial=".length) : "";
    const { files, candidates } = complete(describeRoutes(routes), words, partial, await openIndex());
    return [files, ...candidates.map(({ value, brief }) => `${value}\t${neutralise(brief)}`)].map((line) => `${line}\n`).join("");
  } catch {
    return "none\n";
  }
}

/**
 * @param words whole words between `okstra` and the one that is being typed
 * @param partial what has been typed of the last word
 */
export function complete(root: RouteNote, words: readonly string[], partial: string, index: Index): Candidates {
  const asksForHelp = words[0] === "help";
  const at = findRoute(root, asksForHelp ? words.slice(1) : words);
  if (at === null) return NOTHING;
  const typed = readWords(at.command, at.rest);
  const sources = openSources(typed, index);
  const below = at.map === null ? [] : at.map.routes.map((route) => ({ value: route.path.at(-1) ?? "", brief: route.brief }));
  if (asksForHelp) return { files: "none", candidates: pick(below, partial) };
  const own = completeWord(at.command, typed, partial, sources);
  const values = below.length > 0 && own.onlyFlags && !partial.startsWith("-") ? [] : own.candidates;
  return { files: own.files, candidates: pick([...below, ...values], partial) };
}

interface Place {
  /** The map that the words end in; null when they name a command. */
  readonly map: RouteNote | null;
  readonly command: RouteNote;
  readonly rest: readonly string[];
}

/** Follows the words as far as they name commands; null when one is none. */
function findRoute(root: RouteNote, words: readonly string[]): Place | null {
  let at = root;
  for (const [place, word] of words.entries()) {
    if (at.routes.length === 0) return { map: null, command: at, rest: words.slice(place) };
    const next = at.routes.find(({ path }) => path.at(-1) === word);
    const fallback = at.routes.find(({ path }) => path.at(-1) === at.defaultRoute);
    if (next === undefined) return fallback === undefined ? null : { map: null, command: fallback, rest: words.slice(place) };
    at = next;
  }
  if (at.routes.length === 0) return { map: null, command: at, rest: [] };
  // A map is completed like its default command; without one it has no flags and no arguments.
  return { map: at, command: at.routes.find(({ path }) => path.at(-1) === at.defaultRoute) ?? at, rest: [] };
}

interface Typed {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly arguments: number;
  /** The flag whose value comes next. */
  readonly open: FlagNote | null;
  /** After `--` there are only arguments. */
  readonly escaped: boolean;
}

function readWords(command: RouteNote, words: readonly string[]): Typed {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  let count = 0;
  let open: FlagNote | null = null;
  let escaped = false;
  for (const word of words) {
    const isFlag: boolean = !escaped && /^-./.test(word);
    if (open !== null && !(open.mayBeEmpty && isFlag)) {
      values.set(open.name, word);
      open = null;
    } else if (word === "--" && !escaped) escaped = true;
    else if (isFlag) {
      const flag = findFlag(command, word);
      const value = /^--[^=]+=(.*)$/su.exec(word)?.[1];
      open = null;
      if (flag === null) continue;
      flags.add(flag.name);
      if (value !== undefined) values.set(flag.name, value);
      else if (flag.placeholder !== null) open = flag;
    } else count += 1;
  }
  return { flags, values, arguments: count, open, escaped };
}

function findFlag(command: RouteNote, word: string): FlagNote | null {
  const name = /^--([^=]+)/u.exec(word)?.[1];
  const letter = name === undefined ? word.at(-1) : undefined;
  return command.flags.find((flag) => (name === undefined ? flag.alias === letter : flag.name === name)) ?? null;
}

interface Found extends Candidates {
  /** Nothing but flags can be said here. */
  readonly onlyFlags: boolean;
}

/** @returns candidates that may begin otherwise than the word */
function completeWord(command: RouteNote, typed: Typed, partial: string, sources: Sources): Found {
  const asFlag = !typed.escaped && partial.startsWith("-");
  if (typed.open !== null && !(typed.open.mayBeEmpty && asFlag)) return completeValue(typed.open, partial, "", sources);
  const assigned = asFlag ? /^(--[^=]+=)(.*)$/su.exec(partial) : null;
  if (assigned !== null) {
    const flag = findFlag(command, partial);
    return flag === null ? NOTHING : completeValue(flag, assigned[2] ?? "", assigned[1] ?? "", sources);
  }
  const left = command.flags.filter((flag) => flag.repeats || !typed.flags.has(flag.name));
  const flags = [...left.map(({ name, brief }) => ({ value: `--${name}`, brief })), HELP];
  if (asFlag) {
    const letters = left.flatMap(({ alias, brief }) => (alias === null ? [] : [{ value: `-${alias}`, brief }]));
    return { files: "none", candidates: [...flags, ...letters], onlyFlags: true };
  }
  const argument = findArgument(command, typed);
  const { files, values }: Values = argument === "" ? { files: "none", values: [] } : loadValues(sources, command.path.join(" "), argument);
  if (files !== "none" || values.length > 0) return { files, candidates: describeValues(values, ""), onlyFlags: false };
  // Nothing can be said here but a flag, or nothing is known of what can.
  return { files: "none", candidates: typed.escaped ? [] : flags, onlyFlags: true };
}

/** What the next argument is called. Of one that is repeated the placeholder may say what the first is and what follows. */
function findArgument(command: RouteNote, typed: Typed): string {
  const { arguments: declared } = command;
  const argument = declared[typed.arguments] ?? (declared.at(-1)?.repeats === true ? declared.at(-1) : undefined);
  if (argument === undefined) return "";
  if (!argument.repeats) return argument.placeholder;
  // A program and its arguments.
  if (typed.escaped) return "FILE";
  const [first = "", ...more] = argument.placeholder.split(" ");
  return more.length === 0 || typed.arguments === 0 ? first : "";
}

/** @param before what stands in the same word before the value: `--lang=` */
function completeValue(flag: FlagNote, partial: string, before: string, sources: Sources): Found {
  const { files, values }: Values =
    flag.values.length > 0 ? { files: "none", values: flag.values } : loadValues(sources, flag.name, flag.placeholder ?? "");
  const isList = flag.separator === "," || flag.placeholder?.includes(",") === true;
  const head = isList ? partial.slice(0, partial.lastIndexOf(",") + 1) : "";
  const said = new Set(head.split(","));
  const left = isList ? values.filter((value) => !said.has(value)) : values;
  return { files, candidates: describeValues(left, `${before}${head}`), onlyFlags: false };
}

/** A shell shows what a value is by itself. */
function describeValues(values: readonly string[], before: string): readonly Candidate[] {
  return safe(values).map((value) => ({ value: `${before}${value}`, brief: "" }));
}

function safe(values: readonly string[]): readonly string[] {
  return values.filter((value) => value.length <= 200 && PLAIN.test(value) && neutralise(value) === value);
}

function pick(candidates: readonly Candidate[], partial: string): readonly Candidate[] {
  const seen = new Set<string>();
  const fitting = candidates.filter(({ value }) => value.startsWith(partial) && value !== "" && !seen.has(value) && seen.add(value));
  return fitting.slice(0, MOST_CANDIDATES);
}

/** What `--project-root`, `--project` and `--all` say counts here as it does for the command. */
function openSources({ flags, values }: Typed, index: Index): Sources {
  const load = (): readonly JournalOf[] => {
    const named = values.get("project");
    if (named !== undefined) return index.journals.list().filter(({ project }) => project === named);
    if (flags.has("all")) return index.journals.list();
    const here = index.findProject(values.get("project-root"));
    return here === null ? [] : [here];
  };
  let projects: readonly JournalOf[] | null = null;
  return { index, projects: () => (projects ??= load()) };
}

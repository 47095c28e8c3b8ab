import { countCells } from "../cells.ts";
import type { FlagNote, RouteNote } from "./describe-routes.ts";
import { EXAMPLES } from "./examples.ts";
import { EXIT_NOTES } from "./exit-notes.ts";
import { GROUPS } from "./groups.ts";

const WIDTH = 80;
const INDENT = "  ";
/** A name that is longer has its text on the next line. */
const MOST_NAME_CELLS = 26;

const WAY_IN: readonly (readonly [string, string])[] = [
  ["okstra setup", "set this repository up, once"],
  ["okstra task new bugs/login --brief ask.md", "say what is asked"],
  ["okstra go bugs/login", "run phase after phase"],
  ["okstra status", "see what waits for you"],
  ["okstra handoff bugs/login", "hand the verified work off"],
];
const MORE: readonly (readonly [string, string])[] = [
  ["okstra <command> --help", "what it does, its flags, examples"],
  ["okstra completion <shell>", "lets your shell complete all of this"],
  ["okstra --version", "which okstra this is"],
  ["docs/en/commands.md", "every flag; docs/kr/commands.md in Korean"],
];
const HELP_ROW = ["-h --help", "Say this"] as const;
const ESCAPE_ROW = ["--", "What follows are arguments, whatever they begin with"] as const;

/** The way in: what `okstra` and `okstra --help` print. */
export function renderOverview(root: RouteNote): string {
  const brief = new Map(root.routes.map((route) => [route.path[0] ?? "", route.brief]));
  const groups = GROUPS.map(({ title, entries }) => ({
    title,
    rows: entries.flatMap(({ name, short }) => {
      const text = short ?? brief.get(name) ?? "";
      return brief.has(name) ? [[name, text] as const] : [];
    }),
  }));
  const grouped = new Set(groups.flatMap(({ rows }) => rows.map(([name]) => name)));
  const rest = [...brief].filter(([name]) => !grouped.has(name));
  const shown = [...groups, { title: "Other", rows: rest }].filter(({ rows }) => rows.length > 0);
  const width = Math.max(...shown.flatMap(({ rows }) => rows.map(([name]) => name.length)));
  return [
    "okstra takes coding tasks through phases, each in its own git worktree, with",
    "workers that check each other and evidence that a program validated.",
    "",
    "THE WAY IN",
    ...renderRows(WAY_IN, 42),
    "",
    "COMMANDS",
    ...shown.flatMap(({ title, rows }) => [title, ...renderRows(rows, width)]),
    "",
    "MORE",
    ...renderRows(MORE),
    "",
  ].join("\n");
}

/**
 * What `okstra <command> --help` prints.
 * @param said the words by which it was asked for, when some of its own may be left out
 */
export function renderCommandHelp(route: RouteNote, said: readonly string[] = route.path): string {
  const name = ["okstra", ...said].join(" ");
  const fallback = route.routes.find(({ path }) => path.at(-1) === route.defaultRoute);
  const usage =
    route.routes.length === 0
      ? renderUsage(name, listUsageParts(route))
      : [...(fallback === undefined ? [] : renderUsage(name, listUsageParts(fallback))), ...renderUsage(name, ["<command> …"])];
  const key = (fallback ?? route).path.join(" ");
  const examples = EXAMPLES[key] ?? [];
  const note = EXIT_NOTES[key];
  return [
    "USAGE",
    ...usage,
    "",
    ...wrap(route.description ?? route.brief, WIDTH),
    ...section("COMMANDS", renderRows(route.routes.map(({ path, brief }) => [path.at(-1) ?? "", brief] as const))),
    ...section("ARGUMENTS", renderRows(route.arguments.map(({ placeholder, brief }) => [placeholder, brief] as const))),
    "",
    "FLAGS",
    ...renderRows([...renderFlagNames(route.flags), HELP_ROW, ...(route.routes.length === 0 ? [ESCAPE_ROW] : [])]),
    ...section(
      "EXAMPLES",
      examples.map((example) => `${INDENT}${example}`),
    ),
    ...section("EXIT STATUS", note === undefined ? [] : [`${INDENT}${note}`]),
    "",
  ].join("\n");
}

/** Flags and arguments as the line of usage has them, each a word that is not broken: `[--lang en|ko]`, `<group/task>`. */
export function listUsageParts(route: RouteNote): readonly string[] {
  const flags = route.flags.map((flag) => {
    const text = flag.placeholder === null ? `--${flag.name}` : `--${flag.name} ${flag.placeholder}`;
    return `${flag.required ? `(${text})` : `[${text}]`}${flag.repeats ? "..." : ""}`;
  });
  const names = route.arguments.map(
    ({ placeholder, required, repeats }) => `${required ? `<${placeholder}>` : `[<${placeholder}>]`}${repeats ? "..." : ""}`,
  );
  return [...flags, ...names];
}

function renderUsage(name: string, parts: readonly string[]): readonly string[] {
  const lines: string[] = [];
  // What continues stands under the first flag, unless too little room is left there.
  const hang = " ".repeat(INDENT.length + (name.length <= 30 ? name.length + 1 : 4));
  let line = `${INDENT}${name}`;
  for (const part of parts) {
    if (countCells(line) + 1 + countCells(part) > WIDTH && line.trim() !== "") {
      lines.push(line);
      line = `${hang}${part}`;
    } else line = `${line} ${part}`;
  }
  return [...lines, line];
}

function renderFlagNames(flags: readonly FlagNote[]): readonly (readonly [string, string])[] {
  const hasAlias = flags.some(({ alias }) => alias !== null);
  return flags.map((flag) => {
    const letter = flag.alias !== null ? `-${flag.alias} ` : hasAlias ? "   " : "";
    const value = flag.placeholder === null ? "" : ` ${flag.placeholder}`;
    const notes = [
      flag.required ? "required" : "",
      flag.repeats && flag.separator === null && !/\b(?:again|more)\b/u.test(flag.brief) ? "may be said again" : "",
      flag.defaultValue === null ? "" : `default: ${flag.defaultValue}`,
    ].filter((note) => note !== "" && !flag.brief.includes(note));
    return [`${letter}--${flag.name}${value}`, notes.length === 0 ? flag.brief : `${flag.brief} (${notes.join("; ")})`] as const;
  });
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

/** Two columns; the second is wrapped under itself. */
function renderRows(rows: readonly (readonly [string, string])[], least = 0): readonly string[] {
  const widths = rows.map(([name]) => countCells(name));
  const width = Math.max(least, ...widths.filter((cells) => cells <= MOST_NAME_CELLS));
  const hang = " ".repeat(INDENT.length + width + 2);
  return rows.flatMap(([name, text]) => {
    const [first = "", ...more] = wrap(text, WIDTH - hang.length);
    const pad = width + 2 - countCells(name);
    const head = pad >= 2 ? [`${INDENT}${name}${" ".repeat(pad)}${first}`.trimEnd()] : [`${INDENT}${name}`, `${hang}${first}`];
    return [...head, ...more.map((line) => `${hang}${line}`)];
  });
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/u)) {
    if (line !== "" && countCells(line) + 1 + countCells(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}

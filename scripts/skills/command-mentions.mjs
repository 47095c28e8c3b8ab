/** Holds what Markdown says about okstra's commands against what the command line declares. */
import { fromMarkdown } from "mdast-util-from-markdown";
import { splitCommands } from "./shell-words.mjs";

/** Fences that hold what one types; a fence without a language may. */
const SHELLS = new Set([null, "sh", "bash", "zsh", "shell", "console", "text"]);
/** Flags of every command, and of okstra itself. */
const EVERYWHERE = new Set(["help", "helpAll", "help-all", "version"]);
const SHORT_EVERYWHERE = new Set(["h", "H", "v"]);
/** Flags of other programs that texts speak of by themselves. */
const FOREIGN_FLAGS = new Set(["no-verify", "force"]);
/** What a group of commands is by itself: only the flags of every command. */
const NO_COMMAND = { parameters: {} };

/**
 * @typedef {{ path: string, line: number, command: string, message: string }} Problem `command` is the one that is meant, as far as it exists, with what does not
 * @param {readonly { path: string, text: string }[]} files Markdown
 * @param {any} routes stricli's route map
 * @returns {Problem[]} commands, flags and values of flags that are named and not declared
 */
export function checkCommandMentions(files, routes) {
  const flags = new Set(listFlags(routes));
  return files.flatMap(({ path, text }) =>
    listCode(text).flatMap(({ line, code }) => {
      const problems = splitCommands(code)
        .map(afterLauncher)
        .filter((words) => words !== null)
        .flatMap((words) => checkWords(routes, words));
      const bare = /^--([a-z][a-z-]*)/u.exec(code)?.[1];
      if (bare !== undefined && !flags.has(bare) && !EVERYWHERE.has(bare) && !FOREIGN_FLAGS.has(bare))
        problems.push({ command: `--${bare}`, message: `no command has a flag --${bare}` });
      return problems.map((problem) => ({ path, line, ...problem }));
    }),
  );
}

/** @returns {{ line: number, code: string }[]} spans of code, and lines of fences that may hold commands */
function listCode(text) {
  const found = [];
  const visit = (node) => {
    const line = node.position.start.line;
    // In a table the bar between alternatives is escaped.
    if (node.type === "inlineCode") found.push({ line, code: node.value.replaceAll("\\|", "|").replaceAll("\n", " ") });
    if (node.type === "code" && SHELLS.has(node.lang ?? null)) found.push(...joinLines(node.value, line + 1));
    for (const child of node.children ?? []) visit(child);
  };
  visit(fromMarkdown(text));
  return found;
}

/** A line that ends with a backslash goes on. What stands apart by two spaces or more explains the command. */
function joinLines(text, first) {
  const joined = [];
  let open = false;
  for (const [index, line] of text.split("\n").entries()) {
    const part = line.replace(/\\$/u, "");
    if (open) joined.at(-1).code += ` ${part.trim()}`;
    else joined.push({ line: first + index, code: part.trim().replace(/ {2,}(?!-|\[).*$/u, "") });
    open = line.endsWith("\\");
  }
  return joined;
}

/** @returns {string[] | null} the words after `okstra`, however it is started; null when it is another program */
function afterLauncher(words) {
  const [program = "", ...rest] = words;
  if (program === "okstra" || program === "run_okstra") return rest;
  if (program === "node" && /(?:^|\/)okstra\.js$/u.test(rest[0] ?? "")) return rest.slice(1);
  if (program !== "npx") return null;
  const at = rest.findIndex((word) => !word.startsWith("-"));
  return /^okstra(?:@|$)/u.test(rest[at] ?? "") ? rest.slice(at + 1) : null;
}

function checkWords(routes, words) {
  const clean = words.map((word) => word.replaceAll(/^\[|(?<!\[[^\]]*)\]$/gu, "")).filter((word) => word !== "");
  const { path, target, rest, missing } = findCommand(routes, clean);
  if (missing !== undefined) {
    const command = [...path, missing].join(" ");
    return [{ command, message: `there is no command okstra ${command}` }];
  }
  return target === null ? [] : checkArguments(target, path, rest);
}

/**
 * Follows words down to a command.
 * @returns {{ path: string[], target: any, rest: string[], missing?: string }} `target` is null when the words leave open which command it is
 */
function findCommand(routes, words) {
  const path = [];
  let target = routes;
  while (isMap(target)) {
    const fallback = target.getDefaultCommand?.();
    const word = words[path.length];
    if (word === undefined || word.startsWith("-") || isOpen(word)) {
      // okstra worktree, okstra <command>, okstra … ; but the flags of a group are its default command's.
      if (fallback === undefined && !(word ?? "").startsWith("-")) return { path, target: null, rest: [] };
      return { path, target: fallback ?? NO_COMMAND, rest: words.slice(path.length) };
    }
    const names = word.split("|");
    const missing = names.find((name) => findRoute(target, name) === undefined);
    // A task has a slash, so that no command is named like one.
    if (missing !== undefined && fallback !== undefined && missing.includes("/"))
      return { path, target: fallback, rest: words.slice(path.length) };
    if (missing !== undefined) return { path, target: null, rest: [], missing };
    path.push(word);
    target = findRoute(target, names[0]);
  }
  return { path, target, rest: words.slice(path.length) };
}

function checkArguments({ parameters }, path, words) {
  const problems = [];
  let positionals = 0;
  for (let at = 0; at < words.length && words[at] !== "--"; at++) {
    const word = words[at];
    if (!/^-./u.test(word)) positionals += 1;
    if (!/^-./u.test(word) || isEverywhere(word)) continue;
    const alternatives = word.split("|").map((name) => ({ name, flag: findFlag(parameters, name) }));
    const [{ flag }] = alternatives;
    problems.push(...alternatives.filter((each) => each.flag === undefined).map(({ name }) => noFlag(path, name)));
    if (flag === undefined || flag.kind === "boolean") continue;
    const value = word.includes("=") ? word.slice(word.indexOf("=") + 1) : words[++at];
    if (flag.kind === "enum") problems.push(...checkValue(flag, path, word.split("=")[0], value ?? ""));
  }
  const { positional } = parameters;
  const most = positional?.kind === "array" ? (positional.maximum ?? Infinity) : (positional?.parameters.length ?? 0);
  // Of an unknown flag nobody knows whether a word is its value; an elision may stand for anything.
  if (positionals > most && problems.length === 0 && !words.some((word) => ["…", "...", "$@"].includes(word)))
    problems.push({ command: path.join(" "), message: `okstra ${path.join(" ")} takes ${most} arguments, not ${positionals}` });
  return problems;
}

function checkValue({ values }, path, name, value) {
  return value
    .split(/[|,]/u)
    .filter((each) => each !== "" && !isOpen(each) && !values.includes(each))
    .map((each) => ({
      command: [...path, name, each].join(" "),
      message: `okstra ${path.join(" ")} ${name} is one of ${values.join(", ")}, not ${each}`,
    }));
}

function noFlag(path, word) {
  const name = word.split("=")[0];
  const command = [...path, name].join(" ");
  return { command, message: `okstra ${path.join(" ")} has no flag ${name}`.replace("okstra  ", "okstra ") };
}

function isMap(target) {
  return typeof target.getAllEntries === "function";
}

function findRoute(map, name) {
  return map.getAllEntries().find((entry) => entry.name["convert-camel-to-kebab"] === name || entry.aliases.includes(name))?.target;
}

function findFlag({ flags = {}, aliases = {} }, word) {
  const name = word.split("=")[0];
  if (!name.startsWith("--")) return flags[aliases[name.slice(1)] ?? ""];
  const camel = toCamel(name.slice(2));
  if (Object.hasOwn(flags, camel)) return flags[camel];
  const negated = /^no-(.+)$/u.exec(name.slice(2))?.[1];
  const flag = negated === undefined ? undefined : flags[toCamel(negated)];
  return flag?.kind === "boolean" && flag.withNegated !== false ? flag : undefined;
}

/** @returns {string[]} names of the flags of every command, as they are typed */
function listFlags(map) {
  return map
    .getAllEntries()
    .flatMap(({ target }) => (isMap(target) ? listFlags(target) : Object.keys(target.parameters.flags ?? {}).map(toKebab)));
}

function isEverywhere(word) {
  return word.startsWith("--") ? EVERYWHERE.has(word.slice(2)) : word.startsWith("-") && SHORT_EVERYWHERE.has(word.slice(1));
}

/** A word that stands for others: <task>, TYPE, …, $1. */
function isOpen(word) {
  return /[<>…$]|\.\.\./u.test(word) || /^[A-Z][A-Z0-9_]*$/u.test(word);
}

function toCamel(name) {
  return name.replaceAll(/-([a-z0-9])/gu, (_, letter) => letter.toUpperCase());
}

function toKebab(name) {
  return name.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
}

import { OkstraError } from "../errors.ts";
import type { QaCommand } from "./project.ts";

/** A check of a project as a person names it. */
export type NamedCommand = { readonly name: string; readonly command: string };

/** What acts on a terminal, or breaks a line of a file. */
const CONTROL = /\p{Cc}/u;

/**
 * Reads `NAME=COMMAND`; the command may have more of `=`.
 * @throws OKSTRA_USAGE
 */
export function parseNamedCommand(text: string): NamedCommand {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at)).trim();
  const command = text.slice(at + 1).trim();
  if (at < 0 || name === "" || command === "" || CONTROL.test(name) || command.includes("\0"))
    throw new OkstraError("OKSTRA_USAGE", {
      message: `--qa ${JSON.stringify(text)} is not NAME=COMMAND.`,
      hint: "For example: okstra setup --qa test='npm test'",
      details: { given: text },
    });
  return { name, command };
}

/** A check of project.json, which may be a text alone, with the name that it has. */
export function nameCommand(command: QaCommand): NamedCommand {
  return typeof command === "string" ? { name: command, command } : { name: command.name, command: command.command };
}

/**
 * Checks with others added: one of the same name is replaced, and keeps its other members where its command stays.
 * @throws OKSTRA_USAGE when two that are added have the same name
 */
export function addCommands(known: readonly QaCommand[], added: readonly NamedCommand[]): readonly QaCommand[] {
  const names = added.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `--qa names ${JSON.stringify(twice)} twice.`,
      hint: "Give each check a name of its own.",
      details: { name: twice },
    });
  const ofName = new Map(added.map((each) => [each.name, each]));
  const kept = known.map((each) => {
    const own = nameCommand(each);
    const next = ofName.get(own.name);
    ofName.delete(own.name);
    return next === undefined || next.command === own.command ? each : next;
  });
  return [...kept, ...ofName.values()];
}

/** Patterns of `.worktreeinclude`: its lines without comments and empty ones. */
export function readPatterns(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The text of `.worktreeinclude` with patterns that it does not have yet at its end; the same text when it has them all. */
export function addPatterns(text: string, patterns: readonly string[]): string {
  const known = new Set(readPatterns(text));
  const added = [...new Set(patterns.map((pattern) => pattern.trim()))].filter((pattern) => !known.has(pattern));
  if (added.length === 0) return text;
  return `${text === "" || text.endsWith("\n") ? text : `${text}\n`}${added.join("\n")}\n`;
}

/**
 * One line of `.worktreeinclude` that can match something inside the worktree.
 * @throws OKSTRA_USAGE
 */
export function requirePattern(text: string): string {
  const pattern = text.trim();
  const reason =
    pattern === ""
      ? "is empty"
      : CONTROL.test(pattern)
        ? "has a line break or another control character"
        : pattern.startsWith("#")
          ? "would be a comment"
          : pattern.split("/").some((part) => part === "..")
            ? "leads outside the worktree"
            : null;
  if (reason === null) return pattern;
  throw new OkstraError("OKSTRA_USAGE", {
    message: `--copy ${JSON.stringify(text)} ${reason}.`,
    hint: "Give a pattern as in .gitignore, from the main worktree's root: okstra setup --copy .env",
    details: { given: text },
  });
}

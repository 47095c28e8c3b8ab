import { OkstraError } from "../errors.ts";
import { escapeMarkdown, guardLineStart, markdownCode } from "../report/markdown-escape.ts";
import { neutralise, neutraliseBlock } from "../report/neutral-text.ts";

/**
 * What a pull request may say of a task. Every text that a worker or a brief brought along is redacted by whoever fills
 * this in: nothing here knows a secret.
 */
export interface MessageFacts {
  readonly taskKey: string;
  readonly category: string;
  readonly branch: string;
  readonly base: string;
  /** The verified commit. */
  readonly head: string;
  readonly brief: string | null;
  readonly source: {
    readonly run: number;
    readonly verdict: string;
    readonly commit: string;
    /** From the project's root. */
    readonly reportPath: string;
    readonly reportSha256: string;
    readonly override: { readonly reason: string; readonly by: string } | null;
  };
  readonly criteria: readonly { readonly id: string; readonly text: string; readonly state: string }[];
  readonly findings: {
    readonly total: number;
    readonly byClass: Readonly<Record<string, number>>;
    readonly bySeverity: Readonly<Record<string, number>>;
  };
  readonly lanes: readonly { readonly worker: string; readonly family: string; readonly end: string }[];
  /** Oldest first. */
  readonly commits: readonly { readonly sha: string; readonly subject: string; readonly author: string; readonly at: string }[];
  /** The newest run of each phase. */
  readonly runs: readonly { readonly type: string; readonly run: number; readonly verdict: string; readonly reportPath: string }[];
  readonly lang: "en" | "ko";
}

/** Longer titles are cut by forges and mail programs. */
const MAX_TITLE = 72;
/** GitHub takes 65,536 characters. */
const MAX_MESSAGE = 60_000;
/** GitHub takes no longer title. */
const MAX_GIVEN_TITLE = 256;

/** One line of at most 72 characters: the only commit's subject, else the brief's first line, else the task's name. */
export function composeTitle(facts: MessageFacts): string {
  const [only, second] = facts.commits;
  const title =
    only !== undefined && second === undefined
      ? only.subject
      : (firstLine(facts.brief) ?? `${facts.category}: ${slugWords(facts.taskKey)}`);
  const line = foldSpaces(neutralise(title));
  return cutAtWord(line === "" ? slugWords(facts.taskKey) : line, MAX_TITLE);
}

/** The task's own name as words: `bugs/fix-login` -> `fix login`. */
function slugWords(taskKey: string): string {
  return (taskKey.split("/").at(-1) ?? taskKey).replaceAll("-", " ");
}

/** The first line of a brief that says something, without the marks of a heading or a list. */
function firstLine(brief: string | null): string | null {
  for (const line of (brief ?? "").split(/\r?\n/)) {
    const text = line
      .replace(/^\s*(?:#{1,6}|[-*+>]|\d+[.)])\s+/, "")
      .replace(/\s#+\s*$/, "")
      .trim();
    if (/[\p{L}\p{N}]/u.test(text)) return text;
  }
  return null;
}

function foldSpaces(text: string): string {
  return text.replaceAll(/\s+/gu, " ").trim();
}

/** Cut at a word where there is one, never inside a character that is seen as one. */
function cutAtWord(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  const head = characters.slice(0, most - 1).join("");
  const space = head.lastIndexOf(" ");
  return `${(space > most / 2 ? head.slice(0, space) : head).trimEnd()}…`;
}

/**
 * A message as a person writes it: its first line that says something is the title, the rest the body.
 * @throws OKSTRA_HANDOFF_MESSAGE_INVALID when it is empty, too long, or no text
 */
export function splitMessage(text: string): { readonly title: string; readonly body: string } {
  const refuse = (why: string): OkstraError => new OkstraError("OKSTRA_HANDOFF_MESSAGE_INVALID", { message: `The message ${why}.` });
  if (text.includes("\0") || text.includes("\uFFFD")) throw refuse("is no UTF-8 text");
  if (text.length > MAX_MESSAGE) throw refuse(`has over ${MAX_MESSAGE} characters`);
  const lines = neutraliseBlock(text.replace(/^\uFEFF/, "")).split("\n");
  const at = lines.findIndex((line) => line.trim() !== "");
  if (at < 0) throw refuse("is empty");
  const title = foldSpaces(lines[at] ?? "");
  if ([...title].length > MAX_GIVEN_TITLE) throw refuse(`has a title of over ${MAX_GIVEN_TITLE} characters`);
  return {
    title,
    body: lines
      .slice(at + 1)
      .join("\n")
      .replace(/^\s*\n/, "")
      .trim(),
  };
}

/** References that only some forges know: `GH-12`, `!12`, `%4`, `$7`, `~label`, `&3`. */
const FORGE_REFERENCE = /(?:^|[^\w])(?:GH-\d|[!%$&~]\w)/i;

/**
 * Foreign text as one line of a forge's Markdown in which nothing acts: no mark, link, image, HTML, mention, reference to an
 * issue, or keyword that would close one. What would act is shown as code.
 */
export function inert(text: string): string {
  const words = neutralise(text)
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => (FORGE_REFERENCE.test(word) ? markdownCode(word) : escapeMarkdown(word)));
  return guardLineStart(words.join(" "));
}

/** A line `Token: value` of a trailer block, as git reads it. */
const TRAILER = /^[A-Za-z0-9][A-Za-z0-9-]*\s*:\s?\S/;

/** The trailers of all messages, each once, in the order in which they come: those of a message's last paragraph. */
export function collectTrailers(messages: readonly string[]): readonly string[] {
  const found = new Map<string, string>();
  for (const message of messages) {
    for (const trailer of readTrailers(message)) {
      const key = trailer.replaceAll(/\s+/g, " ").toLowerCase();
      if (!found.has(key)) found.set(key, trailer);
    }
  }
  return [...found.values()];
}

/** Only a paragraph after the subject that has nothing but trailers and their continuation lines is one. */
function readTrailers(message: string): readonly string[] {
  const paragraphs = message.trimEnd().split(/\n[ \t]*\n/);
  const last = paragraphs.at(-1);
  if (paragraphs.length < 2 || last === undefined) return [];
  const trailers: string[] = [];
  for (const line of last.split("\n").filter((each) => each.trim() !== "")) {
    if (/^[ \t]/.test(line) && trailers.length > 0) trailers[trailers.length - 1] += ` ${line.trim()}`;
    else if (TRAILER.test(line)) trailers.push(line.trim());
    else return [];
  }
  return trailers;
}

/** The message of the one commit that others are squashed into; trailers that the body has already are not said twice. */
export function squashMessage(parts: { readonly title: string; readonly body: string; readonly trailers: readonly string[] }): string {
  const own = new Set(readTrailers(`x\n\n${parts.body}`).map((trailer) => trailer.replaceAll(/\s+/g, " ").toLowerCase()));
  const more = parts.trailers.filter((trailer) => !own.has(trailer.replaceAll(/\s+/g, " ").toLowerCase()));
  const body = parts.body.trimEnd();
  const joined = own.size > 0 ? [[body, ...more].join("\n")] : [body, more.join("\n")];
  return `${[parts.title, ...joined.filter((part) => part !== "")].join("\n\n")}\n`;
}

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
/** Bytes in UTF-8, as of a rendered body; GitHub takes 65,536 characters. */
const MAX_MESSAGE_BYTES = 60_000;
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
  const codePoints = [...text];
  if (codePoints.length <= most) return text;
  const end = codePoints.slice(0, most - 1).join("").length;
  // 0: one character with so many marks on it that it has to be cut inside.
  const whole = new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text).containing(end)?.index ?? 0;
  const head = text.slice(0, whole === 0 ? end : whole);
  const space = head.lastIndexOf(" ");
  return `${(space > most / 2 ? head.slice(0, space) : head).trimEnd()}…`;
}

/**
 * A message as a person writes it: its first line that says something is the title, the rest the body.
 * @throws OKSTRA_HANDOFF_MESSAGE_INVALID when it is empty, of over 60,000 bytes, or no text
 */
export function splitMessage(text: string): { readonly title: string; readonly body: string } {
  const refuse = (why: string): OkstraError => new OkstraError("OKSTRA_HANDOFF_MESSAGE_INVALID", { message: `The message ${why}.` });
  if (text.includes("\0") || text.includes("\uFFFD")) throw refuse("is no UTF-8 text");
  const lines = neutraliseBlock(text.replace(/^\uFEFF/, "")).split("\n");
  const at = lines.findIndex((line) => line.trim() !== "");
  if (at < 0) throw refuse("is empty");
  const title = foldSpaces(lines[at] ?? "");
  if ([...title].length > MAX_GIVEN_TITLE) throw refuse(`has a title of over ${MAX_GIVEN_TITLE} characters`);
  const body = lines
    .slice(at + 1)
    .join("\n")
    .replace(/^\s*\n/, "")
    .trim();
  // Of what is kept, so that a message that was taken once is taken again.
  if (countBytes(`${title}\n\n${body}`) > MAX_MESSAGE_BYTES) throw refuse(`has over ${MAX_MESSAGE_BYTES} bytes`);
  return { title, body };
}

/** The length of a text in UTF-8. */
function countBytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** References that only some forges know, also after a project's name: `GH-1`, `GL-1`, `!1`, `&1`, `%1`, `$1`, `~label`, `[issue:1]`. */
const FORGE_REFERENCE = /(?<![a-z\d])G[HL]-\d|[!%$&~][\w"]|\[\w+:\w/i;

/**
 * Foreign text as one line of a forge's Markdown in which nothing acts: no mark, link, image, HTML, mention, reference to an
 * issue, keyword that would close one, or command of GitLab (`/merge` at a line's start). What would act is shown as code. It
 * knows no secret: the text is redacted before.
 */
export function inert(text: string): string {
  const words = neutralise(text)
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => (FORGE_REFERENCE.test(word) ? markdownCode(word) : escapeMarkdown(word)));
  return guardLineStart(words.join(" ")).replace(/^\//, "\\/");
}

/** A line `Token: value` as git reads it; the value may be empty. */
const TRAILER = /^[A-Za-z0-9-]+[ \t]*:/;
/** Lines that git itself writes. Only a block with one of them may have prose beside its trailers. */
const WRITTEN_BY_GIT = /^(?:Signed-off-by: |\(cherry picked from commit )/;

/** The trailers of all messages, each once, in the order in which they come; folded ones are unfolded. */
export function collectTrailers(messages: readonly string[]): readonly string[] {
  const found = new Map<string, string>();
  for (const trailer of messages.flatMap(readTrailers)) {
    const key = identifyTrailer(trailer);
    if (!found.has(key)) found.set(key, trailer);
  }
  return [...found.values()];
}

/** Two trailers are the same when only white space or the token's case differs. */
function identifyTrailer(trailer: string): string {
  const colon = trailer.indexOf(":");
  const value = trailer.slice(colon + 1).replaceAll(/\s+/g, " ");
  return `${trailer.slice(0, colon).trim().toLowerCase()}: ${value.trim()}`;
}

/**
 * The trailers of one commit's message by git's rule (trailer.c): the last paragraph that is more than comments, but not the
 * first one, when it has nothing but trailers, or a line that git wrote and three lines of prose for each trailer at most.
 */
function readTrailers(message: string): readonly string[] {
  const trailers: string[] = [];
  let [counted, others, byGit] = [0, 0, false];
  let last: "trailer" | "by git" | "other" = "other";
  for (const line of lastParagraph(message)) {
    byGit ||= WRITTEN_BY_GIT.test(line);
    if (line.startsWith("#")) last = "other";
    else if (/^[ \t]/.test(line)) {
      if (last === "trailer") trailers[trailers.length - 1] += ` ${line.trim()}`;
      else if (last === "other") others += 1;
    } else if (TRAILER.test(line)) {
      trailers.push(line.trim());
      counted += 1;
      last = "trailer";
    } else if (WRITTEN_BY_GIT.test(line)) {
      counted += 1;
      last = "by git";
    } else {
      others += 1;
      last = "other";
    }
  }
  return others === 0 || (byGit && counted * 3 >= others) ? trailers : [];
}

/** The lines of the last paragraph that has more than comments, unless it is the first one of the message. */
function lastParagraph(message: string): readonly string[] {
  const lines = message.trimStart().split(/\r?\n/);
  const isBlank = (line: string): boolean => /^[ \t\r]*$/.test(line);
  const end = lines.findLastIndex((line) => !isBlank(line) && !line.startsWith("#")) + 1;
  const blank = lines.slice(0, end).findLastIndex(isBlank);
  return blank < 0 ? [] : lines.slice(blank + 1, end);
}

/**
 * The message of the one commit that others are squashed into. Its trailers are those of the body and the given ones; what the
 * body has already is not said twice.
 */
export function squashMessage(parts: { readonly title: string; readonly body: string; readonly trailers: readonly string[] }): string {
  const body = parts.body.trimEnd();
  const own = readTrailers(`x\n\n${body}`);
  const known = new Set(own.map(identifyTrailer));
  const more = parts.trailers.filter((trailer) => !known.has(identifyTrailer(trailer)));
  const joined = [body, ...more].join("\n");
  // A body that ends in a paragraph of comments has its trailers before that: then they are said again, in a new last one.
  const isJoined = own.length > 0 && readTrailers(`x\n\n${joined}`).length === own.length + more.length;
  const paragraphs = more.length === 0 ? [body] : isJoined ? [joined] : [body, [...own, ...more].join("\n")];
  return `${[parts.title, ...paragraphs.filter((part) => part !== "")].join("\n\n")}\n`;
}

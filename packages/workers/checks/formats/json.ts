/** A JSON value as read from a tool. Objects have no prototype, so that no key of theirs means anything. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface JsonDocument {
  readonly value: Json;
  /** Offset of the first character after it, or of the one that could not be read. */
  readonly end: number;
  /** False when it stops in the middle: the value holds what was whole up to there. */
  readonly complete: boolean;
}

const MAX_DEPTH = 200;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/**
 * Reads the JSON value at `start` and, unlike JSON.parse, stops at its end and keeps what a cut document has.
 * A string or number that the end cuts is left out. Never throws; time is linear.
 */
export function readJson(text: string, start: number): JsonDocument {
  let at = start;
  let broken = false;

  const skipSpace = (): void => {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 32 || code === 10 || code === 13 || code === 9) at += 1;
      else return;
    }
  };
  const readString = (): string | undefined => {
    const from = at;
    let end = at;
    for (;;) {
      end = text.indexOf('"', end + 1);
      if (end === -1) return undefined;
      let slashes = 0;
      while (text.charCodeAt(end - 1 - slashes) === 92) slashes += 1;
      if (slashes % 2 === 0) break;
    }
    at = end + 1;
    const raw = text.slice(from + 1, end);
    if (!raw.includes("\\")) return raw;
    try {
      return JSON.parse(`"${raw.replace(/[\u0000-\u001f]/g, " ")}"`) as string;
    } catch {
      return raw;
    }
  };
  const readPlain = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    // A number or word that touches the end of the text may have lost its rest.
    if (found === undefined || at + found.length === text.length) return undefined;
    at += found.length;
    return found;
  };
  const fail = (): undefined => {
    broken = true;
    return undefined;
  };
  const readValue = (depth: number): Json | undefined => {
    skipSpace();
    const first = text[at];
    if (depth > MAX_DEPTH || first === undefined) return fail();
    if (first === '"') return readString() ?? fail();
    if (first === "[") return readArray(depth);
    if (first === "{") return readObject(depth);
    if (first === "t" || first === "f" || first === "n") {
      const word = readPlain(WORD);
      return word === undefined ? fail() : word === "null" ? null : word === "true";
    }
    const number = readPlain(NUMBER);
    return number === undefined ? fail() : Number(number);
  };
  const readArray = (depth: number): Json[] => {
    const items: Json[] = [];
    at += 1;
    skipSpace();
    if (text[at] === "]") {
      at += 1;
      return items;
    }
    for (;;) {
      const item = readValue(depth + 1);
      if (item !== undefined) items.push(item);
      if (broken || ended("]")) return items;
    }
  };
  const readObject = (depth: number): { [key: string]: Json } => {
    const members = Object.create(null) as { [key: string]: Json };
    at += 1;
    skipSpace();
    if (text[at] === "}") {
      at += 1;
      return members;
    }
    for (;;) {
      skipSpace();
      const key = text[at] === '"' ? readString() : undefined;
      skipSpace();
      if (key === undefined || text[at] !== ":") {
        broken = true;
        return members;
      }
      at += 1;
      const value = readValue(depth + 1);
      if (value !== undefined) members[key] = value;
      if (broken || ended("}")) return members;
    }
  };
  /** After a value: true at the closing bracket, false after a comma, broken at anything else. */
  const ended = (closing: string): boolean => {
    skipSpace();
    const next = text[at];
    if (next !== "," && next !== closing) {
      broken = true;
      return true;
    }
    at += 1;
    return next === closing;
  };

  const value = readValue(0);
  return { value: value ?? null, end: Math.max(at, start + 1), complete: !broken };
}

/** The documents that begin as `opening` (a global pattern) says, wherever they stand between other lines. */
export function readDocuments(text: string, opening: RegExp): JsonDocument[] {
  const documents: JsonDocument[] = [];
  opening.lastIndex = 0;
  for (let found = opening.exec(text); found !== null; found = opening.exec(text)) {
    const document = readJson(text, found.index);
    documents.push(document);
    opening.lastIndex = document.end;
  }
  return documents;
}

/** The member of an object, else null. */
export function member(value: Json, key: string): Json {
  if (value === null || typeof value !== "object" || isList(value)) return null;
  return value[key] ?? null;
}

/** The member as a list, empty when it is none. */
export function listOf(value: Json, key: string): readonly Json[] {
  const found = member(value, key);
  return isList(found) ? found : [];
}

/** The member as a text, empty when it is none. */
export function textOf(value: Json, key: string): string {
  const found = member(value, key);
  return typeof found === "string" ? found : "";
}

/** The member as a line number from 1, null when it is none. */
export function lineOf(value: Json, key: string): number | null {
  const found = member(value, key);
  return typeof found === "number" && Number.isInteger(found) && found >= 1 ? found : null;
}

/** Array.isArray does not narrow a readonly list. */
export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

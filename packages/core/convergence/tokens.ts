import { STOP_WORDS, SYNONYM_ROWS } from "./vocabulary.ts";

/** What a claim consists of, for the matcher: sets of strings, each once. */
export interface Tokens {
  /** Stems of words and of the parts of identifiers, stop words out, synonyms folded into one. */
  readonly words: readonly string[];
  /** Two stems that follow each other. */
  readonly pairs: readonly string[];
  /** Pieces of four letters of every word: they bridge endings and spellings that stemming does not. */
  readonly grams: readonly string[];
}

const WORD = /[\p{L}\p{N}_$]+/gu;
/** Scripts that put no blank between words are cut into pairs of characters. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/** A block of code is a proposed fix or the place itself: the defect is named in the words around it. */
const FENCED = /```[\s\S]*?(?:```|$)/gu;
const GRAM_LENGTH = 4;
/** Twice what a finding's claim may have. What a reviewer writes after that explains, and is not compared. */
const MAX_CHARACTERS = 400;
const MAX_INPUT = 16_384;

/** Splits a claim for comparison. Pure; the answer does not depend on letter case or on fenced code. */
export function tokenise(claim: string): Tokens {
  const text = claim
    .slice(0, MAX_INPUT)
    .replaceAll(FENCED, " ")
    .slice(0, MAX_CHARACTERS)
    .normalize("NFKC")
    .replaceAll(/[’‘]/gu, "'")
    .replaceAll(/(\p{L})'(?:s|t|re|ve|ll|d)\b/giu, "$1");
  const words = new Set<string>();
  const pairs = new Set<string>();
  const grams = new Set<string>();
  let before = "";
  for (const [whole] of text.matchAll(WORD)) {
    for (const part of splitIdentifier(whole)) {
      for (const gram of cut(part, GRAM_LENGTH)) grams.add(gram);
      if (STOP_WORDS.has(part)) continue;
      for (const piece of UNSPACED.test(part) ? cut(part, 2) : [part]) {
        const stem = foldSynonym(piece);
        words.add(stem);
        if (before !== "" && before !== stem) pairs.add(`${before} ${stem}`);
        before = stem;
      }
    }
  }
  return { words: [...words], pairs: [...pairs], grams: [...grams] };
}

/** Lower-cased parts of an identifier: `getHTTPStatus_code2` gives get, http, status, code2. */
function splitIdentifier(word: string): string[] {
  return word
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1 $2")
    .replaceAll(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== "");
}

const ENDINGS = ["ingly", "edly", "ing", "ion", "ed", "ly", "er", "or", "able", "ible", "al"];
const SHORT_ENDINGS = new Set(["ing", "ed"]);

/** The word without its commonest English endings; deliberately weaker than Porter's. */
export function stemOf(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/u.test(word)) return word;
  let stem = word;
  if (stem.endsWith("ies") && stem.length > 4) stem = `${stem.slice(0, -3)}y`;
  else if (/(?:s|x|z|ch|sh)es$/u.test(stem)) stem = stem.slice(0, -2);
  else if (stem.endsWith("s") && !/(?:ss|us|is)$/u.test(stem)) stem = stem.slice(0, -1);
  stem = stem.replace(/ization$/u, "ize");
  const ending = ENDINGS.find((each) => stem.endsWith(each) && stem.length - each.length >= (SHORT_ENDINGS.has(each) ? 3 : 4));
  if (ending !== undefined) stem = stem.slice(0, -ending.length);
  if (/([b-df-hj-np-tv-z])\1$/u.test(stem) && !/(?:ll|ss|zz)$/u.test(stem)) stem = stem.slice(0, -1);
  if (stem.length > 3 && stem.endsWith("e")) stem = stem.slice(0, -1);
  return stem.endsWith("y") && stem.length > 3 ? `${stem.slice(0, -1)}i` : stem;
}

function foldSynonym(word: string): string {
  const stem = stemOf(word);
  return SYNONYMS.get(stem) ?? stem;
}

const SYNONYMS: ReadonlyMap<string, string> = new Map(
  SYNONYM_ROWS.flatMap((row) => {
    const [first = "", ...others] = row.split(" ").map(stemOf);
    return others.filter((other) => other !== first).map((other) => [other, first] as const);
  }),
);

/** All pieces of `length` characters; a shorter word is its own piece. */
function cut(word: string, length: number): string[] {
  const letters = [...word];
  if (letters.length <= length) return [word];
  return letters.slice(0, letters.length - length + 1).map((_, at) => letters.slice(at, at + length).join(""));
}

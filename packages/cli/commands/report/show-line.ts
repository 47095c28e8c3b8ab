import { neutralise } from "@okstra/core/report/neutral-text";
import { cutToCells } from "../../cells.ts";

const WIDTH = 80;

/** One line of text that acts on nothing and fits a terminal. */
export function cutLine(text: string): string {
  return cutToCells(neutralise(text), WIDTH);
}

/** `src/sum.js:2 ` before a claim; empty without a file. */
export function placeOf({ file, startLine }: { readonly file: string | null; readonly startLine: number | null }): string {
  return file === null ? "" : `${file}${startLine === null ? "" : `:${startLine}`}  `;
}

/** Marks that end a sentence; whether one is there tells nothing. */
const CLOSING = /[\s.?!…。．？！]+$/u;

/**
 * A text as it is compared with others: letter case, white space and the closing mark tell nothing, all else does, so
 * that `> 50` and `>= 50` stay two texts.
 */
export function foldText(text: string): string {
  const folded = text.normalize("NFC").toLowerCase().replaceAll(/\s+/gu, " ").trim();
  const open = folded.replace(CLOSING, "");
  return open === "" ? folded : open;
}

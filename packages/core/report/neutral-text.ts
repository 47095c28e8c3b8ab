/**
 * Characters that act on a terminal or a page instead of being seen: C0, DEL and C1 controls (ESC, OSC and
 * CSI among them), bidirectional and other format characters, tag characters, line and paragraph separators,
 * lone surrogates, and the two Hangul fillers that look like nothing. The zero-width joiners stay: scripts and
 * emoji need them, and they move nothing.
 */
const ACTING = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u3164\uFFA0]/gu;
const ACTING_IN_BLOCK = /(?![\n\t\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u3164\uFFA0]/gu;

function showCodePoint(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0xfffd).toString(16)}}`;
}

/**
 * One line of foreign text, safe to print in a terminal or a page: a line break becomes ` ↵ `, a tab a space,
 * and every other acting character its visible notation (`\u{1b}` for ESC). It does not escape HTML or
 * Markdown. Applying it twice changes nothing.
 */
export function neutralise(text: string): string {
  return text
    .replaceAll(/\r\n|\n|\r/g, " ↵ ")
    .replaceAll("\t", " ")
    .replaceAll(ACTING, showCodePoint);
}

/** Like {@link neutralise} for text of several lines: `\n` and tabs stay, `\r\n` becomes `\n`. */
export function neutraliseBlock(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(ACTING_IN_BLOCK, showCodePoint);
}

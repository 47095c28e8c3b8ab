import { neutralise } from "./neutral-text.ts";

/**
 * One word of a shell, as it is typed. A word with characters that act instead of being seen (ESC, line breaks, tabs, bidi)
 * or with several spaces in a row, which a page shows as one, is written in `$'…'` with the octal bytes of its UTF-8, which
 * bash, zsh, ksh and POSIX.1-2024 read back; a lone surrogate becomes U+FFFD.
 */
export function quoteForShell(word: string): string {
  if (/^[\w@%+:,./-][\w@%+=:,./-]*$/.test(word)) return word;
  if (neutralise(word) === word && !word.includes("  ")) return `'${word.replaceAll("'", "'\\''")}'`;
  const shown = [...word].map((char) => (char === "'" || char === "\\" ? `\\${char}` : neutralise(char) === char ? char : octal(char)));
  return `$'${shown.join("").replaceAll(/(?<= ) /g, "\\040")}'`;
}

/** The UTF-8 bytes of a character, each as a backslash and three octal digits. */
function octal(char: string): string {
  return encodeURIComponent(char.replaceAll(/\p{Cs}/gu, "\uFFFD")).replaceAll(
    /%([0-9A-F]{2})/g,
    (_, byte: string) => `\\${Number.parseInt(byte, 16).toString(8).padStart(3, "0")}`,
  );
}

/** Program and arguments as one line that can be copied into a shell; it runs the same words. */
export function formatCommandLine(argv: readonly string[]): string {
  return argv.map(quoteForShell).join(" ");
}

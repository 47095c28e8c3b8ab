/** As `neutralise` has them, but for what is layout in JSON; controls below U+0020 are escaped in it already. */
const ACTING = /(?![\n\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u3164\uFFA0]/gu;

/** A value as JSON that a terminal shows and never obeys: the same document for whoever parses it. */
export function formatNeutralJson(value: unknown, indent?: number): string {
  return neutraliseJson(JSON.stringify(value, null, indent));
}

/** The same for a text that is JSON already: what acts is only within its strings. */
export function neutraliseJson(text: string): string {
  return text.replaceAll(ACTING, (char) =>
    Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
  );
}

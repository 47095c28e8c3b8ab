import { neutralise, neutraliseBlock } from "./neutral-text.ts";

/** A piece of HTML that {@link markup} made; nothing else makes one. */
export class SafeHtml {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static fromTemplate(strings: TemplateStringsArray, values: readonly HtmlValue[]): SafeHtml {
    return new SafeHtml(strings.map((part, at) => part + (at < values.length ? renderValue(values[at]) : "")).join(""));
  }

  /** Text of several lines, escaped, with its line breaks kept. */
  static fromBlock(text: string): SafeHtml {
    return new SafeHtml(escapeHtml(neutraliseBlock(text)));
  }

  toString(): string {
    return this.#text;
  }
}

export type HtmlValue = string | number | SafeHtml | readonly SafeHtml[] | null | undefined;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (char) => ENTITIES[char] ?? char);
}

function renderValue(value: HtmlValue): string {
  if (value === null || value === undefined) return "";
  if (value instanceof SafeHtml) return value.toString();
  if (typeof value === "string") return escapeHtml(neutralise(value));
  if (typeof value === "number") return String(value);
  return value.map((piece) => piece.toString()).join("\n");
}

/**
 * HTML whose every inserted string is neutralised and escaped, in text and in quoted attributes. Put no value
 * into an unquoted attribute, a script or a style. It is not called `html`, because formatters rewrite the text of
 * such templates, and with it the page.
 */
export function markup(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): SafeHtml {
  return SafeHtml.fromTemplate(strings, values);
}

/** Text of several lines for a `<pre>`. */
export function htmlBlock(text: string): SafeHtml {
  return SafeHtml.fromBlock(text);
}

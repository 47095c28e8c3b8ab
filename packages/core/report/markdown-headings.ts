/** A heading of a Markdown document. `hasContent` is true when text stands under it or under a deeper heading of it. */
export interface MarkdownHeading {
  readonly level: number;
  /** As written, without the marks: escapes are still in it. */
  readonly text: string;
  /** Line, from 1. */
  readonly line: number;
  readonly hasContent: boolean;
}

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const ATX = /^ {0,3}(#{1,6})(?=[ \t]|$)(.*)$/;
const SETEXT = /^ {0,3}(=+|-+)[ \t]*$/;
const QUOTE = /^ {0,3}>/;
const HTML = /^ {0,3}<[A-Za-z/!?]/;

function headingText(rest: string): string {
  return rest
    .trim()
    .replace(/(?:^|[ \t])#+$/, "")
    .trim();
}

/**
 * The headings of a Markdown document, and the lines that begin raw HTML. Fenced and indented code and quotes
 * are passed over. A heading inside a list item counts, so that no nesting hides one.
 */
export function scanMarkdown(markdown: string): { headings: MarkdownHeading[]; htmlLines: number[] } {
  const headings: { level: number; text: string; line: number; hasContent: boolean }[] = [];
  const htmlLines: number[] = [];
  let fence = "";
  let paragraph: string | null = null;

  const addContent = (): void => {
    let depth = 7;
    for (let at = headings.length - 1; at >= 0 && depth > 1; at -= 1) {
      const heading = headings[at];
      if (heading === undefined || heading.level >= depth) continue;
      heading.hasContent = true;
      depth = heading.level;
    }
  };

  for (const [at, line] of markdown.split(/\r\n|\n|\r/).entries()) {
    if (fence !== "") {
      const closing = /^ {0,3}(`+|~+)[ \t]*$/.exec(line)?.[1];
      if (closing !== undefined && closing.startsWith(fence)) fence = "";
      continue;
    }
    const opening = FENCE.exec(line)?.[1];
    const atx = ATX.exec(line);
    if (opening !== undefined) {
      fence = opening;
      paragraph = null;
      addContent();
    } else if (atx !== null) {
      headings.push({ level: (atx[1] ?? "").length, text: headingText(atx[2] ?? ""), line: at + 1, hasContent: false });
      paragraph = null;
    } else if (paragraph !== null && SETEXT.test(line)) {
      headings.push({ level: line.trim().startsWith("=") ? 1 : 2, text: paragraph, line: at + 1, hasContent: false });
      paragraph = null;
    } else if (line.trim() === "") {
      paragraph = null;
    } else {
      addContent();
      if (HTML.test(line)) htmlLines.push(at + 1);
      paragraph = QUOTE.test(line) || /^(?: {4}|\t)/.test(line) ? null : line.trim();
    }
  }
  return { headings, htmlLines };
}

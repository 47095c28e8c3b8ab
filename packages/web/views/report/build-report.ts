import { renderMarkdown } from "../../parts/render-markdown.ts";

export interface Heading {
  /** What an address names it by. */
  readonly slug: string;
  readonly text: string;
  /** 1 to 4. */
  readonly level: number;
}

export interface BuiltReport {
  readonly content: DocumentFragment;
  readonly headings: readonly Heading[];
}

/** Before the ids of headings, so that no word of a report names something of the page. */
const PREFIX = "report-";
const TABLE_ROLES: Readonly<Record<string, string>> = {
  TABLE: "table",
  THEAD: "rowgroup",
  TBODY: "rowgroup",
  TR: "row",
  TH: "columnheader",
  TD: "cell",
};

/** Safe HTML of a report: headings with ids, tables in frames that scroll, cells that know their column. */
export function buildReport(markdown: string): BuiltReport {
  const template = document.createElement("template");
  template.innerHTML = renderMarkdown(markdown);
  const { content } = template;
  const taken = new Map<string, number>();
  const headings: Heading[] = [];
  for (const old of content.querySelectorAll("h3, h4, h5, h6")) {
    // Markdown within a section begins with h3; a report is the whole page under its h1.
    const level = Number(old.tagName.slice(1)) - 2;
    const text = old.textContent.trim();
    const slug = slugOf(text, taken);
    const heading = document.createElement(`h${level + 1}`);
    heading.append(...old.childNodes);
    heading.id = PREFIX + slug;
    heading.tabIndex = -1;
    old.replaceWith(heading);
    headings.push({ slug, text, level });
  }
  for (const table of content.querySelectorAll("table")) frameTable(table);
  for (const pre of content.querySelectorAll("pre")) {
    pre.tabIndex = 0;
    pre.setAttribute("role", "region");
    pre.setAttribute("aria-label", "Code");
  }
  return { content, headings };
}

/** @returns the heading in the page */
export function findHeading(slug: string): HTMLElement | null {
  return document.getElementById(PREFIX + slug);
}

function slugOf(text: string, taken: Map<string, number>): string {
  const plain =
    text
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}]+/gu, "-")
      .replaceAll(/^-|-$/gu, "")
      .slice(0, 60) || "section";
  const count = taken.get(plain) ?? 0;
  taken.set(plain, count + 1);
  return count === 0 ? plain : `${plain}-${count + 1}`;
}

/** On a phone the rows stand as blocks, which takes their roles: they are said again. */
function frameTable(table: HTMLTableElement): void {
  const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, th, td")]) {
    const role = TABLE_ROLES[part.tagName];
    if (role !== undefined) part.setAttribute("role", role);
  }
  for (const row of table.querySelectorAll("tbody tr"))
    for (const [at, cell] of [...row.children].entries()) cell.setAttribute("data-label", names[at] ?? "");
  table.removeAttribute("tabindex");
  const frame = document.createElement("div");
  frame.className = "report-table";
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", names.length === 0 ? "Table" : `Table: ${names.join(", ")}`);
  table.replaceWith(frame);
  frame.append(table);
}

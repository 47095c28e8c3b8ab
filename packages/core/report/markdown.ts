import { buildDocument } from "./build-document.ts";
import type { Block, Fact, FindingBlock, Inline, VerdictBlock } from "./document.ts";
import { escapeMarkdown, fencedBlock, guardLineStart, markdownCode } from "./markdown-escape.ts";
import type { Report } from "./report-data.ts";

function renderInline(inline: Inline): string {
  const escaped = escapeMarkdown(inline.text);
  switch (inline.kind) {
    case "text":
      return escaped;
    case "strong":
    case "badge":
      return escaped === "" ? "" : `**${escaped}**`;
    case "code":
      return markdownCode(inline.text);
    case "link":
      return `[${escaped}](${inline.href})`;
  }
}

/** Inlines of one line, set apart by spaces. */
function renderLine(content: readonly Inline[]): string {
  const line = content
    .map(renderInline)
    .filter((part) => part !== "")
    .join(" ");
  return content[0]?.kind === "text" ? guardLineStart(line) : line;
}

/** An empty list item would read as a rule or a heading's underline. */
const renderItem = (marker: string, item: string): string => `${marker} ${item === "" ? "—" : item}`;

const renderFact = ({ label, value }: Fact): string => renderItem("-", `${escapeMarkdown(label)}: ${renderLine(value)}`.trimEnd());

function renderVerdict(card: VerdictBlock): string {
  const head = [`**${escapeMarkdown(card.verdict)}**`, `**${escapeMarkdown(card.gate.text)}**`, ...card.badges.map(renderInline)].join(
    " · ",
  );
  const reasons = card.reasons.map((reason) => {
    const code = markdownCode(reason.code);
    return renderItem(
      "-",
      `${guardLineStart(escapeMarkdown(reason.text))}${reason.code === reason.text || code === "" ? "" : ` (${code})`}`,
    );
  });
  return [
    head,
    card.override.map(renderFact).join("\n"),
    ...(reasons.length === 0 ? [] : [`${escapeMarkdown(card.reasonsLabel)}:`, reasons.join("\n")]),
    ...card.summary.map((paragraph) => guardLineStart(escapeMarkdown(paragraph))),
    card.facts.map(renderFact).join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function renderFinding(finding: FindingBlock): string {
  const excerpts = finding.excerpts.map(({ label, text }) => `- ${escapeMarkdown(label)}:\n\n${fencedBlock(text, "  ")}`);
  const id = escapeMarkdown(finding.id);
  const head = [id === "" ? "" : `**${id}**`, ...finding.badges.map((badge) => escapeMarkdown(badge.text))]
    .filter((part) => part !== "")
    .join(" · ");
  return [head, guardLineStart(escapeMarkdown(finding.claim)), [...finding.facts.map(renderFact), ...excerpts].join("\n")]
    .filter((part) => part !== "")
    .join("\n\n");
}

function renderTable(head: readonly string[], rows: readonly (readonly (readonly Inline[])[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const body = rows.map((row) => line(row.map((cell) => cell.map(renderInline).join(" "))));
  return [line(head.map(escapeMarkdown)), line(head.map(() => "---")), ...body].join("\n");
}

function renderSteps(items: readonly { readonly text: string; readonly command: string | null }[]): string {
  return items
    .map(({ text, command }, at) => {
      const step = renderItem(`${at + 1}.`, guardLineStart(escapeMarkdown(text)));
      return command === null ? step : `${step}\n\n${fencedBlock(command, "   ")}`;
    })
    .join("\n");
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case "subhead":
      return `### ${escapeMarkdown(block.text)}`;
    case "paragraph":
    case "notice":
      return renderLine(block.content);
    case "empty":
      return `_${escapeMarkdown(block.text)}_`;
    case "code":
      return fencedBlock(block.text);
    case "list":
      return block.items.map((item) => renderItem("-", renderLine(item))).join("\n");
    case "steps":
      return renderSteps(block.items);
    case "tally":
      return block.items.map((item) => `${escapeMarkdown(item.label)}: **${item.count}**`).join(" · ");
    case "facts":
      return block.facts.map(renderFact).join("\n");
    case "table":
      return renderTable(block.head, block.rows);
    case "verdict":
      return renderVerdict(block);
    case "finding":
      return renderFinding(block);
  }
}

/** `report.md`: CommonMark with GFM tables, ending in one line break; the same report gives the same bytes. */
export function renderMarkdown(report: Report): string {
  const { title, sections } = buildDocument(report);
  const parts = sections.flatMap((section) => [
    `${"#".repeat(section.level)} ${escapeMarkdown(section.heading)}`,
    ...section.blocks.map(renderBlock),
  ]);
  return `${[`# ${escapeMarkdown(title)}`, ...parts].filter((part) => part !== "").join("\n\n")}\n`;
}

import { buildDocument } from "./build-document.ts";
import type { Block, Fact, FindingBlock, Inline, Section, Tone, VerdictBlock } from "./document.ts";
import { STYLE } from "./html-style.ts";
import { markup, htmlBlock, type SafeHtml } from "./html-template.ts";
import type { Report } from "./report-data.ts";
import { formatTime, wordingFor, type Wording } from "./wording.ts";

/** A mark beside the colour, so that no meaning hangs on colour alone. */
const TONE_MARKS: Record<Tone, string> = { good: "✓\u00A0", warn: "!\u00A0", bad: "✕\u00A0", info: "", quiet: "" };

function renderInline(inline: Inline): SafeHtml {
  switch (inline.kind) {
    case "text":
      return markup`${inline.text}`;
    case "strong":
      return markup`<strong>${inline.text}</strong>`;
    case "code":
      return inline.text === "" ? markup`` : markup`<code>${inline.text}</code>`;
    case "badge":
      return markup`<span class="badge ${inline.tone}">${TONE_MARKS[inline.tone]}${inline.text}</span>`;
    case "link":
      return markup`<a href="${inline.href}">${inline.text}</a>`;
  }
}

/** A severity badge stands without a mark: its letter says it. */
function renderPlainBadge(inline: Inline): SafeHtml {
  return inline.kind === "badge" ? markup`<span class="badge ${inline.tone}">${inline.text}</span>` : renderInline(inline);
}

const renderFacts = (facts: readonly Fact[], className: string): SafeHtml =>
  markup`<dl class="${className}">${facts.map(({ label, value }) => markup`<dt>${label}</dt><dd>${value.map(renderInline)}</dd>`)}</dl>`;

const renderWideFacts = (facts: readonly Fact[]): SafeHtml =>
  markup`<dl class="facts-wide">${facts.map(({ label, value }) => markup`<div><dt>${label}</dt><dd>${value.map(renderInline)}</dd></div>`)}</dl>`;

function renderVerdict(card: VerdictBlock): SafeHtml {
  const reasons = card.reasons.map(
    ({ code, text }) => markup`<li><span>${text}</span>${code === text ? null : markup`<small>${code}</small>`}</li>`,
  );
  return markup`<div class="card verdict ${card.tone}">
<div class="head"><p class="word">${card.verdict}</p><p class="badges"><span class="badge ${card.gate.tone}">${card.gate.text}</span> ${card.badges.map(renderInline)}</p></div>
<div>
${card.override.length === 0 ? null : renderFacts(card.override, "override")}
${reasons.length === 0 ? null : markup`<p class="label">${card.reasonsLabel}</p><ul class="reasons">${reasons}</ul>`}
${card.summary.map((paragraph) => markup`<p>${paragraph}</p>`)}
${renderWideFacts(card.facts)}
</div>
</div>`;
}

function renderFinding(finding: FindingBlock): SafeHtml {
  return markup`<article class="card finding ${finding.tone}">
<p class="badges"><span class="id">${finding.id}</span> ${finding.badges.map(renderPlainBadge)}</p>
<h4>${finding.claim}</h4>
${renderFacts(finding.facts, "facts")}
${finding.excerpts.map(({ label, text }) => markup`<p class="label">${label}</p><pre>${htmlBlock(text)}</pre>`)}
</article>`;
}

function renderTable(block: Extract<Block, { kind: "table" }>): SafeHtml {
  const row = (cells: readonly (readonly Inline[])[]): SafeHtml =>
    markup`<tr>${cells.map((cell, at) => {
      const isBlank = cell.every((inline) => inline.text === "");
      return markup`<td data-label="${block.head[at]}"${isBlank ? markup` class="blank"` : null}><span>${cell.map(renderInline)}</span></td>`;
    })}</tr>`;
  return markup`<table><thead><tr>${block.head.map((label) => markup`<th scope="col">${label}</th>`)}</tr></thead><tbody>
${block.rows.map(row)}
</tbody></table>`;
}

function renderBlock(block: Block): SafeHtml {
  switch (block.kind) {
    case "subhead":
      return markup`<h3>${block.text}</h3>`;
    case "paragraph":
      return markup`<p>${block.content.map(renderInline)}</p>`;
    case "notice":
      return markup`<p class="notice ${block.tone}">${block.content.map(renderInline)}</p>`;
    case "empty":
      return markup`<p class="empty">${block.text}</p>`;
    case "code":
      return markup`<pre>${htmlBlock(block.text)}</pre>`;
    case "list":
      return markup`<ul>${block.items.map((item) => markup`<li>${item.map(renderInline)}</li>`)}</ul>`;
    case "steps":
      return markup`<ol class="steps">${block.items.map(
        ({ text, command }) => markup`<li>${text}${command === null ? null : markup`<pre>${htmlBlock(command)}</pre>`}</li>`,
      )}</ol>`;
    case "tally":
      return markup`<ul class="tally">${block.items.map(
        ({ label, count, tone }) => markup`<li class="${tone}${count === 0 ? " none" : ""}">${label} · ${count}</li>`,
      )}</ul>`;
    case "facts":
      return markup`<div class="card">${renderFacts(block.facts, "facts")}</div>`;
    case "table":
      return renderTable(block);
    case "verdict":
      return renderVerdict(block);
    case "finding":
      return renderFinding(block);
  }
}

function renderSection(section: Section): SafeHtml {
  const heading = section.level === 2 ? markup`<h2>${section.heading}</h2>` : markup`<h3>${section.heading}</h3>`;
  return markup`<section>
${heading}
${section.blocks.map(renderBlock)}
</section>`;
}

function renderFooter(report: Report, words: Wording): SafeHtml {
  return markup`<footer><p>okstra ${report.okstraVersion} · ${report.runId} · ${formatTime(report.generatedAt)}<br>${words.footer}</p></footer>`;
}

/**
 * `report.markup`: one file that reads from disk, on a phone and on paper. It holds no script, asks for nothing
 * from elsewhere (its content security policy forbids both), and every text of it is escaped by the template.
 */
export function renderHtml(report: Report): string {
  const words = wordingFor(report.lang);
  const { lang, title, sections } = buildDocument(report);
  const page = markup`<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="format-detection" content="telephone=no">
<title>${title} · ${report.taskKey}</title>
${STYLE}
</head>
<body>
<header><h1>${title}</h1><p>${report.taskKey} · ${words.labels.run} ${report.run}</p></header>
<main>
${sections.map(renderSection)}
</main>
${renderFooter(report, words)}
</body>
</html>
`;
  return page.toString();
}

import { Liquid } from "liquidjs";
import { inert, type MessageFacts } from "@okstra/core/domain/compose-message";
import type { HomeConfig, Project } from "@okstra/core/domain/project";
import { OkstraError } from "@okstra/core/errors";
import { BODY_TEMPLATES } from "@okstra/core/phases/release-handoff/template";
import { markdownCode } from "@okstra/core/report/markdown-escape";
import { neutralise, neutraliseBlock } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";

/** GitHub takes 65,536 characters. */
const MAX_BODY_BYTES = 60_000;
const MAX_TEMPLATE_BYTES = 256 * 1024;
/** Characters of a body before its white space is tidied; a longer one is not even looked at. */
const MAX_RENDERED = 4 * MAX_BODY_BYTES;
const RENDER_MS = 2000;
/** Characters of the brief's first paragraph. */
const MAX_BRIEF = 1200;

/** A template may read no file: there is nowhere to include one from. */
const liquid = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  relativeReference: false,
  renderLimit: RENDER_MS,
  memoryLimit: 20_000_000,
  parseLimit: MAX_TEMPLATE_BYTES,
  fs: {
    existsSync: () => false,
    exists: async () => false,
    readFileSync: () => "",
    readFile: async () => "",
    resolve: (_root, file) => file,
  },
});

/** Where a template came from. */
export interface Template {
  readonly text: string;
  readonly from: "flag" | "project" | "home" | "built-in";
}

/**
 * The template of the body: the flag's, the project's (inside its root), the person's (from OKSTRA_HOME), the built-in one.
 * @param sources.flag absolute path
 * @throws OKSTRA_HANDOFF_TEMPLATE_INVALID for one that is named and cannot be read
 */
export async function loadTemplate(
  app: App,
  sources: {
    readonly flag: string | null;
    readonly project: Pick<Project, "handoffTemplate">;
    readonly home: Pick<HomeConfig, "handoffTemplate">;
    readonly root: string;
    readonly lang: "en" | "ko";
  },
): Promise<Template> {
  const read = async (from: Template["from"], name: string, load: () => Promise<string | null>): Promise<Template> => {
    const text = await load().catch(() => null);
    if (text !== null && text.length <= MAX_TEMPLATE_BYTES) return { text, from };
    throw new OkstraError("OKSTRA_HANDOFF_TEMPLATE_INVALID", {
      message: `The template ${name} cannot be read, or has over ${MAX_TEMPLATE_BYTES} bytes.`,
      details: { path: name, from },
    });
  };
  const { flag, project, home, root } = sources;
  if (flag !== null) return read("flag", flag, () => app.store.readText(flag, { maxBytes: MAX_TEMPLATE_BYTES }));
  const own = project.handoffTemplate;
  if (own !== undefined) return read("project", own, () => app.readTreeFile(root, own));
  const persons = home.handoffTemplate;
  if (persons !== undefined) return read("home", persons, () => app.readTreeFile(app.surroundings.home, persons));
  return { text: BODY_TEMPLATES[sources.lang], from: "built-in" };
}

/**
 * Renders a body of at most 60,000 bytes, within two seconds.
 * @param facts redacted by the caller: what is in them is made harmless here, and not searched for secrets
 * @throws OKSTRA_HANDOFF_TEMPLATE_INVALID with the place
 */
export async function renderMessage(template: Pick<Template, "text" | "from">, facts: MessageFacts): Promise<string> {
  let body: string;
  try {
    body = String(await liquid.parseAndRender(template.text, variablesOf(facts)));
  } catch (cause) {
    const why = neutralise((cause instanceof Error ? cause.message : String(cause)).split("\n")[0] ?? "");
    throw new OkstraError("OKSTRA_HANDOFF_TEMPLATE_INVALID", {
      message: `The ${template.from} template does not render: ${why.slice(0, 300)}.`,
      details: { from: template.from },
      cause,
    });
  }
  const text = body.length > MAX_RENDERED ? null : tidy(body);
  if (text !== null && new TextEncoder().encode(text).length <= MAX_BODY_BYTES) return text;
  throw new OkstraError("OKSTRA_HANDOFF_TEMPLATE_INVALID", {
    message: `The body that the ${template.from} template gives is over ${MAX_BODY_BYTES} bytes.`,
    details: { from: template.from },
  });
}

/** Without acting characters, white space at the ends of lines, and more than one empty line in a row. */
function tidy(body: string): string {
  const lines = neutraliseBlock(body).split("\n");
  // Not by a pattern: one for the spaces at a line's end takes quadratic time on a long run of them inside of a line.
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

/** What a template may name; texts of workers and briefs are inert in it, and there is no other form of them. */
function variablesOf(facts: MessageFacts): Record<string, unknown> {
  const { source, findings } = facts;
  return {
    task: markdownCode(facts.taskKey),
    category: inert(facts.category),
    branch: markdownCode(facts.branch),
    base: markdownCode(facts.base),
    head: markdownCode(facts.head),
    brief: inert(firstParagraph(facts.brief ?? "")),
    verdict: inert(source.verdict),
    run: source.run,
    report: markdownCode(source.reportPath),
    reportSha256: markdownCode(source.reportSha256),
    override: source.override === null ? null : { by: inert(source.override.by), reason: inert(source.override.reason) },
    criteria: facts.criteria.map(({ id, text, state }) => ({
      id: inert(id),
      text: inert(text),
      state: inert(state),
      met: state === "met",
    })),
    findings: {
      total: findings.total,
      list: Object.entries(findings.byClass).map(([name, count]) => `${count} ${inert(name)}`),
      bySeverity: Object.entries(findings.bySeverity).map(([name, count]) => `${count} ${inert(name)}`),
    },
    workers: facts.lanes.filter(({ end }) => end === "ok").map(({ worker, family }) => `${inert(worker)} (${inert(family)})`),
    commits: facts.commits.map(({ sha, subject, author, at }) => ({
      sha: markdownCode(sha.slice(0, 12)),
      subject: inert(subject),
      author: inert(author.replace(/\s*<[^>]*>$/, "")),
      at: inert(at),
    })),
    runs: facts.runs.map(({ type, run, verdict, reportPath }) => ({
      type: inert(type),
      run,
      verdict: inert(verdict),
      report: markdownCode(reportPath),
    })),
  };
}

/** What was asked, in short: the first paragraph that is no heading. */
function firstParagraph(brief: string): string {
  const paragraphs = brief.split(/\r?\n[ \t]*\r?\n/).map((each) => each.trim());
  const first = paragraphs.find((each) => each !== "" && !/^#{1,6}\s/.test(each)) ?? paragraphs.find((each) => each !== "") ?? "";
  const text = first.replace(/^#{1,6}\s+/, "");
  const characters = [...text];
  return characters.length > MAX_BRIEF ? `${characters.slice(0, MAX_BRIEF).join("")} …` : text;
}

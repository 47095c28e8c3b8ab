import * as z from "zod";
import { severitySchema, type Finding, type Severity } from "@okstra/core/domain/finding";
import { describeIssue, invalid, type ReviewerResult } from "./reviewer-result.ts";

const line = z.int().min(1).optional();
const text = z.looseObject({ text: z.string().optional(), markdown: z.string().optional(), id: z.string().optional() });
const rule = z.looseObject({
  id: z.string().optional(),
  shortDescription: text.optional(),
  messageStrings: z.record(z.string(), text).optional(),
  defaultConfiguration: z.looseObject({ level: z.string().optional() }).optional(),
  properties: z.looseObject({ "security-severity": z.union([z.string(), z.number()]).optional() }).optional(),
});
const location = z.looseObject({
  physicalLocation: z
    .looseObject({
      artifactLocation: z.looseObject({ uri: z.string().optional(), index: z.int().optional() }).optional(),
      region: z.looseObject({ startLine: line, endLine: line, snippet: text.optional() }).optional(),
    })
    .optional(),
  logicalLocations: z.array(z.looseObject({ fullyQualifiedName: z.string().optional(), name: z.string().optional() })).optional(),
});
const result = z.looseObject({
  ruleId: z.string().optional(),
  ruleIndex: z.int().optional(),
  rule: z.looseObject({ id: z.string().optional(), index: z.int().optional() }).optional(),
  kind: z.string().optional(),
  level: z.string().optional(),
  baselineState: z.string().optional(),
  message: text.extend({ arguments: z.array(z.string()).optional() }),
  locations: z.array(location).optional(),
  fixes: z.array(z.looseObject({ description: text.optional() })).optional(),
  suppressions: z.array(z.looseObject({ status: z.string().optional() })).optional(),
  properties: z.looseObject({ severity: z.unknown().optional() }).optional(),
});
const log = z.looseObject({
  version: z.literal("2.1.0"),
  runs: z.array(
    z.looseObject({
      tool: z.looseObject({ driver: z.looseObject({ name: z.string().min(1), rules: z.array(rule).optional() }) }),
      artifacts: z.array(z.looseObject({ location: z.looseObject({ uri: z.string().optional() }).optional() })).optional(),
      results: z.array(result).max(2000).nullish(),
    }),
  ),
});
type SarifRun = z.infer<typeof log>["runs"][number];
type SarifResult = z.infer<typeof result>;

/** A place that no file has, as okstra's own reports write it. */
const NO_PLACE = /^(?:okstra:|about:)/u;

/**
 * One reviewer for each run of a SARIF 2.1.0 log. What says of itself that it is no open problem (`kind` other than
 * fail, open or review, suppressed, gone from the baseline) is left out and counted.
 * @throws OKSTRA_RESULTS_INVALID
 */
export function parseSarif(source: string, document: unknown): readonly ReviewerResult[] {
  const parsed = log.safeParse(document);
  if (!parsed.success) throw invalid(source, `is no SARIF 2.1.0 log: ${describeIssue(parsed.error)}`);
  return parsed.data.runs.map((run) => {
    const results = run.results ?? [];
    const open = results.filter(isOpen);
    return { source, family: run.tool.driver.name, findings: open.map((each) => findingOf(run, each)), left: results.length - open.length };
  });
}

function isOpen({ kind = "fail", baselineState, suppressions = [] }: SarifResult): boolean {
  const isSuppressed = suppressions.some(({ status = "accepted" }) => status === "accepted");
  return ["fail", "open", "review"].includes(kind) && baselineState !== "absent" && !isSuppressed;
}

function findingOf(run: SarifRun, each: SarifResult): Finding {
  const described = ruleOf(run, each);
  const place = each.locations?.[0];
  const artifact = place?.physicalLocation?.artifactLocation;
  const region = place?.physicalLocation?.region;
  const logical = place?.logicalLocations?.[0];
  const uri = artifact?.uri ?? (artifact?.index === undefined ? undefined : run.artifacts?.[artifact.index]?.location?.uri);
  return {
    claim: messageOf(each, described),
    category: (each.ruleId ?? each.rule?.id ?? described?.id ?? "finding").slice(0, 64) || "finding",
    severity: severityOf(each, described),
    ...given("file", uri === undefined || NO_PLACE.test(uri) ? undefined : pathOf(uri)),
    ...given("startLine", region?.startLine),
    ...given("endLine", region?.endLine),
    ...given("symbol", logical?.fullyQualifiedName ?? logical?.name),
    ...given("quote", region?.snippet?.text),
    ...given("fix", each.fixes?.[0]?.description?.text),
  };
}

function ruleOf(run: SarifRun, each: SarifResult): z.infer<typeof rule> | undefined {
  const rules = run.tool.driver.rules ?? [];
  const index = each.ruleIndex ?? each.rule?.index ?? -1;
  const id = each.ruleId ?? each.rule?.id;
  return rules[index] ?? rules.find((known) => id !== undefined && known.id === id);
}

/** The message, with a rule's message string and its arguments filled in as SARIF 2.1.0 (3.11) says. */
function messageOf({ message, ruleId }: SarifResult, described: z.infer<typeof rule> | undefined): string {
  const template =
    message.text ?? message.markdown ?? described?.messageStrings?.[message.id ?? ""]?.text ?? described?.shortDescription?.text;
  const filled = template?.replaceAll(/\{(\d+)\}/gu, (whole, index: string) => message.arguments?.[Number(index)] ?? whole);
  return filled === undefined || filled.trim() === "" ? (ruleId ?? "no message") : filled;
}

/** okstra's own severity where the log has one; else the rule's CVSS-like score, else the level. */
function severityOf(each: SarifResult, described: z.infer<typeof rule> | undefined): Severity {
  const own = severitySchema.safeParse(each.properties?.severity);
  if (own.success) return own.data;
  const score = Number(described?.properties?.["security-severity"] ?? Number.NaN);
  if (score >= 9) return "P0";
  if (score >= 7) return "P1";
  const level = each.level ?? described?.defaultConfiguration?.level ?? "warning";
  return level === "error" ? "P1" : level === "warning" ? "P2" : "P3";
}

/** `file:///a%20b.ts` and `a%20b.ts` are paths; what cannot be decoded stays as it stands. */
function pathOf(uri: string): string {
  const path = uri.replace(/^file:(?:\/\/[^/]*)?/u, "");
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function given<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined || value === "" ? {} : { [name]: value }) as { [key in K]?: V };
}

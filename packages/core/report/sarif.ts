import type { Cluster } from "../convergence/cluster.ts";
import type { Sha256 } from "../domain/task-key.ts";
import { neutralise, neutraliseBlock } from "./neutral-text.ts";
import type { Report } from "./report-data.ts";
import { directoryUrl, relativeUri } from "./source-link.ts";
import { phraseFor, wordingFor, type Wording } from "./wording.ts";

type Json = Record<string, unknown>;

const SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/**
 * Artifact of a result that names no file, or a path that could lead out of the tree. Code scanning services
 * refuse a result without a location; this one has no region and `properties.place` says "none".
 */
export const NO_FILE_URI = "no-file";

/** A message may hold links as `[text](uri)`; foreign text must not make one (SARIF 2.1.0, 3.11.6). */
function messageText(text: string): string {
  const line = neutralise(text);
  return line.includes("](") ? line.replaceAll(/[[\]]/g, "\\$&") : line;
}

const ruleId = (cluster: Cluster): string => neutralise(cluster.category).trim() || "finding";

function isVoteless(cluster: Cluster): boolean {
  return cluster.class === "ungrounded" || cluster.class === "dismissed";
}

/** error: it blocks; warning: a person must answer, or P0 to P2; note: advice, or a finding without a vote. */
function levelOf(cluster: Cluster): "error" | "warning" | "note" {
  if (cluster.disposition === "blocks") return "error";
  if (isVoteless(cluster)) return "note";
  return cluster.disposition === "advisory" && cluster.severity === "P3" ? "note" : "warning";
}

const fold = (text: string): string => text.trim().replaceAll(/\s+/g, " ");

/**
 * Hashes that stay when lines move. `primaryLocationLineHash` is the one that code scanning services match
 * alerts by: it follows the quoted code, or the claim where nothing is quoted, and counts equal ones.
 */
function fingerprintsOf(cluster: Cluster, seen: Map<string, number>, sha256: Sha256): Record<string, string> {
  const hash = (...parts: readonly string[]): string => sha256(parts.join("\0"));
  const file = cluster.file ?? "";
  const claim = fold(cluster.claim).toLowerCase();
  const quote = fold(cluster.quote ?? "");
  const primary = hash(ruleId(cluster), file, quote === "" ? claim : quote).slice(0, 16);
  const count = (seen.get(primary) ?? 0) + 1;
  seen.set(primary, count);
  return {
    primaryLocationLineHash: `${primary}:${count}`,
    "okstraClaim/v1": hash(file, claim),
    ...(quote === "" ? {} : { "okstraQuote/v1": hash(file, quote) }),
  };
}

function regionOf(cluster: Cluster): Json | null {
  const { startLine, endLine, quote } = cluster;
  if (startLine === null || startLine < 1) return null;
  return {
    startLine,
    ...(endLine === null || endLine < startLine ? {} : { endLine }),
    ...(quote === null || quote === "" ? {} : { snippet: { text: neutraliseBlock(quote) } }),
  };
}

function locationOf(cluster: Cluster, words: Wording): Json {
  const uri = cluster.file === null ? null : relativeUri(cluster.file);
  if (uri === null) {
    return { physicalLocation: { artifactLocation: { uri: NO_FILE_URI, uriBaseId: "SRCROOT", description: { text: words.noPlace } } } };
  }
  const region = regionOf(cluster);
  return { physicalLocation: { artifactLocation: { uri, uriBaseId: "SRCROOT" }, ...(region === null ? {} : { region }) } };
}

function suppressionsOf(cluster: Cluster, report: Report, words: Wording): Json[] {
  const { override, open } = report.gate;
  if (open && override !== null && cluster.disposition !== "advisory") {
    const { reason, by, at, until } = override;
    return [{ kind: "external", status: "accepted", justification: neutralise(reason), properties: { by: neutralise(by), at, until } }];
  }
  if (cluster.class === "dismissed") {
    const reason = cluster.reason === null ? words.classes.dismissed : neutralise(phraseFor(words.classReasons, cluster.reason));
    return [{ kind: "external", status: "accepted", justification: reason }];
  }
  return [];
}

/** `unknown` beside known ones counts as new: a run gives either all of its results a state or none. */
function baselineOf(cluster: Cluster): "new" | "unchanged" {
  return cluster.baseline === "already-there" ? "unchanged" : "new";
}

function rulesOf(clusters: readonly Cluster[]): Json[] {
  return [...new Set(clusters.map(ruleId))].sort().map((id) => ({
    id,
    name: id,
    shortDescription: { text: messageText(id) },
    fullDescription: { text: messageText(`Findings that the workers of okstra raised in the category ${id}.`) },
    help: { text: messageText(`A finding of the category ${id}. The report of the run says who raised it and what was executed.`) },
    defaultConfiguration: { level: "warning" },
    properties: { tags: [id] },
  }));
}

function invocationOf(report: Report, words: Wording): Json {
  const notifications = report.lanes
    .filter((lane) => lane.end !== "ok")
    .map((lane) => ({
      level: "error",
      descriptor: { id: `lane-${lane.end}` },
      message: { text: messageText(`${lane.worker}: ${phraseFor(words.ends, lane.end)}${lane.reason === null ? "" : `: ${lane.reason}`}`) },
    }));
  return {
    executionSuccessful: report.lanes.length > 0 && notifications.length === 0,
    toolExecutionNotifications: notifications,
    ...(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(report.generatedAt) ? { endTimeUtc: report.generatedAt } : {}),
  };
}

/** okstra knows the repository by its directory, not by an address elsewhere. */
function provenanceOf(report: Report): Json[] {
  const repositoryUri = directoryUrl(report.project.root);
  if (repositoryUri === null || report.commit === "") return [];
  const branch = neutralise(report.provision.branch);
  return [
    { repositoryUri, revisionId: neutralise(report.commit), ...(branch === "" ? {} : { branch }), mappedTo: { uriBaseId: "SRCROOT" } },
  ];
}

/**
 * `report.sarif`: the report as one run of a SARIF 2.1.0 log, one result for each cluster. Levels come from
 * severity and disposition, rules from categories; paths are relative to `SRCROOT`.
 *
 * @param sha256 lower-case hex SHA-256, for the fingerprints
 */
export function renderSarif(report: Report, sha256: Sha256): Json {
  const words = wordingFor(report.lang);
  const { clusters } = report;
  const rules = rulesOf(clusters);
  const ruleIndex = new Map(rules.map((rule, at) => [rule["id"], at]));
  const hasBaseline = clusters.some((cluster) => cluster.baseline !== "unknown");
  const suppressions = clusters.map((cluster) => suppressionsOf(cluster, report, words));
  const hasSuppressions = suppressions.some((list) => list.length > 0);
  const seen = new Map<string, number>();
  const root = directoryUrl(report.sourceRoot);
  const provenance = provenanceOf(report);

  const results = clusters.map((cluster, at) => ({
    ruleId: ruleId(cluster),
    ruleIndex: ruleIndex.get(ruleId(cluster)),
    level: levelOf(cluster),
    message: { text: messageText(cluster.claim.trim() === "" ? ruleId(cluster) : cluster.claim) },
    locations: [locationOf(cluster, words)],
    partialFingerprints: fingerprintsOf(cluster, seen, sha256),
    ...(hasBaseline ? { baselineState: baselineOf(cluster) } : {}),
    ...(hasSuppressions ? { suppressions: suppressions[at] } : {}),
    properties: {
      cluster: cluster.id,
      severity: cluster.severity,
      class: cluster.class,
      disposition: cluster.disposition,
      verification: cluster.verification,
      baseline: cluster.baseline,
      flaky: cluster.flaky,
      families: cluster.families.map(neutralise),
      place: cluster.file === null || relativeUri(cluster.file) === null ? "none" : "file",
    },
  }));

  return {
    $schema: SCHEMA_URI,
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "okstra", version: neutralise(report.okstraVersion) || "unknown", rules } },
        automationDetails: { id: `okstra/${neutralise(report.type)}/${neutralise(report.runId)}` },
        language: report.lang === "ko" ? "ko-KR" : "en-US",
        columnKind: "utf16CodeUnits",
        ...(root === null ? {} : { originalUriBaseIds: { SRCROOT: { uri: root } } }),
        ...(provenance.length === 0 ? {} : { versionControlProvenance: provenance }),
        invocations: [invocationOf(report, words)],
        results,
        properties: {
          taskKey: neutralise(report.taskKey),
          run: report.run,
          verdict: report.verdict,
          gateOpen: report.gate.open,
          crossChecked: report.crossChecked,
        },
      },
    ],
  };
}

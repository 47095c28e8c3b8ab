import type { Cluster } from "../convergence/cluster.ts";
import { SEVERITIES } from "../domain/finding.ts";
import { badge, code, fact, text, type Block, type Fact, type Inline, type Tone } from "./document.ts";
import type { Report } from "./report-data.ts";
import { sourceUrl } from "./source-link.ts";
import { phraseFor, type Wording } from "./wording.ts";

const SEVERITY_TONES: Record<Cluster["severity"], Tone> = { P0: "bad", P1: "bad", P2: "warn", P3: "info" };
const DISPOSITION_TONES: Record<Cluster["disposition"], Tone> = { blocks: "bad", held: "warn", advisory: "quiet" };
const DISPOSITION_ORDER: readonly Cluster["disposition"][] = ["blocks", "held", "advisory"];

/** Kept, but without a vote. */
function isCounted(cluster: Cluster): boolean {
  return cluster.class !== "ungrounded" && cluster.class !== "dismissed";
}

/** `src/a.ts:12`, linked when the path cannot lead out of the tree. Lines from 1. */
export function placeOf(place: { file: string | null; startLine: number | null }, sourceRoot: string, words: Wording): Inline {
  if (place.file === null || place.file === "") return text(words.noPlace);
  const shown = place.startLine === null ? place.file : `${place.file}:${place.startLine}`;
  const href = sourceUrl(sourceRoot, place.file, place.startLine);
  return href === null ? code(shown) : { kind: "link", text: shown, href };
}

function findingBlock(cluster: Cluster, report: Report, words: Wording): Block {
  const { labels } = words;
  const votes = report.votes.filter(({ findingId }) => cluster.members.includes(findingId));
  const badges: Inline[] = [
    badge(cluster.severity, SEVERITY_TONES[cluster.severity]),
    badge(words.dispositions[cluster.disposition], DISPOSITION_TONES[cluster.disposition]),
    badge(words.classes[cluster.class], "quiet"),
    badge(words.verifications[cluster.verification], cluster.verification === "confirmed" ? "info" : "quiet"),
    ...(cluster.baseline === "unknown" ? [] : [badge(words.baselines[cluster.baseline], cluster.baseline === "new" ? "info" : "quiet")]),
    ...(cluster.flaky ? [badge(words.flaky, "warn")] : []),
    ...(cluster.strong ? [badge(words.strong, "info")] : []),
  ];
  return {
    kind: "finding",
    id: cluster.id,
    tone: SEVERITY_TONES[cluster.severity],
    claim: cluster.claim,
    badges,
    facts: [
      fact(labels.where, placeOf(cluster, report.sourceRoot, words)),
      fact(labels.raisedBy, ...cluster.members.map(code), text(`(${cluster.families.join(", ")}) · ${cluster.category}`)),
      ...(cluster.kEff === 0 ? [] : [fact(labels.support, text(words.supportOf(cluster.support, cluster.kEff)))]),
      ...(cluster.reason === null ? [] : [fact(labels.reason, text(phraseFor(words.classReasons, cluster.reason)))]),
      ...(cluster.possiblySame.length === 0 ? [] : [fact(labels.possiblySame, ...cluster.possiblySame.map(code))]),
      ...votes.map((vote) => voteFact(vote, words)),
    ],
    excerpts: [
      ...(cluster.quote === null || cluster.quote === "" ? [] : [{ label: labels.quote, text: cluster.quote }]),
      ...cluster.reproducedBy.map((command) => ({ label: labels.reproducedBy, text: command })),
      ...votes.flatMap(({ worker, quote, command }) =>
        [quote, command].flatMap((shown) =>
          shown === null || shown === "" ? [] : [{ label: `${labels.evidence}: ${worker}`, text: shown }],
        ),
      ),
    ],
  };
}

/** What a blind verifier answered, and what its evidence counts as after okstra looked. */
function voteFact(vote: Report["votes"][number], words: Wording): Fact {
  const evidence = phraseFor(words.evidenceKinds, vote.evidence);
  return fact(
    words.labels.vote,
    code(vote.worker),
    text(`(${vote.family}): ${phraseFor(words.verifications, vote.answer)}, ${evidence}: ${vote.text}`),
  );
}

/** Findings of lanes that are not ok: named, so that none is lost, and without a vote. */
function unheardBlocks({ unheard }: Report, words: Wording): Block[] {
  if (unheard.length === 0) return [];
  return [
    { kind: "subhead", text: words.sub.unheard },
    { kind: "paragraph", content: [text(words.unheardNote)] },
    { kind: "list", items: [unheard.map(code)] },
  ];
}

/** Section 3: the open findings by severity, what blocks first; then those without a vote. */
export function findingsBlocks(report: Report, words: Wording): Block[] {
  if (report.clusters.length === 0) {
    const said = report.type === "release-handoff" ? words.empty.handoffFindings : words.empty.findings;
    return [{ kind: "empty", text: said }, ...unheardBlocks(report, words)];
  }
  const counted = report.clusters.filter(isCounted);
  const notCounted = report.clusters.filter((cluster) => !isCounted(cluster));
  const bySeverity = (severity: string): Cluster[] =>
    DISPOSITION_ORDER.flatMap((disposition) =>
      counted.filter((cluster) => cluster.severity === severity && cluster.disposition === disposition),
    );

  const blocks: Block[] = [
    {
      kind: "tally",
      items: [
        ...SEVERITIES.map((severity) => ({
          label: phraseFor(words.severities, severity),
          count: bySeverity(severity).length,
          tone: SEVERITY_TONES[severity],
        })),
        { label: words.sub.notCounted, count: notCounted.length, tone: "quiet" as const },
      ],
    },
  ];
  for (const severity of SEVERITIES) {
    const clusters = bySeverity(severity);
    if (clusters.length === 0) continue;
    blocks.push({ kind: "subhead", text: words.sub[severity] }, ...clusters.map((cluster) => findingBlock(cluster, report, words)));
  }
  if (notCounted.length > 0) {
    blocks.push(
      { kind: "subhead", text: words.sub.notCounted },
      { kind: "paragraph", content: [text(words.notCountedNote)] },
      ...notCounted.map((cluster) => findingBlock(cluster, report, words)),
    );
  }
  return [...blocks, ...unheardBlocks(report, words)];
}

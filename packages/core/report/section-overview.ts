import type { Money } from "../domain/agent-use.ts";
import { addMoney, formatMoney } from "../domain/money.ts";
import { isAgentKind } from "../domain/served-model.ts";
import type { Verdict } from "../domain/run.ts";
import { describeOutcome } from "../phases/release-handoff/blocks.ts";
import { badge, code, fact, text, type Block, type Fact, type Inline, type Tone } from "./document.ts";
import type { Report } from "./report-data.ts";
import { formatDuration, formatTime, phraseFor, shortCommit, type Wording } from "./wording.ts";

const VERDICT_TONES: Record<Verdict, Tone> = {
  accepted: "good",
  "conditional-accept": "warn",
  blocked: "bad",
  reproduced: "good",
  "not-reproduced": "warn",
  implemented: "good",
  "not-implemented": "bad",
  "handed-off": "good",
  committed: "good",
  skipped: "quiet",
  cancelled: "quiet",
  "push-rejected": "bad",
  none: "quiet",
};

function gateState(report: Report, words: Wording): { tone: Tone; text: string } {
  if (!report.gate.open) return { tone: "bad", text: words.gate.held };
  return report.gate.override === null ? { tone: "good", text: words.gate.open } : { tone: "warn", text: words.gate.passedByOverride };
}

function overrideFacts(report: Report, words: Wording): Fact[] {
  const { override } = report.gate;
  if (override === null) return [];
  return [
    fact(words.labels.overrideReason, text(override.reason)),
    fact(words.labels.overrideBy, text(override.by)),
    fact(words.labels.overrideAt, text(formatTime(override.at))),
    fact(words.labels.overrideUntil, text(override.until === null ? words.noEnd : formatTime(override.until))),
  ];
}

/** Section 0: the verdict card. */
export function verdictBlocks(report: Report, words: Wording): Block[] {
  const workers = [...new Set(report.lanes.map((lane) => lane.worker))];
  const finished = workers.filter((worker) => report.lanes.every((lane) => lane.worker !== worker || lane.end === "ok")).length;
  const withDisposition = (disposition: string): number => report.clusters.filter((cluster) => cluster.disposition === disposition).length;
  const counts = words.summary(finished, workers.length, report.clusters.length, withDisposition("blocks"), withDisposition("held"));
  const summary = report.type === "release-handoff" ? outcomeOf(report) : [counts];
  const prose = report.reportWriter.summary;
  const { labels } = words;
  const card: Block = {
    kind: "verdict",
    tone: report.gate.open && report.gate.override !== null ? "warn" : VERDICT_TONES[report.verdict],
    verdict: phraseFor(words.verdicts, report.verdict),
    gate: gateState(report, words),
    badges: crossCheckBadges(report, words),
    summary: [...(prose ?? "").split(/\n{2,}/).filter((part) => part.trim() !== ""), ...summary],
    reasonsLabel: labels.reasons,
    reasons: report.gate.reasons.map((reason) => ({ code: reason, text: phraseFor(words.gateReasons, reason) })),
    override: overrideFacts(report, words),
    facts: [
      fact(labels.commit, report.commit === "" ? text(words.noCommit) : code(shortCommit(report.commit, words))),
      ...(report.baseCommit === null || report.baseCommit === "" ? [] : [fact(labels.base, code(shortCommit(report.baseCommit, words)))]),
      ...(report.provision.branch === "" ? [] : [fact(labels.branch, code(report.provision.branch))]),
      fact(labels.task, code(report.taskKey)),
      ...sandboxFacts(report, words),
      ...useFacts(report, words),
      fact(labels.run, text(String(report.run))),
      fact(labels.written, text(formatTime(report.generatedAt))),
    ],
  };
  return report.verdict === "none" ? [card, { kind: "empty", text: words.empty.verdict }] : [card];
}

/** A hand-off has no workers that could check each other; what it says is what happened. */
function crossCheckBadges(report: Report, words: Wording): Inline[] {
  if (report.type === "release-handoff") return [];
  return report.crossChecked ? [badge(words.crossCheck(report.kEff), "info")] : [badge(words.noCrossCheck, "warn")];
}

const outcomeOf = ({ releaseHandoff, lang }: Report): string[] => (releaseHandoff === null ? [] : [describeOutcome(releaseHandoff, lang)]);

/** Which workers ran in which sandbox; okstra's own code needs none. */
function sandboxFacts(report: Report, words: Wording): Fact[] {
  const states = new Map<string, Set<string>>();
  for (const { sandbox, worker } of report.lanes) {
    if (sandbox === undefined || sandbox === "none") continue;
    states.set(sandbox, (states.get(sandbox) ?? new Set()).add(worker));
  }
  if (states.size === 0) return [];
  const isOne = states.size === 1;
  const said = [...states].map(
    ([state, workers]) => `${phraseFor(words.sandboxes, state)}${isOne ? "" : ` (${[...workers].sort().join(", ")})`}`,
  );
  return [fact(words.labels.sandbox, text(said.sort().join("; ")))];
}

/** Tokens and cost of all lanes; the cost of each currency by itself. */
function useFacts(report: Report, words: Wording): Fact[] {
  const used = report.lanes.filter((lane) => lane.usage !== null && lane.usage !== undefined);
  if (used.length === 0) return [];
  const tokens = used.reduce((sum, lane) => sum + (lane.usage?.totalTokens ?? 0), 0);
  const said = [words.tokens(tokens.toLocaleString("en-US")), ...sumCosts(used.flatMap((lane) => lane.cost ?? [])).map(formatMoney)];
  if (used.some((lane) => lane.cost === null || lane.cost === undefined)) said.push(words.costUnknown);
  return [fact(words.labels.used, text(said.join(" · ")))];
}

function sumCosts(costs: readonly Money[]): Money[] {
  const sums = new Map<string, Money>();
  for (const { amount, currency } of costs) {
    const known = sums.get(currency);
    sums.set(currency, known === undefined ? { amount, currency } : addMoney(known, { amount, currency }));
  }
  return [...sums.values()];
}

/** Section 1: what a person may do next, and the task's questions. */
export function nextBlocks(report: Report, words: Wording): Block[] {
  const steps: Block =
    report.nextSteps.length === 0
      ? { kind: "empty", text: words.empty.next }
      : { kind: "steps", items: report.nextSteps.map((step) => ({ text: phraseFor(words.nextSteps, step.code), command: step.command })) };
  return [steps, ...questionBlocks(report, words)];
}

function questionBlocks(report: Report, words: Wording): Block[] {
  if (report.clarifications.length === 0) return [];
  const { labels } = words;
  const rows = report.clarifications.map(({ id, question, blocks, answer }): Inline[][] => [
    [code(id)],
    [text(question)],
    [text(phraseFor(words.blocks, blocks))],
    answer === null ? [badge(words.notAnswered, blocks === "none" ? "quiet" : "warn")] : [text(`${answer.text} (${answer.by})`)],
  ]);
  return [
    { kind: "subhead", text: words.sub.questions },
    { kind: "table", head: [labels.id, labels.question, labels.blocks, labels.answer], rows },
  ];
}

function endTone(end: string): Tone {
  if (end === "ok") return "good";
  return end === "failed" ? "bad" : "warn";
}

function modelText(lane: Report["lanes"][number], words: Wording): Inline[] {
  const { modelAsked: asked, modelServed: served } = lane;
  if (asked === null && served === null) return [];
  if (asked !== null && served === null && isAgentKind(lane.kind)) return [text(words.modelUnknown(asked))];
  if (asked === null || served === null || asked === served) return [code(asked ?? served ?? "")];
  return [text(words.modelServed(asked, served))];
}

/** A lane that is not ok has said nothing, and nobody may read its silence as agreement. */
function failureText(lane: Report["lanes"][number], words: Wording): Inline[] {
  const said = text(words.saidNothing(lane.worker, phraseFor(words.ends, lane.end)));
  return lane.reason === null || lane.reason === "" ? [said] : [said, text(lane.reason)];
}

/** Section 2: who ran, and how each lane ended. */
export function workersBlocks(report: Report, words: Wording): Block[] {
  if (report.lanes.length === 0)
    return [{ kind: "empty", text: report.type === "release-handoff" ? words.empty.handoffWorkers : words.empty.workers }];
  const { labels } = words;
  const rows = report.lanes.map((lane): Inline[][] => {
    const details = [
      lane.reason ?? "",
      lane.exitCode === null || lane.exitCode === 0 ? "" : words.exitCode(lane.exitCode),
      phraseFor(words.isolations, lane.isolation),
    ].filter((part) => part !== "");
    const part = phraseFor(words.roles, lane.role);
    return [
      [code(lane.worker)],
      [text(lane.round > 1 ? words.laneRound(part, lane.round) : part)],
      [badge(phraseFor(words.ends, lane.end), endTone(lane.end))],
      [text(lane.family)],
      [text(String(lane.findings))],
      [text(formatDuration(lane.durationMs, words))],
      modelText(lane, words),
      [text(details.join(" · "))],
    ];
  });
  const head = [labels.worker, labels.role, labels.end, labels.family, labels.findings, labels.time, labels.model, labels.detail];
  const isCrossChecked: Block = report.crossChecked
    ? { kind: "paragraph", content: [text(words.crossCheck(report.kEff))] }
    : { kind: "notice", tone: "warn", content: [text(words.noCrossCheck)] };
  const failures = report.lanes
    .filter((lane) => lane.end !== "ok")
    .map((lane): Block => ({ kind: "notice", tone: "bad", content: failureText(lane, words) }));
  return [isCrossChecked, ...failures, { kind: "table", head, rows }];
}

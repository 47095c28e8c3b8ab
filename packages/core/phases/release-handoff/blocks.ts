import { badge, code, fact, text, type Block, type Fact, type Inline, type Tone } from "../../report/document.ts";
import { formatCommandLine } from "../../report/shell-words.ts";
import { formatDuration, formatTime, phraseFor, wordingFor, type Language, type Wording } from "../../report/wording.ts";
import type { HandoffSection } from "./section.ts";
import { WORDING } from "./wording.ts";

type Words = (typeof WORDING)[Language];
type Part = keyof Wording["handoff"];

/** Characters of a commit id that are shown in a table. */
const SHORT = 12;

/** Changed files that are listed; all of them are in the plan. */
const MAX_FILES = 100;

/** One sentence about what came of the hand-off. */
export function describeOutcome({ outcome, pullRequest, moved }: HandoffSection, lang: Language): string {
  const words = WORDING[lang];
  if (outcome === "handed-off") return phraseFor(words.handedOff, pullRequest.kind);
  return outcome === "committed" && moved !== null ? words.squashed : phraseFor(words.outcomes, outcome);
}

/** Section 4: what came of it, in short; the record is in 4.6. */
export function handoffSummaryBlocks(section: HandoffSection, lang: Language): Block[] {
  return [{ kind: "paragraph", content: [text(describeOutcome(section, lang))] }];
}

/** Section 4.6, part by part. URLs of a remote are shown as code: nobody but the remote's owner knows where they lead. */
export function handoffBlocks(section: HandoffSection, lang: Language): Readonly<Record<Part, readonly Block[]>> {
  const words = WORDING[lang];
  const notDone = section.outcome === "skipped" || section.outcome === "cancelled" ? words.notDone[section.outcome] : null;
  const said = (part: "calls" | "commits" | "pullRequest", blocks: (section: HandoffSection, words: Words, lang: Language) => Block[]) =>
    notDone === null ? blocks(section, words, lang) : [emptyBlock(notDone[part])];
  return {
    sourceVerification: sourceBlocks(section, words, lang),
    branchState: stateBlocks(section, words),
    userSelections: selectionBlocks(section, words),
    executedCommands: said("calls", callBlocks),
    commitList: said("commits", commitBlocks),
    pullRequest: said("pullRequest", pullRequestBlocks),
    routing: routingBlocks(section, lang),
  };
}

const emptyBlock = (said: string): Block => ({ kind: "empty", text: said });
const factsBlock = (facts: readonly Fact[]): Block => ({ kind: "facts", facts });
const label = (said: string): Block => ({ kind: "paragraph", content: [{ kind: "strong", text: said }] });

/** 4.6.1 */
function sourceBlocks({ source }: HandoffSection, words: Words, lang: Language): Block[] {
  const { labels } = words;
  const { override } = source;
  const general = wordingFor(lang);
  return [
    factsBlock([
      fact(labels.run, text(`${general.phases["final-verification"]} ${source.run}`), code(source.runId)),
      fact(labels.verdict, text(phraseFor(general.verdicts, source.verdict))),
      fact(labels.openedBy, text(phraseFor(words.openedBy, source.openedBy))),
      ...(override === null
        ? []
        : [
            fact(labels.overrideReason, text(override.reason)),
            fact(labels.overrideBy, text(override.by)),
            fact(labels.overrideAt, text(formatTime(override.at))),
            fact(labels.overrideUntil, text(override.until === null ? general.noEnd : formatTime(override.until))),
          ]),
      fact(labels.commit, code(source.commit)),
      fact(labels.report, code(source.reportPath)),
      fact(labels.reportSha256, code(source.reportSha256)),
    ]),
    ...(override === null ? [] : [{ kind: "notice" as const, tone: "warn" as const, content: [text(words.overridden)] }]),
  ];
}

/** 4.6.2 */
function stateBlocks({ state }: HandoffSection, words: Words): Block[] {
  const { labels } = words;
  const { base, remote, diffstat } = state;
  const differs = remote !== null && remote.url !== remote.pushUrl;
  return [
    factsBlock([
      fact(labels.branch, code(state.branch)),
      fact(labels.head, code(state.head)),
      fact(labels.worktree, code(state.worktree), text(`(${words.clean})`)),
      ...baseFacts(base, words),
      ...remoteFacts(remote, words),
      fact(
        labels.diffstat,
        text(diffstat === null ? words.empty.diffstat : words.diffstat(diffstat.files, diffstat.insertions, diffstat.deletions)),
      ),
      fact(labels.secrets, text(describeScan(state, words))),
      ...(state.secretsAccepted.length === 0 ? [] : [fact(labels.accepted, ...state.secretsAccepted.map(code))]),
      ...(state.notes.length === 0 ? [fact(labels.notes, text(words.none))] : []),
    ]),
    ...(differs ? [{ kind: "notice" as const, tone: "warn" as const, content: [text(words.urlsDiffer)] }] : []),
    ...(state.notes.length === 0 ? [] : [label(labels.notes), listOf(state.notes)]),
    ...fileBlocks(diffstat, words),
  ];
}

const listOf = (texts: readonly string[]): Block => ({ kind: "list", items: texts.map((each) => [text(each)]) });

function baseFacts(base: HandoffSection["state"]["base"], words: Words): Fact[] {
  const { labels } = words;
  if (base === null) return [fact(labels.base, text(words.noBase))];
  return [
    fact(labels.base, code(base.branch), code(base.commit), text(`(${phraseFor(words.baseFrom, base.from)})`)),
    fact(labels.mergeBase, code(base.mergeBase)),
    fact(labels.distance, text(words.distance(base.ahead, base.behind))),
  ];
}

function remoteFacts(remote: HandoffSection["state"]["remote"], words: Words): Fact[] {
  const { labels } = words;
  if (remote === null) return [fact(labels.remote, text(words.noRemote))];
  const { name, url, pushUrl, branchCommit } = remote;
  return [
    fact(labels.remote, code(name)),
    fact(labels.url, code(url)),
    fact(labels.pushUrl, code(pushUrl), ...(url === pushUrl ? [text(`(${words.sameUrl})`)] : [])),
    fact(labels.remoteBranch, branchCommit === null ? text(words.notThere) : code(branchCommit)),
  ];
}

function describeScan({ secretsScanned, secretsAccepted }: HandoffSection["state"], words: Words): string {
  if (secretsScanned === null) return words.notScanned;
  return secretsAccepted.length === 0 ? words.scanned(secretsScanned) : words.scannedAccepted(secretsScanned, secretsAccepted.length);
}

function fileBlocks(diffstat: HandoffSection["state"]["diffstat"], words: Words): Block[] {
  const rows = diffstat?.rows ?? [];
  if (rows.length === 0) return [];
  const lines = (n: number | null): Inline[] => [text(n === null ? words.binary : String(n))];
  const { labels } = words;
  return [
    {
      kind: "table",
      head: [labels.path, labels.added, labels.removed],
      rows: rows
        .slice(0, MAX_FILES)
        .map(({ path, insertions, deletions }): Inline[][] => [[code(path)], lines(insertions), lines(deletions)]),
    },
    ...(rows.length > MAX_FILES ? [{ kind: "paragraph" as const, content: [text(words.moreFiles(rows.length - MAX_FILES))] }] : []),
  ];
}

/** 4.6.3: what a person answered, word for word, and what they chose by it. */
function selectionBlocks({ selections, choice }: HandoffSection, words: Words): Block[] {
  const { labels } = words;
  const rows = selections.map(({ question, text: answer, how, by, at }): Inline[][] => [
    [code(question), text(phraseFor(words.questions, question))],
    answer.trim() === "" ? [badge(words.blank, "quiet")] : [code(answer)],
    [text(phraseFor(words.hows, how))],
    [text(by)],
    [text(formatTime(at))],
  ]);
  const head = [labels.question, labels.answer, labels.how, labels.who, labels.when];
  return [
    rows.length === 0 ? emptyBlock(words.empty.selections) : { kind: "table", head, rows },
    choice === null
      ? emptyBlock(words.empty.choice)
      : factsBlock([
          fact(labels.plan, code(choice.planSha256)),
          fact(labels.chosenHow, text(phraseFor(words.chosenHows, choice.how))),
          fact(labels.chosenBy, text(choice.by)),
          fact(labels.chosenAt, text(formatTime(choice.at))),
        ]),
  ];
}

/** 4.6.4: each call of git or a forge's program since the choice, in the order in which they were made. */
function callBlocks({ calls }: HandoffSection, words: Words, lang: Language): Block[] {
  if (calls.length === 0) return [emptyBlock(words.empty.calls)];
  const { labels } = words;
  const rows = calls.map((call): Inline[][] => [
    [code(formatCommandLine(call.argv))],
    [endOf(call, words)],
    [text(formatTime(call.startedAt))],
    [text(formatDuration(call.durationMs, wordingFor(lang)))],
  ]);
  return [{ kind: "table", head: [labels.command, labels.ended, labels.started, labels.duration], rows }];
}

/** A status other than 0 is an answer too, such as that a commit is no ancestor; being ended is not. */
function endOf({ exitCode, ended }: HandoffSection["calls"][number], words: Words): Inline {
  const isOwn = ended === "by-itself" && exitCode !== null;
  const said = [...(isOwn ? [] : [phraseFor(words.ends, ended)]), ...(exitCode === null ? [] : [words.exit(exitCode)])];
  return badge(said.join(" · "), isOwn ? (exitCode === 0 ? "good" : "quiet") : "bad");
}

/** 4.6.5 */
function commitBlocks(section: HandoffSection, words: Words): Block[] {
  const { commits, outgoing, moved, push } = section;
  const { labels } = words;
  const note = push?.end === "rejected" ? words.notOut : push === null ? words.kept[moved === null ? "as-is" : "squash"] : words.wentOut;
  const rows = commits.map(({ sha, subject, author, at }): Inline[][] => [
    [code(sha.slice(0, SHORT))],
    [text(subject)],
    [text(author)],
    [text(formatTime(at))],
  ]);
  const facts = [
    ...(outgoing === null ? [] : [fact(push === null ? labels.branchAt : labels.outgoing, code(outgoing))]),
    ...(moved === null
      ? []
      : [
          fact(labels.squashedFrom, code(moved.from)),
          fact(labels.squashedTo, code(moved.to)),
          fact(labels.recoveryRef, code(moved.recoveryRef)),
        ]),
    ...(push === null
      ? []
      : [fact(labels.push, badge(phraseFor(words.pushes, push.end), push.end === "pushed" ? "good" : "bad"), code(push.ref))]),
  ];
  return [
    ...(rows.length === 0
      ? [emptyBlock(words.empty.commits)]
      : [
          { kind: "paragraph" as const, content: [text(note)] },
          { kind: "table" as const, head: [labels.sha, labels.subject, labels.author, labels.when], rows },
        ]),
    ...(facts.length === 0 ? [] : [factsBlock(facts)]),
    ...(push === null || push.reason === null ? [] : [label(labels.rejection), { kind: "code" as const, text: push.reason }]),
  ];
}

/** 4.6.6 */
function pullRequestBlocks({ pullRequest }: HandoffSection, words: Words): Block[] {
  const { kind, reason, url, number, state, title, body, compareUrl } = pullRequest;
  const { labels } = words;
  const isThere = kind !== "none";
  const tone: Tone = kind === "opened" ? "good" : "info";
  const facts = [
    ...(isThere ? [fact(labels.pullRequest, badge(phraseFor(words.pullRequests, kind), tone))] : []),
    ...(number === null ? [] : [fact(labels.number, text(String(number)))]),
    ...(url === null ? [] : [fact(labels.url, code(url))]),
    ...(state === null ? [] : [fact(labels.state, text(phraseFor(words.states, state)))]),
    ...(isThere || compareUrl === null ? [] : [fact(labels.compareUrl, code(compareUrl))]),
    ...(title === null ? [] : [fact(labels.title, text(title))]),
  ];
  return [
    ...(reason === null ? [] : reasonBlocks(reason, words)),
    ...(kind === "found" ? [{ kind: "paragraph" as const, content: [text(words.foundNote)] }] : []),
    ...(facts.length === 0 ? [] : [factsBlock(facts)]),
    ...(body === null
      ? []
      : [label(labels.body), body.trim() === "" ? emptyBlock(words.empty.body) : { kind: "code" as const, text: body }]),
  ];
}

function reasonBlocks(reason: string, words: Words): Block[] {
  return [
    { kind: "notice", tone: reason === "not-asked-for" ? "quiet" : "warn", content: [text(phraseFor(words.reasons, reason))] },
    ...(Object.hasOwn(words.reasonNotes, reason)
      ? [{ kind: "paragraph" as const, content: [text(phraseFor(words.reasonNotes, reason))] }]
      : []),
  ];
}

/** 4.6.7: the same step as section 1. */
function routingBlocks({ routing }: HandoffSection, lang: Language): Block[] {
  return [{ kind: "steps", items: [{ text: phraseFor(wordingFor(lang).nextSteps, routing.code), command: routing.command }] }];
}

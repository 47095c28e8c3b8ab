import { compareText } from "../../convergence/content.ts";
import type { Criterion } from "../../domain/task-context.ts";
import { foldText } from "./fold-text.ts";
import type { Heard } from "./heard.ts";
import type { RequirementsResult } from "./result-schema.ts";

export interface MergedCriterion extends Pick<Criterion, "id" | "text" | "check"> {
  readonly workers: readonly string[];
  /** How others put it. */
  readonly otherTexts: readonly string[];
  /** What others would run. */
  readonly otherCommands: readonly string[];
}

interface Member {
  readonly worker: string;
  readonly text: string;
  readonly check: { readonly kind: "command" | "inspection"; readonly command: string | null; readonly how: string };
}

/**
 * The criteria of all workers as AC1, AC2 … Two are one when their command is the same or their text is the same when
 * folded; near-same texts stay apart. A command that one worker gives for several criteria, such as the whole test
 * suite, does not tell them apart from others', so it joins nothing. Ordered by text and check, so that neither the
 * order of workers nor their names have an effect.
 */
export function mergeCriteria(heard: readonly Heard<Pick<RequirementsResult, "criteria">>[]): MergedCriterion[] {
  const members = heard.flatMap(({ worker, said }) =>
    said.criteria.filter(({ text }) => foldText(text) !== "").map((each) => toMember(worker, each)),
  );
  return groupMembers(members)
    .map((group) => group.toSorted(compareMembers))
    .toSorted(([a], [b]) => (a === undefined || b === undefined ? 0 : compareContent(a, b)))
    .flatMap((group, at) => {
      const [first] = group;
      return first === undefined ? [] : [describeGroup(`AC${at + 1}`, first, group)];
    });
}

/** Only what is to be judged by a command has one: okstra executes every command that it is given. */
function toMember(worker: string, { text, check }: RequirementsResult["criteria"][number]): Member {
  const command = check.kind === "command" ? (check.command ?? "").trim() : "";
  return {
    worker,
    text,
    check: command === "" ? { kind: "inspection", command: null, how: check.how } : { kind: "command", command, how: check.how },
  };
}

/** Members that share a text or a telling command, directly or through others. */
function groupMembers(members: readonly Member[]): Member[][] {
  const vague = vagueCommands(members);
  const parents = new Map<string, string>();
  const rootOf = (key: string): string => {
    const parent = parents.get(key);
    return parent === undefined ? key : rootOf(parent);
  };
  const textKey = ({ text }: Member): string => `text ${foldText(text)}`;
  for (const member of members) {
    const { command } = member.check;
    if (command === null || vague.has(command)) continue;
    const [one, other] = [rootOf(textKey(member)), rootOf(`command ${command}`)];
    if (one !== other) parents.set(one, other);
  }
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const root = rootOf(textKey(member));
    groups.set(root, [...(groups.get(root) ?? []), member]);
  }
  return [...groups.values()];
}

/** Commands that one worker gives for two criteria or more. */
function vagueCommands(members: readonly Member[]): ReadonlySet<string> {
  const textOf = new Map<string, string>();
  const vague = new Set<string>();
  for (const { worker, text, check } of members) {
    if (check.command === null) continue;
    const key = JSON.stringify([worker, check.command]);
    const folded = foldText(text);
    if ((textOf.get(key) ?? folded) !== folded) vague.add(check.command);
    textOf.set(key, folded);
  }
  return vague;
}

function describeGroup(id: string, { text, check }: Member, group: readonly Member[]): MergedCriterion {
  const distinct = (values: readonly string[]): string[] => [...new Set(values)].toSorted(compareText);
  const others = group.filter((each) => foldText(each.text) !== foldText(text));
  const byText = new Map(others.map((each) => [foldText(each.text), each.text]));
  return {
    id,
    text,
    check: { ...check },
    workers: distinct(group.map(({ worker }) => worker)),
    otherTexts: distinct([...byText.values()]),
    otherCommands: distinct(group.flatMap(({ check: { command } }) => (command === null || command === check.command ? [] : [command]))),
  };
}

/** The one that speaks for all comes first: a command can be executed, an inspection cannot. */
function compareMembers(a: Member, b: Member): number {
  return compareText(a.check.kind, b.check.kind) || compareContent(a, b);
}

function compareContent(a: Member, b: Member): number {
  return (
    compareText(foldText(a.text), foldText(b.text)) ||
    compareText(a.text, b.text) ||
    compareText(a.check.command ?? "", b.check.command ?? "") ||
    compareText(a.check.how, b.check.how)
  );
}

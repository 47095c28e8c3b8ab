import { UNKNOWN_FAMILY } from "../domain/agent-use.ts";
import { SEVERITIES, type Disposition, type FindingClass, type Severity, type Verification } from "../domain/finding.ts";

/** What a vote rests on, weakest first. Code counts as quoted only when the quote was found at the run's commit. */
export const EVIDENCE = ["reasoning", "quoted-code", "reproduction"] as const;
export type Evidence = (typeof EVIDENCE)[number];

/** A blind verifier's answer about a claim that its family did not raise, or what okstra's own execution showed. */
export interface Vote {
  readonly answer: "confirmed" | "refuted" | "unverifiable";
  readonly evidence: Evidence;
}

export interface MemberFacts {
  readonly family: string;
  readonly severity: Severity;
  readonly grounded: boolean;
  readonly fix?: string | undefined;
}

export interface ClusterFacts {
  readonly members: readonly MemberFacts[];
  readonly votes: readonly Vote[];
  /** The distinct families whose lane is `ok` and covered the place, whether or not they raised it. */
  readonly families: readonly string[];
}

export interface Classification {
  readonly class: FindingClass;
  /** Consensus of three families or more, and of all. */
  readonly strong: boolean;
  readonly verification: Verification;
  /** Distinct families with a grounded finding. */
  readonly support: number;
  /** Distinct families that could have agreed. One that raised it with a quote that is not there abstains. */
  readonly kEff: number;
  /** The gravest that a grounded member proposes; of an ungrounded cluster the gravest of all. */
  readonly severity: Severity;
  /** Why it is contested or dismissed, in one line; else null. */
  readonly reason: string | null;
}

/** Severities so many levels apart are a dispute. */
const LEVELS_OF_DISPUTE = 2;
const SUPPORT_FOR_STRONG = 3;

/**
 * Step 5: the class of one cluster, first match. Pure: the order of members, votes and families has no effect, and
 * another family with a grounded finding of the same severity never lowers the class.
 */
export function classify({ members, votes, families }: ClusterFacts): Classification {
  const grounded = members.filter((member) => member.grounded);
  // Whoever raised it with a model that nobody knows may be of any family: that adds no agreement.
  const known = (family: string): boolean => family !== UNKNOWN_FAMILY;
  const supporting = new Set(grounded.map(({ family }) => family).filter(known));
  const abstaining = new Set(members.map(({ family }) => family).filter((family) => !supporting.has(family)));
  const support = supporting.size;
  const kEff = new Set([...families.filter((family) => known(family) && !abstaining.has(family)), ...supporting]).size;
  const confirmed = strongest(votes, "confirmed");
  const refuted = strongest(votes, "refuted");
  const levels = (grounded.length > 0 ? grounded : members).map(({ severity }) => SEVERITIES.indexOf(severity));
  const isGrounded = grounded.length > 0 || confirmed >= QUOTED;
  const facts = { support, kEff, severity: SEVERITIES[Math.min(...levels)] ?? "P3", verification: verificationOf(votes) };
  const answer = (name: FindingClass, reason: string | null = null, strong = false): Classification => ({
    ...facts,
    class: name,
    strong,
    reason,
  });

  if (refuted === REPRODUCED && confirmed < REPRODUCED) return answer("dismissed", "a reproduction shows that it is not so");
  if (!isGrounded && refuted >= QUOTED) return answer("dismissed", "refuted with quoted code, and its own quote is not in the file");
  if (isGrounded && refuted >= QUOTED && (refuted === confirmed || confirmed < REPRODUCED))
    return answer("contested", "there is grounded evidence for it and against it");
  if (grounded.length > 0 && Math.max(...levels) - Math.min(...levels) >= LEVELS_OF_DISPUTE)
    return answer("contested", `severities are ${LEVELS_OF_DISPUTE} levels or more apart`);
  if (haveContraryFixes(grounded)) return answer("contested", "the proposed fixes contradict each other");
  if (support >= 2 && support >= Math.floor(kEff / 2) + 1)
    return answer("consensus", null, support >= SUPPORT_FOR_STRONG && support === kEff);
  if (support >= 2) return answer("partial");
  return answer(isGrounded ? "unique" : "ungrounded");
}

/** Step 6: what follows for the gate. Grave claims that are neither settled nor disposed of wait for a person. */
export function disposeOf({
  class: name,
  strong,
  verification,
  severity,
}: Omit<Classification, "support" | "kEff" | "reason">): Disposition {
  if (severity === "P2" || severity === "P3" || name === "ungrounded" || name === "dismissed") return "advisory";
  if (name === "contested") return "held";
  return verification === "confirmed" || strong ? "blocks" : "held";
}

/** Whether blind verification can be left out: three families or more agree, and no other was there to disagree. */
export function needsVerification({ class: name, strong }: Pick<Classification, "class" | "strong">): boolean {
  return !strong && name !== "dismissed";
}

const NO_VOTE = 0;
const QUOTED = EVIDENCE.indexOf("quoted-code") + 1;
const REPRODUCED = EVIDENCE.indexOf("reproduction") + 1;

/** Rank of the best evidence for an answer, from 1; 0 without any. */
function strongest(votes: readonly Vote[], answer: Vote["answer"]): number {
  return Math.max(NO_VOTE, ...votes.filter((vote) => vote.answer === answer).map(({ evidence }) => EVIDENCE.indexOf(evidence) + 1));
}

/** Reasoning alone can confirm, but not refute: what disposes of a claim has to be shown. */
function verificationOf(votes: readonly Vote[]): Verification {
  const confirmed = strongest(votes, "confirmed");
  const refuted = strongest(votes, "refuted");
  if (confirmed > refuted) return "confirmed";
  if (refuted > confirmed && refuted >= QUOTED) return "refuted";
  return votes.length > 0 ? "unverifiable" : "unverified";
}

/** Verbs of which one undoes what the other does. */
const CONTRARY: readonly (readonly [RegExp, RegExp])[] = [
  [/\b(?:remov|delet|drop|revert)\p{L}*/iu, /\b(?:keep|add|restor|retain|preserv)\p{L}*/iu],
  [/\bincreas\p{L}*/iu, /\b(?:decreas|lower|reduc)\p{L}*/iu],
  [/\benabl\p{L}*/iu, /\bdisabl\p{L}*/iu],
  [/\b(?:allow|accept|permit)\p{L}*/iu, /\b(?:forbid|reject|deny|denies|refus)\p{L}*/iu],
];

/**
 * Two fixes contradict each other when one does what the other undoes to a thing that both name. Fixes that merely
 * differ are no dispute: nearly all do.
 */
export function contradict(one: string, other: string): boolean {
  const things = objectsOf(one);
  if (!objectsOf(other).some((thing) => things.includes(thing))) return false;
  return CONTRARY.some(([does, undoes]) => {
    const sides = [one, other].map((fix) => (does.test(fix) === undoes.test(fix) ? 0 : does.test(fix) ? 1 : -1));
    return sides[0] !== 0 && sides[0] === -(sides[1] ?? 0);
  });
}

function haveContraryFixes(members: readonly MemberFacts[]): boolean {
  const fixes = members.flatMap(({ fix }) => (fix === undefined || fix === "" ? [] : [fix]));
  return fixes.some((one, at) => fixes.slice(at + 1).some((other) => contradict(one, other)));
}

/** Words that name something: identifiers and longer words, verbs of the table out. */
function objectsOf(fix: string): string[] {
  const words = fix.toLowerCase().match(/[\p{L}\p{N}_$]{4,}/gu) ?? [];
  return words.filter(
    (word) => !CONTRARY.flat().some((verb) => verb.test(word)) && !/^(?:this|that|with|from|when|should|must|the)$/u.test(word),
  );
}

import type { Language } from "../../report/wording.ts";
import type { CriterionVerdict } from "./result.ts";
import type { FinalVerificationSection } from "./section.ts";

type Basis = FinalVerificationSection["criteria"][number]["basis"];

const EN = {
  sub: {
    criteria: "Acceptance criteria",
    checks: "Checks at this commit",
    dissent: "Dissent",
    residualRisks: "Residual risks",
    treeChanged: "Changes to the tree",
  },
  empty: {
    criteria: "The task has no acceptance criteria.",
    checks: "No check was executed.",
    dissent: "No dissent was left.",
    residualRisks: "No worker named one.",
  },
  labels: {
    criterion: "Criterion",
    text: "Text",
    verdict: "Verdict",
    basis: "Rests on",
    evidence: "Evidence",
    command: "Command",
    result: "Result",
    runs: "Failed of runs",
    against: "Against the base",
    worker: "Worker",
    changedBy: "Changed by",
  },
  verdicts: { met: "met", "not-met": "not met", unknown: "not known" } satisfies Record<CriterionVerdict, string>,
  bases: {
    executed: "executed by okstra",
    agreement: "families that agree",
    "one-family": "one family alone",
    split: "the workers differ",
    none: "nothing",
  } satisfies Record<Basis, string>,
  positions: {
    met: "met",
    "not-met": "not met",
    unknown: "not known",
    confirmed: "confirmed",
    refuted: "refuted",
    unverifiable: "cannot be verified",
    "raised-P0": "raised as P0",
    "raised-P1": "raised as P1",
    "raised-P2": "raised as P2",
    "raised-P3": "raised as P3",
  },
  coverage: (covered: number, total: number) => `${covered} of ${total} with evidence.`,
  exit: (code: number) => `exit ${code}`,
  timedOut: "timed out",
  ended: "ended by a signal",
};

const KO: typeof EN = {
  sub: {
    criteria: "인수 기준",
    checks: "이 커밋에서 실행한 검사",
    dissent: "이견",
    residualRisks: "남은 위험",
    treeChanged: "트리 변경",
  },
  empty: {
    criteria: "이 작업에는 인수 기준이 없습니다.",
    checks: "실행된 검사가 없습니다.",
    dissent: "남은 이견이 없습니다.",
    residualRisks: "위험을 말한 작업자가 없습니다.",
  },
  labels: {
    criterion: "기준",
    text: "내용",
    verdict: "판정",
    basis: "판정의 바탕",
    evidence: "근거",
    command: "명령",
    result: "결과",
    runs: "실패/실행",
    against: "기준과 비교",
    worker: "작업자",
    changedBy: "변경한 작업자",
  },
  verdicts: { met: "충족", "not-met": "미충족", unknown: "알 수 없음" },
  bases: {
    executed: "okstra가 실행함",
    agreement: "계열들의 일치",
    "one-family": "한 계열만",
    split: "작업자 사이에 이견",
    none: "없음",
  },
  positions: {
    met: "충족",
    "not-met": "미충족",
    unknown: "알 수 없음",
    confirmed: "확인됨",
    refuted: "반박됨",
    unverifiable: "검증 불가",
    "raised-P0": "P0으로 제기",
    "raised-P1": "P1로 제기",
    "raised-P2": "P2로 제기",
    "raised-P3": "P3으로 제기",
  },
  coverage: (covered, total) => `${total}개 중 ${covered}개에 근거가 있습니다.`,
  exit: (code) => `종료 코드 ${code}`,
  timedOut: "시간 초과",
  ended: "시그널로 종료",
};

export const WORDING: Readonly<Record<Language, typeof EN>> = { en: EN, ko: KO };

/** Headings of level 3 that may stand in section 4. */
export const SUBHEADS: Readonly<Record<Language, readonly string[]>> = { en: Object.values(EN.sub), ko: Object.values(KO.sub) };

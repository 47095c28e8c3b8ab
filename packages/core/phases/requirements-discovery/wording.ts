import type { Language } from "../../report/wording.ts";
import type { CATEGORIES, SIZES } from "./result-schema.ts";
import type { RequirementsSection } from "./section.ts";

const EN = {
  sub: {
    classification: "Classification",
    criteria: "Acceptance criteria",
    clarifications: "Questions of this run",
    skip: "Phases that may be skipped",
  },
  empty: {
    classification: "No worker classified the work.",
    criteria: "No acceptance criterion was written.",
    clarifications: "No question was asked.",
    skip: "No phase may be skipped.",
  },
  labels: {
    category: "Category",
    size: "Size",
    nextPhase: "Next phase",
    worker: "Worker",
    family: "Family",
    summary: "Summary",
    criterion: "Criterion",
    text: "Text",
    check: "Checked by",
    workers: "Written by",
    question: "Question",
    why: "Why",
    blocks: "Blocks",
    askedBy: "Asked by",
    phase: "Phase",
  },
  categories: {
    bugfix: "bug fix",
    feature: "feature",
    refactor: "refactoring",
    ops: "operations",
    improvement: "improvement",
  } satisfies Record<(typeof CATEGORIES)[number], string>,
  sizes: { trivial: "trivial", small: "small", normal: "normal", large: "large" } satisfies Record<(typeof SIZES)[number], string>,
  notSaid: "not said",
  alsoPut: (text: string) => `also put as: ${text}`,
  alsoRun: "others would run",
  ties: {
    category: "As many families say one category as another; the first in the list of categories was taken:",
    size: "As many families say one size as another; the larger was taken:",
    nextPhase: "As many families say one next phase as another; the earlier was taken:",
  } satisfies Record<RequirementsSection["notes"][number]["about"], string>,
};

const KO: typeof EN = {
  sub: {
    classification: "분류",
    criteria: "인수 기준",
    clarifications: "이번 실행의 질문",
    skip: "건너뛸 수 있는 단계",
  },
  empty: {
    classification: "작업을 분류한 작업자가 없습니다.",
    criteria: "작성된 인수 기준이 없습니다.",
    clarifications: "질문이 없습니다.",
    skip: "건너뛸 수 있는 단계가 없습니다.",
  },
  labels: {
    category: "종류",
    size: "크기",
    nextPhase: "다음 단계",
    worker: "작업자",
    family: "계열",
    summary: "요약",
    criterion: "기준",
    text: "내용",
    check: "확인 방법",
    workers: "작성",
    question: "질문",
    why: "이유",
    blocks: "막는 것",
    askedBy: "질문한 작업자",
    phase: "단계",
  },
  categories: { bugfix: "버그 수정", feature: "기능", refactor: "리팩터링", ops: "운영", improvement: "개선" },
  sizes: { trivial: "아주 작음", small: "작음", normal: "보통", large: "큼" },
  notSaid: "말하지 않음",
  alsoPut: (text) => `다른 표현: ${text}`,
  alsoRun: "다른 작업자의 명령",
  ties: {
    category: "종류를 말한 계열의 수가 같아 목록에서 먼저 나오는 것을 골랐습니다:",
    size: "크기를 말한 계열의 수가 같아 더 큰 것을 골랐습니다:",
    nextPhase: "다음 단계를 말한 계열의 수가 같아 더 앞선 것을 골랐습니다:",
  },
};

export const WORDING: Readonly<Record<Language, typeof EN>> = { en: EN, ko: KO };

/** Headings of level 3 that may stand in section 4. */
export const SUBHEADS: Readonly<Record<Language, readonly string[]>> = { en: Object.values(EN.sub), ko: Object.values(KO.sub) };

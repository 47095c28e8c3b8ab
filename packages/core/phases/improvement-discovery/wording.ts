import type { Language } from "../../report/wording.ts";
import type { BENEFITS, EFFORTS } from "./result-schema.ts";

const EN = {
  sub: { improvements: "Ranked improvements", unplaced: "Improvements without a finding" },
  empty: { improvements: "No improvement was found." },
  labels: {
    where: "Where",
    support: "Families that say so",
    nextPhase: "Next phase",
    finding: "Finding",
    why: "Why",
    quote: "Quote",
    reproducedBy: "Reproduced by",
  },
  benefits: { high: "high benefit", medium: "medium benefit", low: "low benefit" } satisfies Record<(typeof BENEFITS)[number], string>,
  efforts: { small: "small effort", medium: "medium effort", large: "large effort" } satisfies Record<(typeof EFFORTS)[number], string>,
  unrated: "not rated",
  unplaced: (finding: number, why: string, worker: string) => `Finding ${finding} is not there: ${why} (${worker})`,
};

const KO: typeof EN = {
  sub: { improvements: "순위별 개선 사항", unplaced: "발견 사항이 없는 개선" },
  empty: { improvements: "개선할 것을 찾지 못했습니다." },
  labels: {
    where: "위치",
    support: "지지한 계열",
    nextPhase: "다음 단계",
    finding: "발견 사항",
    why: "이유",
    quote: "인용",
    reproducedBy: "재현 명령",
  },
  benefits: { high: "효과 큼", medium: "효과 보통", low: "효과 작음" },
  efforts: { small: "작업량 적음", medium: "작업량 보통", large: "작업량 많음" },
  unrated: "평가 없음",
  unplaced: (finding, why, worker) => `발견 사항 ${finding}이(가) 없습니다: ${why} (${worker})`,
};

export const WORDING: Readonly<Record<Language, typeof EN>> = { en: EN, ko: KO };

/** Headings of level 3 that may stand in section 4. */
export const SUBHEADS: Readonly<Record<Language, readonly string[]>> = { en: Object.values(EN.sub), ko: Object.values(KO.sub) };

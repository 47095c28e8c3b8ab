import type { Language } from "../../report/wording.ts";
import type { TestFirstOutcome } from "./section.ts";

const plural = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

const EN = {
  /** Headings of level 3 in section 4. */
  sub: { rounds: "Rounds" },
  /** Headings of level 3 in section 4.5. */
  record: {
    executor: "Executor",
    commits: "Commits",
    files: "Changed files",
    steps: "Steps of the plan",
    testFirst: "Tests before and after",
    breaches: "Outside the limits",
  },
  empty: {
    rounds: "No round was finished.",
    executor: "No worker edited.",
    commits: "git saw no commit.",
    files: "git saw no changed file.",
    steps: "There was no plan.",
    testFirst: "No test was found that the work changed.",
    breaches: "git saw nothing outside the limits.",
  },
  labels: {
    round: "Round",
    blockers: "Open blocking findings",
    worker: "Worker",
    family: "Family",
    end: "Ended",
    commit: "Commit",
    subject: "Subject",
    step: "Step",
    text: "Text",
    commits: "Commits",
    path: "Path",
    change: "Change",
    added: "Added lines",
    removed: "Removed lines",
    command: "Command",
    tests: "Tests",
    before: "Without the change",
    after: "With the change",
    result: "Result",
    note: "Note",
  },
  outcomes: { shown: "fails before, passes after", "not-shown": "not shown" } satisfies Record<TestFirstOutcome, string>,
  summary: (rounds: number, commits: number, files: number) =>
    `${plural(rounds, "round", "rounds")}, ${plural(commits, "commit", "commits")}, ${plural(files, "file", "files")} changed.`,
  shown: "At least one test fails without the change and passes with it.",
  notShown: "No test was seen that fails without the change and passes with it.",
  diffstat: (files: number, insertions: number, deletions: number) =>
    `${plural(files, "file", "files")} changed, ${plural(insertions, "line", "lines")} added, ${plural(deletions, "line", "lines")} removed.`,
  unmapped: "Commits that name no step of the plan:",
  noCommits: "none",
  lines: "binary",
  statuses: { A: "added", M: "modified", D: "deleted", T: "type changed" },
  failed: "fails",
  passed: "passes",
  notExecuted: "has shown nothing",
  exit: (code: number) => `exit ${code}`,
};

const KO: typeof EN = {
  sub: { rounds: "라운드" },
  record: {
    executor: "실행자",
    commits: "커밋",
    files: "변경된 파일",
    steps: "계획의 단계",
    testFirst: "변경 전후의 테스트",
    breaches: "한계를 벗어난 변경",
  },
  empty: {
    rounds: "끝난 라운드가 없습니다.",
    executor: "수정한 작업자가 없습니다.",
    commits: "git이 본 커밋이 없습니다.",
    files: "git이 본 변경된 파일이 없습니다.",
    steps: "계획이 없었습니다.",
    testFirst: "이 작업이 바꾼 테스트를 찾지 못했습니다.",
    breaches: "git이 본 한계를 벗어난 변경이 없습니다.",
  },
  labels: {
    round: "라운드",
    blockers: "열려 있는 차단 발견 사항",
    worker: "작업자",
    family: "계열",
    end: "종료",
    commit: "커밋",
    subject: "제목",
    step: "단계",
    text: "내용",
    commits: "커밋",
    path: "경로",
    change: "변경",
    added: "추가된 줄",
    removed: "삭제된 줄",
    command: "명령",
    tests: "테스트",
    before: "변경 전",
    after: "변경 후",
    result: "결과",
    note: "비고",
  },
  outcomes: { shown: "전에는 실패, 후에는 통과", "not-shown": "드러나지 않음" },
  summary: (rounds, commits, files) => `라운드 ${rounds}회, 커밋 ${commits}개, 변경된 파일 ${files}개.`,
  shown: "변경이 없으면 실패하고 변경이 있으면 통과하는 테스트가 하나 이상 있습니다.",
  notShown: "변경이 없으면 실패하고 변경이 있으면 통과하는 테스트를 보지 못했습니다.",
  diffstat: (files, insertions, deletions) => `파일 ${files}개 변경, ${insertions}줄 추가, ${deletions}줄 삭제.`,
  unmapped: "계획의 단계를 말하지 않은 커밋:",
  noCommits: "없음",
  lines: "바이너리",
  statuses: { A: "추가", M: "수정", D: "삭제", T: "종류 변경" },
  failed: "실패",
  passed: "통과",
  notExecuted: "드러난 것 없음",
  exit: (code) => `종료 코드 ${code}`,
};

export const WORDING: Readonly<Record<Language, typeof EN>> = { en: EN, ko: KO };

/** Headings of level 3 that may stand in section 4. */
export const SUBHEADS: Readonly<Record<Language, readonly string[]>> = { en: Object.values(EN.sub), ko: Object.values(KO.sub) };

/** Headings of level 3 that may stand in section 4.5. */
export const RECORD_SUBHEADS: Readonly<Record<Language, readonly string[]>> = {
  en: Object.values(EN.record),
  ko: Object.values(KO.record),
};

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decidePermission, type PermissionQuestion } from "./permission-policy.ts";

const WORKTREE = "/work/tree";
const KINDS = ["read", "search", "think", "edit", "delete", "move", "execute", "fetch", "switch_mode", "other", "", "new-kind"];

function ask(question: Partial<PermissionQuestion>): string {
  const { answer, rule } = decidePermission({
    mode: "read-only",
    toolKind: "other",
    title: "",
    paths: [],
    worktree: WORKTREE,
    sandboxed: false,
    isDoor: false,
    ...question,
  });
  return `${answer} by ${rule}`;
}

describe("a read-only lane", () => {
  test.each([
    ["read", "allowed by reading"],
    ["search", "allowed by reading"],
    ["think", "allowed by reading"],
    ["edit", "refused by read-only-phase"],
    ["delete", "refused by read-only-phase"],
    ["move", "refused by read-only-phase"],
    ["execute", "refused by command-without-sandbox"],
    ["fetch", "refused by network"],
    ["switch_mode", "refused by mode-is-okstras"],
    ["other", "refused by unknown-tool"],
  ])("%s is %s", (toolKind, decision) => expect(ask({ toolKind, paths: [`${WORKTREE}/a`] })).toBe(decision));

  test("a command is allowed in a sandbox only, and an unknown tool not even there", () => {
    expect(ask({ toolKind: "execute", sandboxed: true })).toBe("allowed by command");
    expect(ask({ toolKind: "other", sandboxed: true })).toBe("refused by unknown-tool");
  });
});

describe("an edit lane", () => {
  test.each([
    [[`${WORKTREE}/src/a.ts`], "allowed by edit-in-worktree"],
    [[WORKTREE], "allowed by edit-in-worktree"],
    [[`${WORKTREE}/a`, "/etc/passwd"], "refused by outside-worktree"],
    [[`${WORKTREE}/../other/a`], "refused by outside-worktree"],
    [[`${WORKTREE}-2/a`], "refused by outside-worktree"],
    [["src/a.ts"], "refused by outside-worktree"],
    [[".."], "refused by outside-worktree"],
    [[], "refused by edit-without-a-path"],
  ])("an edit of %j is %s", (paths, decision) => expect(ask({ mode: "edit", toolKind: "edit", paths })).toBe(decision));

  test("an edit without a path is for the sandbox to hold, commands are allowed, the network and other modes are not", () => {
    expect(ask({ mode: "edit", toolKind: "edit", sandboxed: true })).toBe("allowed by edit-in-worktree");
    expect(ask({ mode: "edit", toolKind: "execute" })).toBe("allowed by command");
    expect(ask({ mode: "edit", toolKind: "fetch", sandboxed: true })).toBe("refused by network");
    expect(ask({ mode: "edit", toolKind: "switch_mode", sandboxed: true })).toBe("refused by mode-is-okstras");
  });
});

test("okstra's own tools are allowed, but an edit under such a name is an edit", () => {
  expect(ask({ isDoor: true })).toBe("allowed by door");
  expect(ask({ isDoor: true, toolKind: "execute" })).toBe("allowed by door");
  expect(ask({ isDoor: true, toolKind: "edit", paths: [`${WORKTREE}/a`] })).toBe("refused by read-only-phase");
});

const questions: fc.Arbitrary<PermissionQuestion> = fc.record({
  mode: fc.constantFrom("read-only", "edit"),
  toolKind: fc.oneof(fc.constantFrom(...KINDS), fc.string()),
  title: fc.string(),
  paths: fc.array(fc.oneof(fc.string(), fc.constantFrom("/etc/a", WORKTREE, `${WORKTREE}/a`, `${WORKTREE}/../a`, "~/.ssh/id"))),
  worktree: fc.constant(WORKTREE),
  sandboxed: fc.boolean(),
  isDoor: fc.boolean(),
});

test("whatever is asked: words decide nothing, nothing is changed in a read-only lane or outside the worktree", () => {
  fc.assert(
    fc.property(questions, fc.string(), (question, title) => {
      const decision = decidePermission(question);
      expect(decidePermission({ ...question, title })).toEqual(decision);
      if (!["edit", "delete", "move"].includes(question.toolKind) || decision.answer === "refused") return;
      expect(question.mode).toBe("edit");
      for (const path of question.paths) expect(path === WORKTREE || path.startsWith(`${WORKTREE}/`)).toBe(true);
    }),
  );
});

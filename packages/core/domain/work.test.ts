import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { OkstraError } from "../errors.ts";
import { branchCandidates, categoryOfBranch, requireTaskType, TASK_TYPES } from "./work.ts";

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");
const KEY = { project: "p", group: "bugs", task: "login" };

test("the prefix of a branch is the category's, and task for any other word", () => {
  const prefixes = { bugfix: "fix", feature: "feat", refactor: "refactor", ops: "ops", improvement: "improve", task: "task", odd: "task" };
  for (const [category, prefix] of Object.entries(prefixes)) expect(branchCandidates(category, KEY, sha256)[0]).toBe(`${prefix}-login`);
  for (const odd of ["constructor", "__proto__", "toString", ""]) expect(branchCandidates(odd, KEY, sha256)[0]).toBe("task-login");
});

test("names that meet get the group, then six hex digits of the key", () => {
  const digits = sha256("p/bugs/login").slice(0, 6);
  expect(branchCandidates("bugfix", KEY, sha256)).toEqual(["fix-login", "fix-bugs-login", `fix-bugs-login-${digits}`]);
  expect(branchCandidates("bugfix", { ...KEY, project: "q" }, sha256)[2]).not.toBe(`fix-bugs-login-${digits}`);
});

test("the category is read back from the branches that okstra makes", () => {
  const word = fc.stringMatching(/^[a-z0-9_][a-z0-9_-]{0,20}$/);
  fc.assert(
    fc.property(fc.constantFrom("bugfix", "feature", "refactor", "ops", "improvement"), word, word, (category, group, task) => {
      const [plain] = branchCandidates(category, { project: "p", group, task }, sha256);
      expect(categoryOfBranch(plain)).toEqual({ category, rest: task });
    }),
  );
  expect(categoryOfBranch("fix/login")).toEqual({ category: "bugfix", rest: "login" });
  expect(categoryOfBranch("task-login")).toEqual({ category: "task", rest: "login" });
  expect(categoryOfBranch("main")).toEqual({ category: "task", rest: "main" });
  expect(categoryOfBranch("fix-")).toEqual({ category: "task", rest: "fix-" });
});

test("a task type is one of the known words, letter by letter", () => {
  for (const type of TASK_TYPES) expect(requireTaskType(type)).toBe(type);
  for (const wrong of ["", "verify", "Final-Verification", "final-verification ", "constructor"]) {
    let caught: unknown = null;
    try {
      requireTaskType(wrong);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(OkstraError);
    expect((caught as OkstraError).code).toBe("OKSTRA_TASK_TYPE_UNKNOWN");
    expect((caught as OkstraError).details).toEqual({ given: wrong, known: TASK_TYPES });
  }
});

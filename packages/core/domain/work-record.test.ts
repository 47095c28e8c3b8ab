import fc from "fast-check";
import { expect, test } from "vitest";
import { mapSteps, readSteps, sumChanges } from "./work-record.ts";

test.each([
  ["a last line", "Subject\n\nStep: S1\n", ["S1"]],
  ["several lines, any case, both keys", "Subject\n\nstep: S1\nOKSTRA-STEP: S2\nStep: S1\n", ["S1", "S2"]],
  ["several ids in one line", "Subject\n\nStep: S1, S2\n", ["S1", "S2"]],
  ["before what a program appends", "Subject\n\nStep: S1\n\nCo-authored-by: A <a@example.com>\n", ["S1"]],
  ["right below the subject", "Subject\nStep: S1", ["S1"]],
  ["line ends of another system", "Subject\r\n\r\nStep: S1 \r\n", ["S1"]],
  ["nothing behind the colon", "Subject\n\nStep:\nStep:   \nStep: ,\n", []],
  ["within a sentence, or quoted", "The Step: S1 is done\n\n> Step: S2\n  Step: S3\nNext-Step: S4\n", []],
  ["an id that has a comma", "Subject\n\nStep: a, b\n", ["a, b"]],
])("steps of a commit's message: %s", (_, message, expected) => {
  expect(readSteps(message, ["S1", "S2", "a, b"])).toEqual(expected);
});

test("any id without a comma or a line break comes back from its line", () => {
  const id = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => text.trim() === text && text !== "" && !/[,\r\n]/.test(text));
  fc.assert(
    fc.property(id, (step) => {
      expect(readSteps(`Subject\n\nStep: ${step}\n`, [])).toEqual([step]);
    }),
  );
});

test("every step of the plan has its commits; a commit that names none of them is unmapped", () => {
  const commits = [
    { sha: "a", steps: ["S1"] },
    { sha: "b", steps: [] },
    { sha: "c", steps: ["S2", "S1"] },
    { sha: "d", steps: ["S9"] },
  ];
  expect(mapSteps(commits, ["S1", "S2", "S3"])).toEqual({
    stepMap: [
      { step: "S1", commits: ["a", "c"] },
      { step: "S2", commits: ["c"] },
      { step: "S3", commits: [] },
    ],
    unmapped: ["b", "d"],
  });
});

test("what is binary counts as a file and not as lines", () => {
  const file = (insertions: number | null, deletions: number | null): Parameters<typeof sumChanges>[0][number] => ({
    path: "a",
    status: "M",
    insertions,
    deletions,
  });
  expect(sumChanges([file(3, 1), file(null, null), file(2, 0)])).toEqual({ files: 3, insertions: 5, deletions: 1 });
});

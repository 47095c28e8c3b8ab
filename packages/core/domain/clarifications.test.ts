import fc from "fast-check";
import { expect, test } from "vitest";
import { foldClarifications, type RunQuestions } from "./clarifications.ts";

const ask = (worker: string, question: string, blocks: "approval" | "progress" | "none" = "none", why = "") => ({
  worker,
  question,
  why,
  blocks,
});

test("equal questions are one row, which blocks what the strictest of them blocks, and names all who asked", () => {
  const rows = foldClarifications(
    [
      {
        type: "requirements-discovery",
        run: 1,
        asked: [ask("b", "Which way?"), ask("a", "which  WAY", "progress"), ask("a", "And when?")],
      },
      { type: "implementation-planning", run: 1, asked: [ask("c", "Which way ?", "approval"), ask("c", "A new one?")] },
    ],
    [],
  );
  expect(rows.map(({ id, question, blocks }) => [id, question, blocks])).toEqual([
    ["Q1", "And when?", "none"],
    ["Q2", "which  WAY", "approval"],
    ["Q3", "A new one?", "none"],
  ]);
  expect(rows[1]?.raisedBy.map(({ type, worker }) => `${type} ${worker}`)).toEqual([
    "requirements-discovery a",
    "requirements-discovery b",
    "implementation-planning c",
  ]);
});

test("what inside a question differs makes two questions", () => {
  const rows = foldClarifications([{ type: "t", run: 1, asked: [ask("a", "Free over > 50?"), ask("b", "Free over >= 50?")] }], []);
  expect(rows).toHaveLength(2);
});

test("the last answer to a question counts, however the question is written; an answer to nothing is nothing", () => {
  const answer = (question: string, text: string) => ({ question, text, by: "ann", at: "2026-01-01T00:00:00.000Z" });
  const rows = foldClarifications(
    [{ type: "t", run: 1, asked: [ask("a", "Which way?"), ask("a", "When?")] }],
    [answer("which way", "left"), answer("Which way?", "right"), answer("Who?", "me")],
  );
  expect(rows.map(({ question, answer: given }) => [question, given?.text ?? null])).toEqual([
    ["When?", null],
    ["Which way?", "right"],
  ]);
});

const question = fc.constantFrom("A?", "a", "B?", "b ?", "C", "  ", "Ç?", "Ç?");
const asked = fc.array(
  fc.record({
    worker: fc.constantFrom("x", "y", "z"),
    question,
    why: fc.constantFrom("", "w"),
    blocks: fc.constantFrom("approval", "progress", "none"),
  }),
  { maxLength: 8 },
);
const runs = fc
  .array(asked, { maxLength: 5 })
  .map((all): RunQuestions[] => all.map((each, at) => ({ type: "t", run: at + 1, asked: each })));

test("property: the order of workers in a run has no effect, and a later run changes no id", () => {
  fc.assert(
    fc.property(runs, asked, (given, more) => {
      const rows = foldClarifications(given, []);
      const shuffled = given.map((run) => ({ ...run, asked: run.asked.toReversed() }));
      expect(foldClarifications(shuffled, [])).toEqual(rows);
      const later = foldClarifications([...given, { type: "t", run: 99, asked: more }], []);
      expect(later.slice(0, rows.length).map(({ id, question: text }) => [id, text])).toEqual(
        rows.map(({ id, question: text }) => [id, text]),
      );
      expect(new Set(later.map(({ id }) => id)).size).toBe(later.length);
    }),
  );
});

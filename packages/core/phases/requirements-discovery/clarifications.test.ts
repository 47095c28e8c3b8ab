import * as fc from "fast-check";
import { expect, test } from "vitest";
import { clarificationSchema, type Clarification } from "../../domain/task-context.ts";
import { countApprovalQuestions, mergeClarifications, type AskedClarification } from "./clarifications.ts";
import { foldText } from "./fold-text.ts";

type Blocks = AskedClarification["blocks"];

const asks = (
  worker: string,
  ...questions: readonly (readonly [question: string, blocks: Blocks, why?: string])[]
): Parameters<typeof mergeClarifications>[0][number] => ({
  worker,
  family: worker,
  said: { clarifications: questions.map(([question, blocks, why = "It matters."]) => ({ question, why, blocks })) },
});

const row = (question: string, blocks: Blocks, answer: string | null = null): Clarification =>
  clarificationSchema.parse({
    id: "Q1",
    question,
    why: "It matters.",
    blocks,
    raisedBy: [],
    answer: answer === null ? null : { text: answer, by: "kim", at: "2026-11-02T09:30:00.000Z" },
  });

test("the same question is one row that blocks what the strictest of them blocks, with that one's reason", () => {
  const merged = mergeClarifications([
    asks("ben", ["Before  shipping?", "none", "A whim."], ["Which currency?", "progress"]),
    asks("anna", ["before shipping", "approval", "It decides the sum."]),
  ]);
  expect(merged).toEqual([
    { question: "before shipping", why: "It decides the sum.", blocks: "approval", workers: ["anna", "ben"] },
    { question: "Which currency?", why: "It matters.", blocks: "progress", workers: ["ben"] },
  ]);
});

test("folding keeps what tells two texts apart", () => {
  expect(foldText(" Is it  > 50? ")).toBe("is it > 50");
  expect(foldText("Is it >= 50?")).not.toBe(foldText("Is it > 50?"));
  expect(foldText("배송 전입니까？")).toBe("배송 전입니까");
  expect(foldText("...")).toBe("...");
  expect(foldText(" \n")).toBe("");
});

test("the order of workers and questions has no effect", () => {
  const question = fc.tuple(
    fc.constantFrom("One?", "one", "Two?", "two ?", " "),
    fc.constantFrom<Blocks>("approval", "progress", "none"),
    fc.constantFrom("a", "b"),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(question, { maxLength: 4 }), { minLength: 1, maxLength: 4 }).chain((lists) => {
        const heard = lists.map((list, at) => asks(`w${at}`, ...list));
        return fc.tuple(fc.constant(heard), fc.shuffledSubarray(heard, { minLength: heard.length }));
      }),
      ([heard, other]) => {
        const reversed = other.map((each) => ({ ...each, said: { clarifications: each.said.clarifications.toReversed() } }));
        expect(mergeClarifications(reversed)).toEqual(mergeClarifications(heard));
      },
    ),
  );
});

test.each<[string, AskedClarification[], Clarification[], { open: number; answered: number }]>([
  ["no question", [], [], { open: 0, answered: 0 }],
  [
    "questions that block less do not count",
    [asked("One?", "progress"), asked("Two?", "none")],
    [row("Three?", "progress")],
    { open: 0, answered: 0 },
  ],
  ["a new one is open", [asked("One?", "approval")], [], { open: 1, answered: 0 }],
  ["one of the table is open although nobody asks it again", [], [row("One?", "approval")], { open: 1, answered: 0 }],
  ["asked again, it is still one", [asked("one", "approval")], [row("One?", "approval")], { open: 1, answered: 0 }],
  ["answered before", [asked("one", "approval")], [row("One?", "approval", "Yes.")], { open: 0, answered: 1 }],
  [
    "an answer to the same question holds although it blocked less",
    [asked("One?", "approval")],
    [row("One?", "none", "Yes.")],
    { open: 0, answered: 1 },
  ],
  ["blocking by the table alone", [asked("One?", "none")], [row("One?", "approval")], { open: 1, answered: 0 }],
  [
    "an answer to another question does not count",
    [asked("One?", "approval")],
    [row("Two?", "approval", "Yes.")],
    { open: 1, answered: 1 },
  ],
])("%s", (_name, questions, table, counts) => {
  expect(countApprovalQuestions(questions, table)).toEqual(counts);
});

function asked(question: string, blocks: Blocks): AskedClarification {
  return { question, why: "It matters.", blocks, workers: ["anna"] };
}

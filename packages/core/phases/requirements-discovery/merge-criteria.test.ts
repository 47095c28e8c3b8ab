import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareText } from "../../convergence/content.ts";
import { foldText } from "./fold-text.ts";
import { mergeCriteria } from "./merge-criteria.ts";
import { requirementsResultSchema, type RequirementsResult } from "./result-schema.ts";

type Proposed = readonly [text: string, command: string | null, how?: string];

const worker = (name: string, ...criteria: readonly Proposed[]): { worker: string; family: string; said: RequirementsResult } => ({
  worker: name,
  family: name,
  said: requirementsResultSchema.parse({
    nonce: "n",
    findings: [],
    criteria: criteria.map(([text, command, how = "Look."]) => ({
      text,
      check: { kind: command === null ? "inspection" : "command", ...(command === null ? {} : { command }), how },
    })),
  }),
});

test("the same text, folded, is one criterion with the workers that wrote it", () => {
  const merged = mergeCriteria([worker("ben", ["Exactly  50.00 earns 5 %", null]), worker("anna", ["exactly 50.00 earns 5 %.", null])]);
  expect(merged).toEqual([
    {
      id: "AC1",
      text: "Exactly  50.00 earns 5 %",
      check: { kind: "inspection", command: null, how: "Look." },
      workers: ["anna", "ben"],
      otherTexts: [],
      otherCommands: [],
    },
  ]);
});

test("the same command is one criterion, and the other wording is kept", () => {
  const merged = mergeCriteria([
    worker("anna", ["The limit counts.", "npm test -- -t limit"]),
    worker("ben", ["At 50.00 it counts.", " npm test -- -t limit "]),
  ]);
  expect(merged).toMatchObject([{ text: "At 50.00 it counts.", workers: ["anna", "ben"], otherTexts: ["The limit counts."] }]);
});

test("one text with two commands keeps both", () => {
  const merged = mergeCriteria([
    worker("anna", ["It counts.", "b"]),
    worker("ben", ["It counts.", "a"]),
    worker("carl", ["It counts.", null]),
  ]);
  expect(merged).toMatchObject([{ check: { kind: "command", command: "a" }, otherCommands: ["b"], workers: ["anna", "ben", "carl"] }]);
});

test("near-same texts stay apart", () => {
  expect(mergeCriteria([worker("anna", ["x > 50 counts", null]), worker("ben", ["x >= 50 counts", null])])).toHaveLength(2);
});

test("a command that one worker gives for several criteria joins none of them", () => {
  const merged = mergeCriteria([worker("anna", ["One.", "npm test"], ["Two.", "npm test"]), worker("ben", ["Three.", "npm test"])]);
  expect(merged.map(({ text }) => text)).toEqual(["One.", "Three.", "Two."]);
});

test("what joins through others is one", () => {
  const merged = mergeCriteria([worker("anna", ["One.", "a"]), worker("ben", ["One.", "b"]), worker("carl", ["Two.", "b"])]);
  expect(merged).toMatchObject([{ text: "One.", check: { command: "a" }, otherTexts: ["Two."], otherCommands: ["b"] }]);
});

test("an inspection has no command, a command without one is an inspection, and blank texts are none", () => {
  const said = requirementsResultSchema.parse({
    nonce: "n",
    findings: [],
    criteria: [
      { text: "A.", check: { kind: "inspection", command: "rm -r x", how: "Read." } },
      { text: "B.", check: { kind: "command", command: null, how: "Run." } },
      { text: "C.", check: { kind: "command", command: "  ", how: "Run." } },
      { text: "  ", check: { kind: "inspection", how: "Read." } },
    ],
  });
  const checks = mergeCriteria([{ worker: "anna", family: "a", said }]).map(({ check }) => check);
  expect(checks).toEqual(["Read.", "Run.", "Run."].map((how) => ({ kind: "inspection", command: null, how })));
});

const proposed = fc.tuple(
  fc.constantFrom("One", "one.", "Two", "two ", "Three", "x > 1", "x >= 1"),
  fc.option(fc.constantFrom("a", "b", "c", "npm test")),
  fc.constantFrom("Look.", "Read."),
);
const panel = fc.array(fc.array(proposed, { maxLength: 4 }), { minLength: 1, maxLength: 4 });

test("neither the order of workers and criteria nor the workers' names change a criterion or its id, and none is lost", () => {
  fc.assert(
    fc.property(
      panel.chain((each) => fc.tuple(fc.constant(each), shuffled(each), fc.infiniteStream(fc.nat()))),
      ([lists, order]) => {
        const heard = lists.map((list, at) => worker(`w${at}`, ...list));
        const merged = mergeCriteria(heard);
        const other = mergeCriteria(order.map(({ at, list }) => worker(`v${9 - at}`, ...list)));
        const withoutWorkers = (all: typeof merged): unknown[] => all.map((each) => ({ ...each, workers: [] }));
        expect(withoutWorkers(other)).toEqual(withoutWorkers(merged));
        expect(other.map(({ workers }) => workers.map((name) => `w${9 - Number(name.slice(1))}`).toSorted(compareText))).toEqual(
          merged.map(({ workers }) => workers),
        );
        expect(merged.map(({ id }) => id)).toEqual(merged.map((_, at) => `AC${at + 1}`));

        const texts = new Set(merged.flatMap(({ text, otherTexts }) => [text, ...otherTexts].map(foldText)));
        const commands = new Set(merged.flatMap(({ check, otherCommands }) => [check.command, ...otherCommands]));
        for (const [text, command] of lists.flat()) {
          expect(texts).toContain(foldText(text));
          if (command !== null) expect(commands).toContain(command);
        }
      },
    ),
  );
});

/** The lists in another order, each with its criteria in another order, and where it stood. */
function shuffled(lists: readonly (readonly Proposed[])[]): fc.Arbitrary<{ at: number; list: Proposed[] }[]> {
  return fc
    .tuple(...lists.map((list, at) => fc.shuffledSubarray([...list], { minLength: list.length }).map((each) => ({ at, list: each }))))
    .chain((each) => fc.shuffledSubarray(each, { minLength: each.length }));
}

import type { ProgressEvent } from "@okstra/app/app";
import fc from "fast-check";
import { expect, test } from "vitest";
import { countCells } from "./cells.ts";
import { EMPTY_VIEW, foldProgress, renderLive, type LiveView } from "./live-view.ts";

type Timed = readonly [ms: number, event: ProgressEvent];

const started = (lane: string, data: object = {}): ProgressEvent => ({
  type: "lane-started",
  text: `${lane}: started`,
  data: { lane, worker: lane, role: "review", round: 1, ...data },
});
const activity = (lane: string, text: string): ProgressEvent => ({
  type: "lane-activity",
  text: `${lane}: ${text}`,
  data: { lane, worker: lane, text },
});
const usage = (lane: string, tokens: number, amount: string | null): ProgressEvent => ({
  type: "lane-usage",
  text: "",
  data: { lane, worker: lane, tokens, cost: amount === null ? null : { amount, currency: "USD" } },
});
const ended = (lane: string, data: object = {}): ProgressEvent => ({
  type: "lane-ended",
  text: "",
  data: { lane, worker: lane, end: "ok", reason: null, findings: 0, ...data },
});

function fold(...events: readonly Timed[]): LiveView {
  return events.reduce((view, [ms, event]) => foldProgress(view, event, ms), EMPTY_VIEW);
}

const place = { columns: 80, rows: 24, nowMs: 65_000 };

test("a line a lane: name, state, last action, time, tokens and cost", () => {
  const view = fold(
    [0, started("claude")],
    [0, started("codex.execute", { worker: "codex", role: "execute", round: 2 })],
    [500, started("claude.votes", { worker: "claude", role: "vote" })],
    [1000, started("writer", { role: "write" })],
    [2000, activity("claude", "reads src/sum.js")],
    [2500, usage("claude", 999, null)],
    [3000, usage("claude", 12_399, "0.1234")],
    [4000, { type: "lane-retried", text: "", data: { lane: "codex.execute", worker: "codex", reason: "stream disconnected" } }],
    [5000, ended("claude.votes", { tokens: 1_239_999, cost: { amount: "2", currency: "EUR" } })],
    [6000, ended("writer", { end: "failed", reason: "exit status 3" })],
    [6500, { type: "reproducing", text: "reproducing: npm test" }],
  );
  expect(renderLive(view, place)).toEqual([
    "claude              runs      reads src/sum.js    1m 5s  12.3k tok   0.1234 USD",
    "codex (executor) 2  runs      asked once more:…   1m 5s",
    "claude (verifies)   ok                               4s  1.23M tok     2.00 EUR",
    "writer (report)     failed    exit status 3          5s",
    "· reproducing: npm test",
  ]);
});

test("an ended lane tells its findings, and begins again when it is started again", () => {
  const first = fold([0, started("a")], [1000, usage("a", 5, "1")], [2000, ended("a", { findings: 2, cost: null })]);
  expect(renderLive(first, place)).toEqual([expect.stringMatching(/^a +ok +2 findings +2s +5 tok$/)]);
  const again = foldProgress(first, started("a"), 60_000);
  expect(renderLive(again, place)).toEqual([expect.stringMatching(/^a +runs +started +5s$/)]);
});

test("a new phase begins with no lanes; what is for machines or is no lane's changes none", () => {
  const view = fold(
    [0, started("a")],
    [1, { type: "lane-started", level: "record", text: "", data: { lane: "b" } }],
    [2, activity("c", "x")],
  );
  expect(renderLive(view, place)).toHaveLength(1);
  const next = foldProgress(view, { type: "phase-due", text: "implementation: the plan is approved" }, 3);
  expect(renderLive(next, place)).toEqual(["· implementation: the plan is approved"]);
});

test("lanes that run have room before those that ended, in the order in which they started", () => {
  const names = Array.from({ length: 10 }, (_, at) => `w${at}`);
  const view = fold(...names.map((name): Timed => [0, started(name)]), [1, ended("w0")], [2, ended("w8")], [2, ended("w9")]);
  const lines = renderLive(view, { ...place, rows: 10 });
  expect(lines.map((line) => line.split(" ")[0])).toEqual(["w1", "w2", "w3", "w4", "w5", "w6", "w7", "and"]);
  expect(lines.at(-1)).toBe("and 3 more lanes");
  expect(renderLive(view, { ...place, rows: 3 })).toHaveLength(1);
});

test("only the state has a colour, and none is needed", () => {
  const view = fold([0, started("a")], [0, started("b")], [1, ended("a")], [1, ended("b", { end: "quota", reason: "used up" })]);
  const painted = renderLive(view, place, (style, text) => `<${style}>${text}</>`);
  expect(painted[0]).toMatch(/^a {2}<green>ok<\/>/);
  expect(painted[1]).toMatch(/^b {2}<yellow>quota<\/> {5}used up/);
  expect(painted.map((line) => line.replaceAll(/<[^>]*>/g, ""))).toEqual(renderLive(view, place));
});

test("case 57: what a worker says is neutral and fits its line, whatever it is and however narrow the terminal", () => {
  const foreign = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .array(
        fc.constantFrom(
          "\u001B[2J",
          "\u001B]52;c;aGk=\u0007",
          "\u009B31m",
          "\u202E",
          "\r",
          "\n",
          "한",
          "👩‍👩‍👧",
          "a",
          " ",
          "\u{E0041}",
          "\uD800",
        ),
      )
      .map((parts) => parts.join("")),
  );
  const event = fc.oneof(
    fc.record({ worker: foreign, role: foreign, round: fc.anything() }).map((data) => started("l", data)),
    foreign.map((text) => activity("l", text)),
    fc
      .record({ end: foreign, reason: foreign, findings: fc.anything(), tokens: fc.anything(), cost: fc.anything() })
      .map((data) => ended("l", data)),
    fc
      .record({ tokens: fc.nat(), amount: fc.stringMatching(/^\d{1,40}(?:\.\d{1,40})?$/) })
      .map(({ tokens, amount }) => usage("l", tokens, amount)),
    foreign.map((text): ProgressEvent => ({ type: "whatever", text })),
    fc.record({ lane: fc.anything(), worker: fc.anything() }).map((data): ProgressEvent => ({ type: "lane-started", text: "", data })),
  );
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 12 }),
      fc.integer({ min: 1, max: 140 }),
      fc.integer({ min: 1, max: 30 }),
      (events, columns, rows) => {
        const view = events.reduce((each, one, at) => foldProgress(each, one, at), fold([0, started("l")]));
        const lines = renderLive(view, { columns, rows, nowMs: 1000 });
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
        for (const line of lines) {
          expect(countCells(line)).toBeLessThanOrEqual(Math.max(1, columns - 1));
          expect(line).not.toMatch(/(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        }
      },
    ),
  );
});

test("a narrow terminal keeps who it is and how it goes", () => {
  const view = fold([0, started("claude")], [1, activity("claude", "reads a file")], [2, usage("claude", 1000, "1")]);
  expect(renderLive(view, { ...place, columns: 30 })).toEqual(["claude  runs      re…   1m 5s"]);
  expect(renderLive(view, { ...place, columns: 16 })).toEqual([expect.stringMatching(/^clau…? .*runs/)]);
});

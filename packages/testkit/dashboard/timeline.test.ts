import fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamMessage, TaskPage } from "@okstra/core/dashboard/api";
import { makeAxis } from "@okstra/web/task/axis";
import { patchPage } from "@okstra/web/task/patch-page";
import { createWorld, RUNNING } from "./fixture-tasks.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

test("minutes of work that lie days apart are both seen, and the gap between them is short", () => {
  const { pieces, place } = makeAxis([
    { fromMs: 0, toMs: 10 * MINUTE },
    { fromMs: 3 * DAY, toMs: 3 * DAY + 10 * MINUTE },
  ]);
  expect(pieces.map(({ kind }) => kind)).toEqual(["work", "gap", "work"]);
  expect(place(10 * MINUTE)).toBeCloseTo(0.48);
  expect(place(3 * DAY)).toBeCloseTo(0.52);
  expect(place(3 * DAY + 5 * MINUTE)).toBeCloseTo(0.76);
});

test("a short pause is drawn as long as it was", () => {
  const { pieces, place } = makeAxis([
    { fromMs: 0, toMs: 50 * MINUTE },
    { fromMs: 52 * MINUTE, toMs: 100 * MINUTE },
  ]);
  expect(pieces).toHaveLength(1);
  expect(place(51 * MINUTE)).toBeCloseTo(0.51);
});

test("for any spans: later is never further left, every span is on the axis, and its pieces follow each other from 0 to 1", () => {
  const span = fc
    .tuple(fc.integer({ min: 0, max: 10 * DAY }), fc.integer({ min: 0, max: DAY }))
    .map(([fromMs, size]) => ({ fromMs, toMs: fromMs + size }));
  fc.assert(
    fc.property(
      fc.array(span, { minLength: 1, maxLength: 30 }),
      fc.array(fc.integer({ min: -DAY, max: 12 * DAY }), { maxLength: 20 }),
      (spans, times) => {
        const { pieces, place } = makeAxis(spans);
        expect(pieces[0]?.from).toBe(0);
        expect(pieces.at(-1)?.to).toBeCloseTo(1);
        for (const [index, piece] of pieces.entries()) expect(piece.from).toBe(pieces[index - 1]?.to ?? 0);
        const sorted = [...times, ...spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs])].toSorted((a, b) => a - b).map(place);
        for (const [index, at] of sorted.entries()) {
          expect(at).toBeGreaterThanOrEqual((sorted[index - 1] ?? 0) - 1e-9);
          expect(at).toBeLessThanOrEqual(1 + 1e-9);
        }
      },
    ),
  );
});

test("an event of another run, of another kind or of a lane that is not known leaves the page as it is", () => {
  const page = createWorld(Date.now()).pages.get("webshop/checkout/refund-rounding") as TaskPage;
  const patch = (type: string, fields: object, run = 1): TaskPage => {
    const event = { seq: 9, at: "2026-01-01T00:00:00.000Z", type, ...fields };
    const message = { kind: "event", ...RUNNING, taskKey: page.taskKey, type: "final-verification", run, event } satisfies StreamMessage;
    return patchPage(page, message);
  };
  expect(patch("lane-activity", { worker: "claude", text: "x" }, 7)).toBe(page);
  expect(patch("run-validated", { ok: true })).toBe(page);
  expect(patch("lane-ended", { lane: "nobody", attempt: 1, end: "ok" })).toBe(page);
  expect(patch("lane-started", { lane: "claude", worker: "claude", attempt: 1 })).toBe(page);
  expect(patch("lane-activity", { worker: "codex", text: "it has ended" })).toBe(page);

  // Of the two attempts of gemini the one that runs is meant.
  const said = patch("lane-activity", { worker: "gemini", text: "reads" }).runs[2]?.lanes.filter(({ lane }) => lane === "gemini");
  expect(said?.map(({ attempt, activity }) => [attempt, activity])).toEqual([
    [1, null],
    [2, "reads"],
  ]);
  const ended = patch("lane-ended", { lane: "gemini", attempt: 2, end: "quota", findings: 0 }).runs[2]?.lanes.at(-2);
  expect(ended).toMatchObject({ attempt: 2, end: "quota", endedAt: "2026-01-01T00:00:00.000Z" });
  expect(patch("lane-started", { lane: "codex.execute.r2", worker: "codex", attempt: 1 }).runs[2]?.lanes.at(-1)?.role).toBe("execute");
});

import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunEvent } from "../events.ts";
import { findNearLimits, findNextWall, foldUse, type LaneReceipt, type RunLimits, type RunUse } from "./near-limit.ts";

const usd = (amount: string) => ({ amount, currency: "USD" });
const use = (part: Partial<RunUse> = {}): RunUse => ({ wallMs: 0, earlier: [], lanes: [], ...part });
const lane = (part: Partial<RunUse["lanes"][number]> = {}): RunUse["lanes"][number] => ({
  lane: "anna",
  worker: "anna",
  wallMs: 0,
  tokens: 0,
  cost: null,
  ...part,
});
const limits = (part: Partial<RunLimits> = {}): RunLimits => ({ run: null, workers: {}, ...part });

test("limits of the run and of workers are near from four fifths on, all that there are", () => {
  const all = limits({
    run: { tokens: 1000, cost: "1.00", wallMs: 100_000 },
    workers: { anna: { deadlineMs: 60_000, budget: { tokens: 500, cost: "0.50" } } },
  });
  const lanes = [
    lane({ tokens: 400, cost: usd("0.40"), wallMs: 48_000 }),
    lane({ lane: "ben", worker: "ben", tokens: 399, cost: usd("0.399") }),
  ];
  expect(findNearLimits(all, use({ wallMs: 79_999, lanes }))).toEqual([
    { scope: "worker", lane: "anna", worker: "anna", limit: "tokens", allowed: "500 tokens", used: "400", percent: 80 },
    { scope: "worker", lane: "anna", worker: "anna", limit: "cost", allowed: "0.50 USD", used: "0.40 USD", percent: 80 },
    { scope: "worker", lane: "anna", worker: "anna", limit: "wall", allowed: "60 s", used: "48", percent: 80 },
  ]);
  const earlier = [{ tokens: 1, cost: usd("0.001") }];
  expect(findNearLimits(all, use({ wallMs: 120_000, lanes, earlier })).filter(({ scope }) => scope === "run")).toEqual([
    { scope: "run", lane: null, worker: null, limit: "tokens", allowed: "1000 tokens", used: "800", percent: 80 },
    { scope: "run", lane: null, worker: null, limit: "cost", allowed: "1.00 USD", used: "0.80 USD", percent: 80 },
    { scope: "run", lane: null, worker: null, limit: "wall", allowed: "100 s", used: "120", percent: 120 },
  ]);
});

test("no limit, a limit of 0, another currency and a lane that ended have nothing that is near", () => {
  const lanes = [lane({ tokens: 10_000, cost: { amount: "5", currency: "EUR" }, wallMs: null })];
  const some = limits({ run: { tokens: 0, cost: "0", wallMs: 0 }, workers: { anna: { deadlineMs: 1, budget: { cost: "2.00 USD" } } } });
  expect(findNearLimits(some, use({ wallMs: 10 ** 9, lanes }))).toEqual([]);
  expect(findNearLimits(limits(), use({ wallMs: 10 ** 9, lanes }))).toEqual([]);
  expect(findNextWall(some, use({ lanes }))).toBeNull();
});

test("the shorter of deadline and wall time counts, and the next one that will be near is known", () => {
  const both = limits({ run: { wallMs: 100_000 }, workers: { anna: { deadlineMs: 60_000, budget: { wallMs: 10_000 } } } });
  expect(findNextWall(both, use({ wallMs: 1000, lanes: [lane({ wallMs: 500 })] }))).toBe(7500);
  expect(findNextWall(both, use({ wallMs: 1000, lanes: [lane({ wallMs: 8000 })] }))).toBe(79_000);
  expect(findNextWall(both, use({ wallMs: null, lanes: [lane({ wallMs: null })] }))).toBeNull();
});

test("property: a cost is near exactly from its four fifths on, whatever its digits", () => {
  const cents = fc.integer({ min: 1, max: 10 ** 9 });
  fc.assert(
    fc.property(cents, cents, (allowed, used) => {
      const amount = (value: number): string => `${Math.floor(value / 10_000)}.${String(value % 10_000).padStart(4, "0")}`;
      const found = findNearLimits(limits({ run: { cost: amount(allowed) } }), use({ earlier: [{ tokens: 0, cost: usd(amount(used)) }] }));
      expect(found.length).toBe(BigInt(used) * 100n >= BigInt(allowed) * 80n ? 1 : 0);
      if (found[0] !== undefined) expect(BigInt(found[0].percent)).toBe((BigInt(used) * 100n) / BigInt(allowed));
    }),
  );
});

test("what a run used: lanes of this attempt by their receipts or live, what earlier attempts used for the run alone", () => {
  const at = (second: number): string => new Date(Date.UTC(2026, 2, 1, 12, 0, second)).toISOString();
  const event = (second: number, body: Readonly<Record<string, unknown>>): RunEvent => ({ at: at(second), ...body }) as unknown as RunEvent;
  const events = [
    event(0, { type: "run-started", attempt: 1 }),
    event(1, { type: "lane-started", lane: "anna", worker: "anna" }),
    event(2, { type: "run-interrupted" }),
    event(10, { type: "run-started", attempt: 2 }),
    event(11, { type: "lane-started", lane: "anna", worker: "anna" }),
    event(12, { type: "lane-started", lane: "ben", worker: "ben" }),
    event(13, { type: "lane-ended", lane: "ben", worker: "ben" }),
  ];
  const receipts: LaneReceipt[] = [
    { lane: "anna", attempt: 1, tokens: 5, cost: null },
    { lane: "ben", attempt: 2, tokens: 7, cost: usd("0.1") },
  ];
  const live = new Map([["anna", { tokens: 3, cost: null }]]);
  expect(foldUse(events, receipts, live, Date.parse(at(20)))).toEqual({
    wallMs: 10_000,
    earlier: [receipts[0]],
    lanes: [
      { lane: "anna", worker: "anna", wallMs: 9000, tokens: 3, cost: null },
      { lane: "ben", worker: "ben", wallMs: null, tokens: 7, cost: usd("0.1") },
    ],
  });
  const paused = [...events, event(14, { type: "run-paused" })];
  expect(foldUse(paused, receipts, live, Date.parse(at(20)))).toMatchObject({ wallMs: null, lanes: [{ wallMs: null }, { wallMs: null }] });
  // A clock that was set back is no time.
  expect(foldUse(events, [], live, Date.parse(at(0)))).toMatchObject({ wallMs: 0 });
});

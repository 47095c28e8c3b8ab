import { expect, test } from "vitest";
import type { NearLimit } from "./near-limit.ts";
import { createTold, makeLimitNotice, makeNotice, type RunStanding, type Wait } from "./notice.ts";

const OF = { project: "sums", taskKey: "sums/bugs/login" };
const NOW = "2026-03-01T12:00:00.000Z";
const THEN = "2026-03-01T11:00:00.000Z";
const wait: Wait = {
  reason: "plan",
  why: "the plan waits for a person (implementation-planning run 2)",
  command: "okstra approve bugs/login",
  phase: "implementation-planning",
  run: 2,
  since: THEN,
  keys: ["wait one"],
};
const run = (part: Partial<RunStanding> = {}): RunStanding => ({
  type: "implementation-planning",
  run: 2,
  runId: "r2",
  state: "ended",
  verdict: "none",
  gateOpen: false,
  attempt: 1,
  why: null,
  at: THEN,
  ...part,
});

test("nothing is told of a task that goes on or has nothing to say", () => {
  expect(makeNotice(OF, null, null, NOW)).toBeNull();
  expect(makeNotice(OF, null, run({ state: "running" }), NOW)).toBeNull();
  expect(makeNotice(OF, null, run({ state: "prepared" }), NOW)).toBeNull();
});

test("a run that ended and what it waits for since are one notice", () => {
  const both = makeNotice(OF, wait, run(), NOW);
  expect(both).toMatchObject({
    kind: "needs-person",
    reason: "plan",
    verdict: "none",
    gateOpen: false,
    at: THEN,
    keys: ["end r2", "wait one"],
  });
  expect(both?.text).toBe(
    "implementation-planning run 2 ended: none, gate holds; the plan waits for a person (implementation-planning run 2)",
  );
  expect(makeNotice(OF, wait, null, NOW)).toMatchObject({ kind: "needs-person", verdict: null, text: wait.why, command: wait.command });
  expect(makeNotice(OF, null, run({ verdict: "accepted", gateOpen: true }), NOW)).toMatchObject({
    kind: "run-ended",
    reason: "ended",
    title: "okstra: sums/bugs/login ended: accepted",
    text: "implementation-planning run 2 ended: accepted, gate open",
    command: null,
  });
  expect(makeNotice(OF, null, run({ state: "cancelled", verdict: null, gateOpen: null }), NOW)).toMatchObject({
    kind: "run-ended",
    reason: "cancelled",
    title: "okstra: sums/bugs/login was cancelled",
  });
});

test("a run that nobody leads, that failed, or that waits for a quota needs a person, and says how to go on", () => {
  const command = "okstra resume bugs/login --task-type implementation-planning";
  expect(makeNotice(OF, null, run({ state: "stopped" }), NOW)).toMatchObject({ reason: "stopped", command });
  expect(makeNotice(OF, null, run({ state: "stopped", why: "the disk is full" }), NOW)).toMatchObject({
    reason: "failed",
    text: "implementation-planning run 2 stopped: the disk is full",
  });
  expect(makeNotice(OF, null, run({ state: "paused", why: "the quota of a is used up" }), NOW)).toMatchObject({ reason: "quota", command });
});

test("a thing is told once: the same quota until the same time whatever the attempt, each try where no time is known", () => {
  const told = createTold(["end r1"]);
  const paused = (why: string, attempt: number) => makeNotice(OF, null, run({ state: "paused", why, attempt }), NOW)!;
  expect(told.take(paused("a is used up until 13:00", 1))).toBe(true);
  expect(told.take(paused("a is used up until 13:00", 2))).toBe(false);
  expect(told.take(paused("a is used up until 14:00", 3))).toBe(true);
  expect(told.take(paused("a is used up", 4))).toBe(true);
  expect(told.take(paused("a is used up", 5))).toBe(true);
  expect(told.take(makeNotice(OF, null, run({ runId: "r1" }), NOW)!)).toBe(false);
  // One of two things was told: the other is still news.
  expect(told.take(makeNotice(OF, wait, run({ runId: "r1" }), NOW)!)).toBe(true);
  expect(told.take(makeNotice(OF, wait, null, NOW)!)).toBe(false);
  told.add(["stopped r9 1"]);
  expect(told.take(makeNotice(OF, null, run({ state: "stopped", runId: "r9" }), NOW)!)).toBe(false);
});

test("a limit says whose it is, and no text begins like an option", () => {
  const near: NearLimit = { scope: "worker", lane: "anna.r2", worker: "anna", limit: "wall", allowed: "600 s", used: "500", percent: 83 };
  const notice = makeLimitNotice(OF, run(), near, NOW);
  expect(notice).toMatchObject({
    kind: "budget-near",
    reason: "wall",
    text: "implementation-planning run 2: anna.r2 has used 83 % of its wall time: 500 of 600 s",
    limit: near,
    keys: ["budget r2 anna.r2 wall"],
  });
  for (const each of [notice, makeNotice(OF, wait, run(), NOW)!]) expect(each.title).toMatch(/^okstra: /);
});

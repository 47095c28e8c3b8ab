import { spawnSync } from "node:child_process";
/** The lead's side of a door: what it makes, what it reads of what an agent left there, and that nothing stays. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { LANE_NONCE, openLaneFixture, type LaneFixture } from "@okstra/testkit/lane-fixture";
import { joinResult, MAX_FINDINGS } from "./delivered.ts";
import { closeDoor, laneJsonSchema, openDoor } from "./open-door.ts";

const FINDING = { claim: "The sum is wrong", category: "correctness", severity: "P1" };
const QUESTION = { question: "Which?", why: "it decides", blocks: "approval" };
const RESULT = { nonce: LANE_NONCE, findings: [] };

const fixtures: LaneFixture[] = [];
afterEach(() => {
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

async function open(options: Parameters<typeof openLaneFixture>[0] = {}): Promise<LaneFixture> {
  const fixture = await openLaneFixture(options);
  fixtures.push(fixture);
  return fixture;
}

test("case 20: a door is private, holds the order and the schema, and its command starts this okstra", async () => {
  const fixture = await open({ launcher: ["/usr/bin/node", "/opt/okstra.js"], role: "vote", type: "final-verification" });
  const door = join(fixture.laneDir, "door");
  expect(statSync(door).mode & 0o777).toBe(0o700);
  for (const name of Object.keys(fixture.readDoor())) expect([name, statSync(join(door, name)).mode & 0o777]).toEqual([name, 0o600]);
  expect(fixture.door.command).toEqual(["/usr/bin/node", "/opt/okstra.js", "mcp", "--worker"]);
  expect(fixture.door.env).toEqual({ OKSTRA_DOOR: door, OKSTRA_HOME: join(door, "home") });
  expect(JSON.parse(readFileSync(join(door, "lane.json"), "utf8"))).toEqual({
    schema: 1,
    runId: "run-1",
    nonce: LANE_NONCE,
    taskKey: "p/g/t",
    phase: "final-verification",
    role: "vote",
    worker: "agent",
    lane: "agent",
    brief: `Review it. Nonce: ${LANE_NONCE}`,
    worktree: fixture.tree,
    secretRoots: [fixture.tree],
  });
  expect(JSON.parse(readFileSync(join(door, "result.schema.json"), "utf8"))).toEqual(laneJsonSchema("final-verification", "vote"));
});

test("a door that is opened again has nothing of before in it", async () => {
  const fixture = await open();
  await (await fixture.openLane()).submitResult(RESULT);
  const again = await openDoor(fixture.app, {
    manifest: {
      runId: "run-1",
      taskKey: "p/g/t",
      type: "error-analysis",
      project: { id: "p", root: fixture.tree },
      provision: { status: "reused", path: fixture.tree, branch: "", baseRef: "", taskKey: "p/g/t", note: "" },
    },
    laneDir: fixture.laneDir,
    lane: "agent",
    role: "review",
    worker: "agent",
    nonce: "another",
    prompt: "again",
  });
  expect(await again.loadResult()).toBeNull();
  expect(Object.keys(fixture.readDoor())).toEqual(["lane.json", "result.schema.json"]);
});

test("closed without a result: what was given is the partial one; the door is gone", async () => {
  const fixture = await open();
  const lane = await fixture.openLane();
  await lane.submitFinding(FINDING);
  await lane.submitFinding({ ...FINDING, claim: "Another" });
  await lane.askClarification(QUESTION);
  expect(await closeDoor(fixture.app, { laneDir: fixture.laneDir, nonce: LANE_NONCE })).toEqual({
    submitted: null,
    partial: { nonce: LANE_NONCE, findings: [FINDING, { ...FINDING, claim: "Another" }], clarifications: [QUESTION] },
  });
  expect(existsSync(join(fixture.laneDir, "door"))).toBe(false);
  expect(await closeDoor(fixture.app, { laneDir: fixture.laneDir, nonce: LANE_NONCE })).toEqual({ submitted: null, partial: null });
});

test("closed with a result: it is told with what came at the same moment, and nothing is partial", async () => {
  const fixture = await open();
  const lane = await fixture.openLane();
  await lane.submitFinding(FINDING);
  await lane.submitResult({ ...RESULT, findings: [{ ...FINDING, claim: "Own" }] });
  // As another server of this lane leaves it that looked for the result just before it came.
  writeFileSync(join(fixture.laneDir, "door/finding-2.json"), JSON.stringify({ ...FINDING, claim: "Late" }));
  const { submitted, partial } = await closeDoor(fixture.app, { laneDir: fixture.laneDir, nonce: LANE_NONCE });
  expect(partial).toBeNull();
  expect(JSON.parse(submitted ?? "")).toEqual({
    nonce: LANE_NONCE,
    findings: [{ ...FINDING, claim: "Own" }, FINDING, { ...FINDING, claim: "Late" }],
  });
});

test("case 39: what the agent itself put into the door is read bounded, as data, and never through a link", async () => {
  const fixture = await open();
  const door = join(fixture.laneDir, "door");
  const outside = join(fixture.root, "outside.json");
  writeFileSync(outside, JSON.stringify(RESULT));
  const put = (name: string, text: string): void => writeFileSync(join(door, name), text);
  const load = async (): Promise<string | null> => fixture.door.loadResult();
  const result = join(door, "submitted.json");

  symlinkSync(outside, result);
  expect(await load()).toBeNull();
  rmSync(result);
  mkdirSync(result);
  expect(await load()).toBeNull();
  rmSync(result, { recursive: true });
  execFileSync("mkfifo", [result]);
  expect(await load()).toBeNull();
  rmSync(result);
  put("submitted.json", " ".repeat(9 * 1024 * 1024));
  expect(await load()).toBeNull();
  put("submitted.json", "no json");
  put("finding-1.json", JSON.stringify(FINDING));
  expect(await load()).toBe("no json");
  const deep = `{"findings":[${"[".repeat(50_000)}${"]".repeat(50_000)}]}`;
  put("submitted.json", deep);
  expect(await load()).toBe(deep);
  rmSync(result);

  put("finding-2.json", "{");
  put("finding-3.json", JSON.stringify({ ...FINDING, severity: "huge" }));
  put("finding-4.json", `{"claim":"c","category":"c","severity":"P1","more":${"[".repeat(50_000)}${"]".repeat(50_000)}}`);
  put("finding-5.json", "x".repeat(600_000));
  put("finding-2001.json", JSON.stringify({ ...FINDING, claim: "Too many" }));
  put("finding-007.json", JSON.stringify({ ...FINDING, claim: "No number" }));
  symlinkSync(outside, join(door, "finding-6.json"));
  put("finding-8.json", JSON.stringify({ ...FINDING, claim: "Eight" }));
  put("question-1.json", JSON.stringify({ question: "?" }));
  const { partial } = await closeDoor(fixture.app, { laneDir: fixture.laneDir, nonce: LANE_NONCE });
  expect(partial).toEqual({ nonce: LANE_NONCE, findings: [FINDING, { ...FINDING, claim: "Eight" }] });
  expect(existsSync(outside)).toBe(true);
});

test("case 17: a door that became a link is not followed: nothing is read, and only the link goes", async () => {
  const fixture = await open();
  const lane = await fixture.openLane();
  const door = join(fixture.laneDir, "door");
  const elsewhere = join(fixture.root, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "submitted.json"), JSON.stringify(RESULT));
  rmSync(door, { recursive: true });
  symlinkSync(elsewhere, door);
  expect(await fixture.door.loadResult()).toBeNull();
  expect(await lane.submitFinding(FINDING)).toEqual({ refused: true, text: "The lane has ended; nothing more is taken." });
  expect(await closeDoor(fixture.app, { laneDir: fixture.laneDir, nonce: LANE_NONCE })).toEqual({ submitted: null, partial: null });
  expect(existsSync(join(elsewhere, "submitted.json"))).toBe(true);
  expect(existsSync(door)).toBe(false);
});

test("a door that cannot be removed is told and ends nothing", async (context) => {
  const fixture = await open();
  const kept = join(fixture.laneDir, "door/kept");
  mkdirSync(kept);
  writeFileSync(join(kept, "file"), "");
  // Root removes everything but what something is mounted on.
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) chmodSync(kept, 0);
  else if (spawnSync("mount", ["-t", "tmpfs", "tmpfs", kept]).status !== 0) return context.skip("nothing can be mounted here");
  try {
    expect(await closeDoor(fixture.app, { laneDir: fixture.laneDir, nonce: LANE_NONCE })).toEqual({ submitted: null, partial: null });
  } finally {
    if (isRoot) spawnSync("umount", [kept]);
    else chmodSync(kept, 0o700);
  }
});

test("joining: own findings keep their places, none is lost or doubled while there is room, and doing it twice changes nothing", () => {
  const finding = fc.record({ claim: fc.constantFrom("a", "b", "c", "d", "e"), more: fc.jsonValue({ maxDepth: 1 }) });
  const before = fc.array(finding).map((values) => values.map((value, at) => ({ number: at + 1, value })));
  fc.assert(
    fc.property(fc.option(fc.array(finding), { nil: undefined }), before, (own, findings) => {
      const delivered = { findings, questions: [] } as unknown as Parameters<typeof joinResult>[1];
      const { result, left } = joinResult(own === undefined ? {} : { findings: own }, delivered);
      const list = (result["findings"] ?? []) as unknown[];
      expect(left).toBe(0);
      expect(list.slice(0, own?.length ?? 0)).toEqual(own ?? []);
      for (const { value } of findings) expect(list).toContainEqual(value);
      expect(list.length).toBeLessThanOrEqual((own?.length ?? 0) + findings.length);
      expect(joinResult(result, delivered).result).toEqual(result);
    }),
  );
});

test("joining: what has no room is counted and left out", () => {
  const own = Array.from({ length: MAX_FINDINGS - 1 }, (_, at) => ({ ...FINDING, startLine: at + 1 }));
  const findings = ["a", "b", "c"].map((claim, at) => ({ number: at + 1, value: { ...FINDING, claim } }));
  const { result, left } = joinResult({ findings: own }, { findings, questions: [] } as unknown as Parameters<typeof joinResult>[1]);
  expect({ length: (result["findings"] as unknown[]).length, left }).toEqual({ length: MAX_FINDINGS, left: 2 });
});

/** The real server process, as an agent's MCP client has it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { closeDoor } from "@okstra/app/door/open-door";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { startLaneClient, type Era, type LaneClient, type LaneClientOptions } from "@okstra/testkit/lane-client";
import { LANE_NONCE, LANE_RUN, openLaneFixture, type LaneFixture } from "@okstra/testkit/lane-fixture";

const ERAS: readonly Era[] = ["2025", "2026"];
const FINDING = { claim: "The sum is wrong", category: "correctness", severity: "P1", file: "src/sum.js", quote: "return a + b;" };
const RESULT = { nonce: LANE_NONCE, findings: [] };

let bundles = "";
let launcher: readonly [string, string];
const fixtures: LaneFixture[] = [];
const clients: LaneClient[] = [];

beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), "okstra-bundle-"));
  launcher = [process.execPath, await bundleOkstra(bundles)];
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const fixture of fixtures.splice(0)) fixture.remove();
});

async function open(options: Parameters<typeof openLaneFixture>[0] = {}): Promise<LaneFixture> {
  const fixture = await openLaneFixture({ launcher, ...options });
  fixtures.push(fixture);
  return fixture;
}

async function connect(fixture: LaneFixture, options: LaneClientOptions = {}): Promise<LaneClient> {
  const client = await startLaneClient(fixture.door, options);
  clients.push(client);
  return client;
}

/** Case 54: nothing but JSON-RPC on standard output. */
function expectOnlyJsonRpc(client: LaneClient): void {
  expect(client.lines.length).toBeGreaterThan(0);
  for (const line of client.lines) expect((JSON.parse(line) as { jsonrpc?: unknown }).jsonrpc).toBe("2.0");
}

/** Everything of the fixture but the door's content. */
function listOutside({ root }: LaneFixture): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => !path.startsWith(join("run/workers/agent/door/")))
    .sort();
}

describe.each(ERAS)("era %s", (era) => {
  test("case 54: brief, findings, a question and the result go through, and every line is JSON-RPC", async () => {
    const fixture = await open();
    const before = listOutside(fixture);
    const client = await connect(fixture, { era });
    const { tools } = await client.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["read_brief", "submit_finding", "ask_clarification", "submit_result"]);
    for (const { inputSchema, description } of tools) {
      expect(inputSchema.type).toBe("object");
      expect(description).not.toBe("");
    }
    expect(await client.call("read_brief", {})).toEqual({ text: `Review it. Nonce: ${LANE_NONCE}`, isError: false });
    const kept = await client.call("submit_finding", FINDING);
    expect(kept).toEqual({ text: expect.stringMatching(/^Finding 1 is kept.*\nThe quote is in src\/sum.js, line 2\./), isError: false });
    expect((await client.call("ask_clarification", { question: "Which?", why: "it decides", blocks: "none" })).isError).toBe(false);
    const taken = await client.call("submit_result", { ...RESULT, runId: LANE_RUN });
    expect(taken).toEqual({ text: expect.stringContaining("findings: 1, clarifications: 1"), isError: false });
    expect(await client.call("submit_result", RESULT)).toEqual({
      text: expect.stringContaining("A result was submitted already; it stands"),
      isError: true,
    });
    expect(await client.close()).toEqual({ status: 0, signal: null });
    expectOnlyJsonRpc(client);
    expect(client.stderr()).toBe("");
    expect(Object.keys(fixture.readDoor())).toEqual([
      "finding-1.json",
      "lane.json",
      "question-1.json",
      "result.schema.json",
      "submitted.json",
    ]);
    expect(listOutside(fixture)).toEqual(before);
    expect(JSON.parse((await fixture.door.loadResult()) ?? "")).toEqual({
      nonce: LANE_NONCE,
      runId: LANE_RUN,
      findings: [FINDING],
      clarifications: [{ question: "Which?", why: "it decides", blocks: "none" }],
    });
  });

  test.each(["vote", "write"] as const)(
    "case 53: a %s lane has the brief and the result, and nothing that takes a command",
    async (role) => {
      const fixture = await open({ role });
      const client = await connect(fixture, { era });
      const { tools } = await client.client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(["read_brief", "submit_result"]);
      for (const name of ["submit_finding", "ask_clarification", "run", "exec", "approve", "constructor", "__proto__", "toString"])
        await expect(client.call(name, FINDING)).rejects.toMatchObject({ code: -32602 });
      const given = role === "vote" ? { nonce: LANE_NONCE, votes: [] } : { nonce: LANE_NONCE, summary: "All is well." };
      expect((await client.call("submit_result", given)).isError).toBe(false);
      await client.close();
      expectOnlyJsonRpc(client);
      expect(JSON.parse((await fixture.door.loadResult()) ?? "")).toEqual(given);
    },
  );
});

test("1,000 random calls: no crash, every error is typed, every line is JSON-RPC", async () => {
  const fixture = await open();
  const client = await connect(fixture);
  const { tools } = await client.client.listTools();
  const names = tools.map(({ name }) => name);
  const anyName = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: fc.string() });
  const shaped = fc.record(
    {
      claim: fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.jsonValue()),
      category: fc.oneof(fc.constantFrom("lint", ""), fc.jsonValue()),
      severity: fc.oneof(fc.constantFrom("P0", "P1", "P2", "P3"), fc.jsonValue()),
      file: fc.oneof(
        fc.constantFrom("src/sum.js", "../x", "/etc/passwd", "a\0b", "", "src", "src/none.js", "x".repeat(5000)),
        fc.jsonValue(),
      ),
      startLine: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
      quote: fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()),
      question: fc.oneof(fc.string(), fc.jsonValue()),
      why: fc.oneof(fc.string(), fc.jsonValue()),
      blocks: fc.oneof(fc.constantFrom("none", "approval"), fc.jsonValue()),
      // Never the right one, so that no random result stands and ends the game.
      nonce: fc.oneof(fc.constantFrom("0".repeat(32), LANE_NONCE.slice(1)), fc.jsonValue()),
      runId: fc.jsonValue(),
      findings: fc.oneof(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.jsonValue()),
      clarifications: fc.jsonValue(),
      criteria: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const anyGiven = fc.oneof(shaped, fc.dictionary(fc.string(), fc.jsonValue()), fc.constant(undefined));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(anyName, anyGiven, async (name, given) => {
      if (names.includes(name)) {
        const answer = await client.call(name, given);
        expect(answer.text).not.toBe("");
        expect(answer.text).not.toMatch(/\n\s+at |OKSTRA_INTERNAL|\[object/);
        if (answer.isError) refused += 1;
      } else await expect(client.call(name, given)).rejects.toMatchObject({ code: -32602 });
    }),
    { numRuns: 1000 },
  );
  expect(refused).toBeGreaterThan(100);
  expect((await client.call("submit_result", RESULT)).isError).toBe(false);
  expect(await client.close()).toEqual({ status: 0, signal: null });
  expectOnlyJsonRpc(client);
  expect(client.stderr()).toBe("");
});

test("rubbish on standard input is passed over; the lane is served on", async () => {
  const fixture = await open();
  const client = await connect(fixture, { era: "2025" });
  for (const line of [
    "no json",
    "[]",
    "{}",
    "null",
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"1.0","id":1,"method":"x"}',
    "\u0000\u001b[31m",
    "[".repeat(200_000),
  ])
    await client.write(`${line}\n`);
  expect((await client.call("read_brief", {})).isError).toBe(false);
  expect(await client.close()).toEqual({ status: 0, signal: null });
  expectOnlyJsonRpc(client);
});

test.each(ERAS)("era %s: what is nested 100,000 deep or has over 8 MiB is told so; a message over 16 MiB ends the service", async (era) => {
  const fixture = await open();
  const client = await connect(fixture, { era });
  const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const meta = era === "2026" ? `"_meta":${JSON.stringify(modernEnvelope)},` : "";
  const answerTo = async (
    id: number,
  ): Promise<{ result?: { content: { text: string }[]; isError?: boolean }; error?: { code: number } }> => {
    for (;;) {
      const line = client.lines.find((each) => (JSON.parse(each) as { id?: unknown }).id === id);
      if (line !== undefined) return JSON.parse(line);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  for (const [id, levels] of [
    [9001, 101],
    [9002, 100_000],
  ] as const) {
    const params = `{${meta}"name":"submit_result","arguments":{"nonce":"${LANE_NONCE}","findings":[],"more":${deep(levels)}}}`;
    await client.write(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}\n`);
    const { result } = await answerTo(id);
    expect(result).toMatchObject({ isError: true, content: [{ text: "The result is not taken: it is nested deeper than 100 levels." }] });
  }
  const large = await client.call("submit_result", { ...RESULT, more: "x".repeat(8 * 1024 * 1024) });
  expect(large).toEqual({ text: expect.stringMatching(/it has \d+ bytes; at most 8388608 are taken/), isError: true });
  await client.write(`{"jsonrpc":"2.0","id":9003,"method":"ping","params":{"x":"${"x".repeat(17 * 1024 * 1024)}"}}\n`);
  expect((await client.ended).signal).toBeNull();
  expect(client.stderr()).toContain("exceeded maximum size");
  expectOnlyJsonRpc(client);
  expect(await fixture.door.loadResult()).toBeNull();
});

const modernEnvelope = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "lane-client", version: "1.0.0" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

describe("two servers for one lane", () => {
  test("each finding has a number of its own, one result stands, the other is told; nothing is lost", async () => {
    const fixture = await open();
    const [one, other] = await Promise.all([connect(fixture, { era: "2025" }), connect(fixture, { era: "2026" })]);
    const texts = await Promise.all(
      Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? one : other).call("submit_finding", { ...FINDING, claim: `Claim ${at}` })),
    );
    const numbers = texts.map(({ text }) => Number(/^Finding (\d+) is kept/.exec(text)?.[1]));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    const results = await Promise.all([one, other].map((client, at) => client.call("submit_result", { ...RESULT, covered: [`by ${at}`] })));
    expect(results.map(({ isError }) => isError).toSorted()).toEqual([false, true]);
    const stands = results.findIndex(({ isError }) => !isError);
    const result = JSON.parse((await fixture.door.loadResult()) ?? "");
    expect(result.covered).toEqual([`by ${stands}`]);
    expect(result.findings.map(({ claim }: { claim: string }) => claim).toSorted()).toEqual(
      Array.from({ length: 40 }, (_, at) => `Claim ${at}`).toSorted(),
    );
  });

  test("findings that come at the moment of the result are in it, or are told that they are not", async () => {
    for (let round = 0; round < 5; round += 1) {
      const fixture = await open();
      const [one, other] = await Promise.all([connect(fixture), connect(fixture)]);
      const [answers, taken] = await Promise.all([
        Promise.all(Array.from({ length: 10 }, (_, at) => one.call("submit_finding", { ...FINDING, claim: `Claim ${at}` }))),
        other.call("submit_result", RESULT),
      ]);
      expect(taken.isError).toBe(false);
      const kept = answers.flatMap(({ isError }, at) => (isError ? [] : [`Claim ${at}`]));
      const result = JSON.parse((await fixture.door.loadResult()) ?? "");
      expect(result.findings.map(({ claim }: { claim: string }) => claim)).toEqual(kept);
    }
  });

  test("a server that is started again goes on with the numbers", async () => {
    const fixture = await open();
    const first = await connect(fixture);
    await first.call("submit_finding", { ...FINDING, claim: "One" });
    await first.close();
    const second = await connect(fixture);
    expect((await second.call("submit_finding", { ...FINDING, claim: "One" })).text).toBe("That is finding 1 already; it is kept once.");
    expect((await second.call("submit_finding", { ...FINDING, claim: "Two" })).text).toMatch(/^Finding 2 is kept/);
  });
});

test("case 55: a canary in .env and in the server's environment is in no file, whatever the tool", async () => {
  const canary = "canary-7f3a9c1e5b";
  const other = "environment-canary-55";
  const fixture = await open({ files: { ".env": `SERVICE_URL="${canary}"\n`, "src/key.js": `const key = "${canary}";\n` } });
  const client = await connect(fixture, { env: { VENDOR_API_KEY: other } });
  const secret = `${canary} and ${other}`;
  const kept = await client.call("submit_finding", {
    ...FINDING,
    claim: secret,
    file: "src/key.js",
    quote: `const key = "${canary}"`,
    [other]: 1,
  });
  expect(kept.text).toContain("The quote is in src/key.js, line 1.");
  await client.call("submit_finding", { ...FINDING, severity: secret });
  await client.call("ask_clarification", { question: secret, why: secret, blocks: "none" });
  expect((await client.call("submit_result", { ...RESULT, summary: secret, covered: [secret] })).isError).toBe(false);
  const written = JSON.stringify(fixture.readDoor()) + client.stderr();
  expect(written).toContain("[redacted] and [redacted]");
  expect(written).not.toContain(canary);
  expect(written).not.toContain(other);
  expect(await fixture.door.loadResult()).not.toContain(canary);
});

test("case 57: hostile texts stay what they are, as data", async () => {
  const fixture = await open();
  const client = await connect(fixture);
  const hostile = "\u001b]52;c;aGk=\u0007\u202e\u0085 approve; push now \ud83d\ude00";
  expect((await client.call("submit_finding", { ...FINDING, claim: hostile, file: `${hostile}.js` })).text).not.toMatch(
    /[\u001b\u202e\u0085]/,
  );
  await client.call("submit_result", RESULT);
  await client.close();
  expect(JSON.parse((await fixture.door.loadResult()) ?? "").findings[0].claim).toBe(hostile);
  expectOnlyJsonRpc(client);
});

test("the service ends with its lane: at the end of input, by a signal, and with nothing taken once the door is closed", async () => {
  const fixture = await open();
  const [one, other] = [await connect(fixture), await connect(fixture)];
  process.kill(one.pid, "SIGTERM");
  expect(await one.ended).toEqual({ status: 143, signal: null });
  await closeDoor(fixture.app, { laneDir: fixture.laneDir, nonce: LANE_NONCE });
  for (const [name, given] of [
    ["submit_finding", FINDING],
    ["submit_result", RESULT],
  ] as const)
    expect(await other.call(name, given)).toEqual({ text: "The lane has ended; nothing more is taken.", isError: true });
  expect(await other.close()).toEqual({ status: 0, signal: null });
});

describe("a door that is none", () => {
  const start = (env: Readonly<Record<string, string>>, argv: readonly string[] = ["mcp", "--worker"]) => {
    const [program, ...args] = launcher;
    return spawnSync(program, [...args, ...argv], { env, input: "", encoding: "utf8" });
  };
  const order = (fixture: LaneFixture): Record<string, unknown> =>
    JSON.parse(readFileSync(join(fixture.laneDir, "door/lane.json"), "utf8")) as Record<string, unknown>;

  const ROWS: readonly {
    what: string;
    code: string;
    status: number;
    spoil: (door: string, fixture: LaneFixture) => Readonly<Record<string, string>>;
  }[] = [
    { what: "not named", code: "OKSTRA_DOOR_INVALID", status: 3, spoil: () => ({ OKSTRA_DOOR: "" }) },
    { what: "not absolute", code: "OKSTRA_DOOR_INVALID", status: 3, spoil: () => ({ OKSTRA_DOOR: "door" }) },
    { what: "absent", code: "OKSTRA_DOOR_INVALID", status: 3, spoil: (door) => ({ OKSTRA_DOOR: `${door}-none` }) },
    {
      what: "case 16: a link",
      code: "OKSTRA_PATH_IS_LINK",
      status: 1,
      spoil: (door) => (symlinkSync(door, `${door}-link`), { OKSTRA_DOOR: `${door}-link` }),
    },
    {
      what: "a file",
      code: "OKSTRA_DOOR_INVALID",
      status: 3,
      spoil: (door) => (writeFileSync(`${door}-file`, ""), { OKSTRA_DOOR: `${door}-file` }),
    },
    { what: "without lane.json", code: "OKSTRA_DOOR_INVALID", status: 3, spoil: (door) => (rmSync(join(door, "lane.json")), {}) },
    {
      what: "lane.json garbled",
      code: "OKSTRA_DOOR_INVALID",
      status: 3,
      spoil: (door) => (writeFileSync(join(door, "lane.json"), "{"), {}),
    },
    {
      what: "lane.json without its nonce",
      code: "OKSTRA_DOOR_INVALID",
      status: 3,
      spoil: (door, fixture) => (writeFileSync(join(door, "lane.json"), JSON.stringify({ ...order(fixture), nonce: 1 })), {}),
    },
    {
      what: "lane.json of a newer schema",
      code: "OKSTRA_SCHEMA_NEWER",
      status: 3,
      spoil: (door, fixture) => (writeFileSync(join(door, "lane.json"), JSON.stringify({ ...order(fixture), schema: 2 })), {}),
    },
    {
      what: "lane.json a link",
      code: "OKSTRA_IO_FAILED",
      status: 1,
      spoil: (door) => (rmSync(join(door, "lane.json")), symlinkSync("/etc/hostname", join(door, "lane.json")), {}),
    },
    {
      what: "lane.json a directory",
      code: "OKSTRA_IO_FAILED",
      status: 1,
      spoil: (door) => (rmSync(join(door, "lane.json")), mkdirSync(join(door, "lane.json")), {}),
    },
  ];

  test.each(ROWS)("$what: $code", async ({ code, status, spoil }) => {
    const fixture = await open();
    const env = { ...fixture.door.env, ...spoil(join(fixture.laneDir, "door"), fixture) };
    const answer = start(env);
    expect(answer.stderr).toMatch(new RegExp(`^error\\[${code}\\]: [^\\n]+\\nhint: [^\\n]+\\n$`));
    expect({ status: answer.status, stdout: answer.stdout }).toEqual({ status, stdout: "" });
  });
});

/** 1,000 calls that the tools' own schemas and rubbish make up: whatever comes, each is answered, with a document or with a code. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ERROR_CATALOGUE } from "@okstra/core/errors";
import { describeTools } from "./describe-tools.ts";
import { bundleMcpProgram, expectOnlyJsonRpc, startMcpClient, type McpClient, type McpProgram } from "@okstra/testkit/mcp-server";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";

const CALLS = 1000;
const TASKS = ["bugs/a", "bugs/b", "proj/bugs/a"] as const;
/** Texts that mean something here, or that somebody would like to mean something. */
const TEXTS = [
  ...TASKS,
  "proj",
  "bugs",
  "error-analysis",
  "final-verification",
  "release-handoff",
  "checks",
  "HEAD",
  "proj/bugs/a:error-analysis/1",
  "proj/bugs/b:final-verification/2",
  "2026-01-31",
  "../../etc/passwd",
  "bugs/..",
  "--upload-pack=touch x",
  "$(touch x)",
  "\u0000",
  "\u202e\u001b[2J",
  "\ud800",
  "x".repeat(70_000),
  "",
] as const;

/** What a field of that name means, so that calls get past their first check. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  task: TASKS,
  handle: ["proj/bugs/a:error-analysis/1", "proj/bugs/a:final-verification/1", "proj/bugs/b:final-verification/1"],
  phase: ["error-analysis", "final-verification"],
  project: ["proj"],
  group: ["bugs"],
  baseRef: ["HEAD", "main"],
  category: ["bugfix"],
  brief: ["# Sum\n\nIt is wrong.\n"],
  executor: ["checks"],
  maxCost: ["2.50"],
  since: ["2026-01-31"],
  until: ["2027-01-31T00:00:00Z"],
  lane: ["checks"],
};

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
}

const rubbish = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...TEXTS), fc.constantFrom(-1, 0, 1e308, 2 ** 53, 0.5));

/** Values that a schema describes, now and then something else in any place of them. */
function valueOf(schema: JsonSchema, name = ""): fc.Arbitrary<unknown> {
  const meant = MEANT[name] ?? [];
  return fc.oneof(
    { arbitrary: properOf(schema), weight: meant.length === 0 ? 30 : 3 },
    { arbitrary: rubbish, weight: 1 },
    ...(meant.length === 0 ? [] : [{ arbitrary: fc.constantFrom(...meant), weight: 27 }]),
  );
}

function properOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((each) => valueOf(each)));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "object": {
      const properties = Object.entries(schema.properties ?? {}).map(([name, of]) => [name, valueOf(of, name)] as const);
      const requiredKeys = schema.required ?? [];
      return fc
        .tuple(fc.record(Object.fromEntries(properties), { requiredKeys: [...requiredKeys] }), fc.integer({ min: 0, max: 30 }), rubbish)
        .map(([value, odd, extra]) => (odd === 0 ? { ...value, extra } : value));
    }
    case "array":
      return fc.array(valueOf(schema.items ?? {}), { maxLength: 3 });
    case "string":
      return fc.oneof({ arbitrary: fc.constantFrom(...TEXTS), weight: 5 }, { arbitrary: fc.string({ unit: "grapheme" }), weight: 1 });
    case "integer":
      return fc.integer({ min: schema.minimum ?? -10, max: Math.min(schema.maximum ?? 100, 2000) });
    case "boolean":
      return fc.boolean();
    default:
      return rubbish;
  }
}

const call = fc.oneof(
  ...describeTools().map(({ name, inputSchema }) => fc.record({ name: fc.constant(name), given: valueOf(inputSchema as JsonSchema) })),
);

let program: McpProgram;
let project: TestProject;
let client: McpClient;

beforeAll(async () => {
  program = await bundleMcpProgram();
  project = await createTestProject();
  await project.repo.commit("lint", { "package.json": '{ "name": "x", "scripts": { "test": "node -e 0" } }\n' });
  client = await startMcpClient(program, project);
});
afterAll(() => {
  project.remove();
  program.remove();
});

test("case 54: no call crashes the server, every error has a code, and every line is JSON-RPC", async () => {
  const before = await project.repo.git(["rev-parse", "HEAD", "refs/heads/main"]);
  const status = await project.repo.status();
  const seen = new Map<string, number>();
  const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
  await fc.assert(
    fc.asyncProperty(call, async ({ name, given }) => {
      // Half a surrogate pair is no JSON text; what arrives is what JSON can carry.
      const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
      const answer = await client.call(name, given).catch((error: unknown) => {
        // Arguments that are no object are refused by the protocol itself.
        expect(isObject, String(error)).toBe(false);
        return null;
      });
      if (answer === null) return count("refused by the protocol");
      expect(answer.text).not.toMatch(/\n\s+at |node:internal|OKSTRA_INTERNAL/);
      const document = JSON.parse(answer.text) as { error?: { code: string; message: string; hint: string } };
      expect(typeof document).toBe("object");
      if (!answer.isError) return count(`${name} answered`);
      expect(Object.keys(ERROR_CATALOGUE)).toContain(document.error?.code);
      expect(document.error?.message).toMatch(/./);
      count(document.error?.code ?? "");
    }),
    { numRuns: CALLS, endOnFailure: true },
  );
  // It was no monologue: tools did answer, and several kinds of mistakes were told.
  const answered = [...seen.keys()].filter((what) => what.endsWith(" answered"));
  expect(answered.length, JSON.stringify([...seen])).toBeGreaterThanOrEqual(12);
  expect(seen.get("OKSTRA_USAGE")).toBeGreaterThan(50);
  expect([...seen.keys()]).toEqual(expect.arrayContaining(["OKSTRA_TASK_NOT_FOUND", "OKSTRA_RUN_NOT_FOUND"]));

  // What was begun ends; no branch of the person's has moved, and nothing new lies in the working tree.
  const { runs } = await client.ask("okstra_history", { limit: 200 });
  for (const { taskKey, type, run } of runs) await client.ask("okstra_run_status", { handle: `${taskKey}:${type}/${run}`, waitMs: 60_000 });
  expect(await project.repo.git(["rev-parse", "HEAD", "refs/heads/main"])).toEqual(before);
  expect(await project.repo.status()).toEqual(status);
  expect(await client.close()).toEqual({ status: 0, signal: null });
  expectOnlyJsonRpc(client.lines);
}, 300_000);

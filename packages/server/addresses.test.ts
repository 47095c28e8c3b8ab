import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { askRaw, type RawAnswer } from "@okstra/testkit/http/raw-http";
import { COMMIT, createSampleAnswers, SHA, type SampleAnswers } from "@okstra/testkit/http/sample-answers";
import { startDashboard, type DashboardServer } from "./start-dashboard.ts";

const TASK = "/api/tasks/proj/bugs/login";

let answers: SampleAnswers;
let server: DashboardServer;
let cookie = "";
const problems: unknown[] = [];

beforeAll(async () => {
  answers = createSampleAnswers();
  server = await startDashboard({ answers, files: new Map(), port: 0, onProblem: (thrown) => void problems.push(thrown) });
  const { headers } = await ask("GET", server.url.slice(server.url.indexOf("/?")));
  cookie = headers["set-cookie"]!.split(";")[0]!;
});
afterAll(() => server.close());
beforeEach(() => {
  (answers.calls as unknown[]).length = 0;
});

function ask(method: "GET" | "POST", target: string): Promise<RawAnswer> {
  const host = `127.0.0.1:${server.port}`;
  const headers = { Host: host, Cookie: cookie, ...(method === "POST" ? { "Content-Type": "application/json", "X-Okstra": "1" } : {}) };
  const body = method === "POST" ? { body: JSON.stringify({ run: 1, planSha256: SHA }) } : {};
  return askRaw(server.port, { method, target, headers: Object.entries(headers), ...body });
}

const BAD_QUERIES: readonly string[] = [
  "/api/board?state=gone",
  "/api/board?state=due&state=done",
  "/api/board?state=&state=due",
  "/api/board?phase=coding",
  "/api/board?project=../x",
  "/api/board?group=Bugs",
  "/api/schedule?capacity=0",
  "/api/schedule?capacity=1e3",
  "/api/time?since=yesterday",
  "/api/time?until=2026-02-30",
  "/api/cost?since=-7d",
  "/api/search?q=a&limit=101",
  `/api/search?q=${"a".repeat(201)}`,
  `${TASK}/findings?run=0`,
  `${TASK}/findings?type=x`,
  `${TASK}/code`,
  `${TASK}/code?commit=HEAD&path=a`,
  `${TASK}/code?commit=--output=x&path=a`,
  `${TASK}/code?commit=${COMMIT}&path=../../etc/passwd`,
  `${TASK}/code?commit=${COMMIT}&path=/etc/passwd`,
  `${TASK}/code?commit=${COMMIT}&path=a/./b`,
  `${TASK}/code?commit=${COMMIT}&path=a%00b`,
  `${TASK}/runs/implementation/1/transcript?after=-1`,
  `${TASK}/runs/implementation/1/transcript?worker=../x`,
  "/api/stream?after=a%0Ab",
  `/api/stream?after=${"1".repeat(129)}`,
];

test.each(BAD_QUERIES)("%s is refused before anything is asked", async (target) => {
  const { status, body } = await ask("GET", target);
  expect([status, JSON.parse(body).error.code, answers.calls]).toEqual([422, "OKSTRA_DASHBOARD_REQUEST_INVALID", []]);
});

const NOWHERE: readonly string[] = [
  "/api",
  "/api/",
  "/api/nothing",
  "/index.html",
  "/favicon.ico",
  "/assets/",
  "/assets/none.js",
  "/assets/constructor",
  "/package.json",
  "/api/tasks/proj/bugs",
  "/api/tasks/Proj/bugs/login",
  "/api/tasks/proj/bugs/login%20x",
  `${TASK}/runs/coding/1/report`,
  `${TASK}/runs/implementation/0/report`,
  `${TASK}/runs/implementation/1`,
];

test.each(NOWHERE)("%s is no address", async (target) => {
  const { status, body } = await ask("GET", target);
  expect([status, JSON.parse(body).error.code, answers.calls]).toEqual([404, "OKSTRA_DASHBOARD_ADDRESS_UNKNOWN", []]);
});

test.each(["handoff", "push", "pull-request", "run", "exec", "task", "trust", "cancel"])(
  "case 58: there is no address that does `%s`",
  async (name) => {
    const targets = [`/api/${name}`, `${TASK}/${name}`, `${TASK}/runs/release-handoff/1/${name}`];
    const told = await Promise.all(
      targets.flatMap((target) => (["GET", "POST"] as const).map(async (method) => (await ask(method, target)).status)),
    );
    expect([told, answers.calls]).toEqual([[404, 404, 404, 404, 404, 404], []]);
  },
);

test("a task that is not there is 404 with okstra's own code", async () => {
  const { status, body } = await ask("GET", "/api/tasks/proj/bugs/none");
  expect([status, JSON.parse(body).error.code, problems]).toEqual([404, "OKSTRA_TASK_NOT_FOUND", []]);
});

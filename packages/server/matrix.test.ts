import { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { askRaw, formatRequest, openRaw, type RawAnswer, type RawRequest } from "@okstra/testkit/http/raw-http";
import { COMMIT, createSampleAnswers, SHA, type SampleAnswers } from "@okstra/testkit/http/sample-answers";
import { createRoutes } from "./routes.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { startDashboard, type DashboardServer } from "./start-dashboard.ts";
import type { WebFiles } from "./web-files.ts";

const bytes = new TextEncoder().encode("<!doctype html>");
const FILES: WebFiles = new Map(
  ["/", "/assets/main-ABCDEFGH.js"].map((path) => [
    path,
    { type: "text/html; charset=utf-8", bytes, br: null, gzip: null, isHashed: true },
  ]),
);

interface Row {
  readonly target: string;
  /** Of a POST. */
  readonly body?: object;
  /** What of the answers is asked; null: none of them. */
  readonly asks: string | null;
}

const TASK = "/api/tasks/proj/bugs/login";
const approval = { run: 1, planSha256: SHA };

/** A request that is taken, for each address there is. */
const ROWS: Readonly<Record<string, Row>> = {
  "GET /": { target: "/", asks: null },
  "GET /assets/:name": { target: "/assets/main-ABCDEFGH.js", asks: null },
  "GET /api/board": { target: "/api/board?state=waiting&group=", asks: "board" },
  "GET /api/schedule": { target: "/api/schedule?capacity=2", asks: "schedule" },
  "GET /api/time": { target: "/api/time?since=2026-01-31", asks: "time" },
  "GET /api/cost": { target: "/api/cost?since=7d", asks: "cost" },
  "GET /api/search": { target: "/api/search?q=a%20b&limit=3", asks: "search" },
  "GET /api/tasks/:project/:group/:task": { target: TASK, asks: "task" },
  "GET /api/tasks/:project/:group/:task/findings": { target: `${TASK}/findings?type=implementation&run=2`, asks: "findings" },
  "GET /api/tasks/:project/:group/:task/code": { target: `${TASK}/code?commit=${COMMIT}&path=src/a%20b.ts`, asks: "code" },
  "GET /api/tasks/:project/:group/:task/diff": { target: `${TASK}/diff`, asks: "diff" },
  "GET /api/tasks/:project/:group/:task/runs/:type/:run/report": { target: `${TASK}/runs/implementation/1/report`, asks: "report" },
  "GET /api/tasks/:project/:group/:task/runs/:type/:run/transcript": {
    target: `${TASK}/runs/implementation/1/transcript?after=500`,
    asks: "transcript",
  },
  "POST /api/tasks/:project/:group/:task/answers": {
    target: `${TASK}/answers`,
    body: { answers: [{ id: "C1", text: "yes", boundTo: SHA }] },
    asks: "answer",
  },
  "POST /api/tasks/:project/:group/:task/approval": { target: `${TASK}/approval`, body: approval, asks: "approve" },
  "POST /api/tasks/:project/:group/:task/rejection": { target: `${TASK}/rejection`, body: { ...approval, reason: "no" }, asks: "reject" },
  "POST /api/tasks/:project/:group/:task/override": {
    target: `${TASK}/override`,
    body: { type: "implementation", run: 1, gate: "tests", reason: "known", until: "2026-12-31", boundTo: SHA },
    asks: "override",
  },
  "GET /api/stream": { target: "/api/stream?after=7", asks: "feed" },
};

/** `METHOD path` of every address of a router. */
function listAddresses(routes: Pick<Hono, "routes">): readonly string[] {
  return routes.routes.flatMap(({ method, path }) => (method === "ALL" ? [] : [`${method} ${path}`]));
}

function ownAddresses(): readonly string[] {
  return listAddresses(
    createRoutes({
      answers: createSampleAnswers(),
      files: FILES,
      maxStreams: 1,
      heartbeatMs: 1000,
      slowMs: 1000,
      closing: new AbortController().signal,
      onProblem: () => undefined,
    }),
  );
}

function findMissing(addresses: readonly string[]): readonly string[] {
  return addresses.filter((address) => !Object.hasOwn(ROWS, address));
}

let answers: SampleAnswers;
let server: DashboardServer;
let cookie: string;
let other: DashboardServer;
let foreignCookie: string;

/** @returns the cookie that the address of a server gives */
async function enter({ port, url }: DashboardServer): Promise<string> {
  const { headers } = await askRaw(port, { target: url.slice(url.indexOf("/?")), headers: [["Host", `127.0.0.1:${port}`]] });
  return headers["set-cookie"]!.split(";")[0]!;
}

beforeAll(async () => {
  const start = (from: SampleAnswers): Promise<DashboardServer> =>
    startDashboard({ answers: from, files: FILES, port: 0, onProblem: () => undefined });
  answers = createSampleAnswers();
  server = await start(answers);
  cookie = await enter(server);
  other = await start(createSampleAnswers());
  foreignCookie = await enter(other);
});
afterAll(async () => {
  await server.close();
  await other.close();
});
beforeEach(() => {
  (answers.calls as unknown[]).length = 0;
});

type Header = readonly [string, string];

/** The taken request of a row, with headers instead of those of the same names, and others added. */
function requestOf(
  address: string,
  changes: { headers?: readonly Header[]; without?: readonly string[] } & Partial<RawRequest> = {},
): RawRequest {
  const { target, body } = ROWS[address]!;
  const method = address.slice(0, address.indexOf(" "));
  const usual: readonly Header[] = [
    ["Host", `127.0.0.1:${server.port}`],
    ["Cookie", cookie],
    ...(body === undefined
      ? []
      : ([
          ["Origin", `http://127.0.0.1:${server.port}`],
          ["Sec-Fetch-Site", "same-origin"],
          ["Content-Type", "application/json"],
          ["X-Okstra", "1"],
        ] as const)),
  ];
  const { headers = [], without = [], ...more } = changes;
  const gone = new Set([...without, ...headers.map(([name]) => name)].map((name) => name.toLowerCase()));
  return {
    method,
    target,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...more,
    headers: [...usual.filter(([name]) => !gone.has(name.toLowerCase())), ...headers],
  };
}

/** Names of attacks whose answer was not refused as it should be, or that had an effect. */
async function findUnrefused(
  attacks: readonly (readonly [name: string, status: number, request: RawRequest])[],
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [name, status, request] of attacks) {
    const answer = await askRaw(server.port, request).catch(() => ({ status: 0, headers: {}, body: "" }));
    const asked = answers.calls.map((call) => call.name).join();
    const isTold =
      answer.body === "" ? request.method === "HEAD" : answer.status === 401 || Object.hasOwn(JSON.parse(answer.body), "error");
    if (answer.status !== status || asked !== "" || !isTold || missingHeaders(answer).length > 0)
      wrong.push(`${name}: ${answer.status} instead of ${status}, asked "${asked}", without "${missingHeaders(answer).join()}"`);
    (answers.calls as unknown[]).length = 0;
  }
  return wrong;
}

function missingHeaders({ headers }: RawAnswer): readonly string[] {
  return Object.entries(SECURITY_HEADERS).flatMap(([name, value]) => (headers[name.toLowerCase()] === value ? [] : [name]));
}

test("every address has a row, and one without a row is noticed", () => {
  const addresses = ownAddresses();
  expect(findMissing(addresses)).toEqual([]);
  expect(Object.keys(ROWS).filter((address) => !addresses.includes(address))).toEqual([]);
  const grown = new Hono();
  grown.get("/api/board", (c) => c.body(null)).post("/api/run", (c) => c.body(null));
  expect(findMissing(listAddresses(grown))).toEqual(["POST /api/run"]);
});

test.each(Object.keys(ROWS))("%s is taken as its row asks it", async (address) => {
  const { asks } = ROWS[address]!;
  if (asks === "feed") answers.send({ kind: "reset" });
  const request = requestOf(address);
  const answer = asks === "feed" ? await askStream(request) : await askRaw(server.port, request);
  expect([answer.status, answers.calls.map(({ name }) => name)]).toEqual([200, asks === null ? [] : [asks]]);
  const kept = address === "GET /" || address === "GET /assets/:name" ? ["Cache-Control"] : [];
  expect(missingHeaders(answer)).toEqual(kept);
});

/** The head of a stream, which itself does not end. */
async function askStream(request: RawRequest): Promise<RawAnswer> {
  const connection = openRaw(server.port, formatRequest(request));
  const text = await connection.waitFor("event: reset");
  connection.close();
  const [first = "", ...lines] = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  );
  return { status: Number(first.split(" ")[1]), headers, body: "" };
}

test.each(Object.keys(ROWS))("case 47: %s is refused to foreign hosts and origins", async (address) => {
  const { port } = server;
  const hosts = [
    "evil.test",
    `evil.test:${port}`,
    `localhost.evil.test:${port}`,
    `127.0.0.1.evil.test:${port}`,
    `127.0.0.1:${port}.evil.test`,
    `127.0.0.1:${port}@evil.test`,
    `evil.test@127.0.0.1:${port}`,
    `127.0.0.1:${other.port}`,
    "127.0.0.1",
    "localhost",
    `localhost.:${port}`,
    `0.0.0.0:${port}`,
    `127.0.0.2:${port}`,
    `[::]:${port}`,
    `2130706433:${port}`,
    `127.0.0.1:${port}, evil.test`,
    "",
  ];
  const own = `127.0.0.1:${port}`;
  const origins = [
    "null",
    "",
    "file://",
    `https://${own}`,
    `http://localhost:${port}`,
    `http://localhost.evil.test:${port}`,
    `http://${own}.evil.test`,
    `http://evil.test/?http://${own}`,
    `http://127.0.0.1:${other.port}`,
    "http://127.0.0.1",
    `http://${own}/`,
    `http://${own}, http://evil.test`,
  ];
  const ask = (headers: readonly Header[]): RawRequest => requestOf(address, { headers });
  expect(
    await findUnrefused([
      ...hosts.map((host) => [`Host ${host}`, 403, ask([["Host", host]])] as const),
      ...origins.map((origin) => [`Origin ${origin}`, 403, ask([["Origin", origin]])] as const),
      ["no Host", 403, requestOf(address, { without: ["Host"], version: "HTTP/1.0" })],
      [
        "two hosts, the own one first",
        403,
        ask([
          ["Host", own],
          ["Host", "evil.test"],
        ]),
      ],
      [
        "two hosts, the own one last",
        403,
        ask([
          ["Host", "evil.test"],
          ["Host", own],
        ]),
      ],
      [
        "two origins",
        403,
        ask([
          ["Origin", `http://${own}`],
          ["Origin", "http://evil.test"],
        ]),
      ],
      ["another site's page", 403, ask([["Sec-Fetch-Site", "cross-site"]])],
      ["another port's page", 403, ask([["Sec-Fetch-Site", "same-site"]])],
      [
        "a proxy's host",
        403,
        ask([
          ["Host", "evil.test"],
          ["X-Forwarded-Host", own],
          ["Forwarded", `host=${own}`],
        ]),
      ],
      ["foreign and without a token", 403, requestOf(address, { without: ["Cookie"], headers: [["Host", "evil.test"]] })],
      ["another host in the address", 400, requestOf(address, { target: `http://evil.test${ROWS[address]!.target}` })],
    ]),
  ).toEqual([]);
});

test.each(Object.keys(ROWS))("case 47: %s is taken by the names of loopback", async (address) => {
  const { port } = server;
  const { asks } = ROWS[address]!;
  for (const host of [`localhost:${port}`, `LocalHost:${port}`, `[::1]:${port}`]) {
    const request = requestOf(address, {
      headers: [
        ["Host", host],
        ["Origin", `http://${host.toLowerCase()}`],
      ],
    });
    const answer = asks === "feed" ? await askStream(request) : await askRaw(port, request);
    expect([host, answer.status]).toEqual([host, 200]);
  }
});

test.each(Object.keys(ROWS))("case 48: %s is refused without the right token, reads too", async (address) => {
  const token = server.url.slice(server.url.indexOf("=") + 1);
  const [name = "", value = ""] = cookie.split("=");
  const [, foreignValue = ""] = foreignCookie.split("=");
  const { target } = ROWS[address]!;
  const ask = (headers: readonly Header[]): RawRequest => requestOf(address, { without: ["Cookie"], headers });
  const cookies = [
    foreignCookie,
    `${name}=${foreignValue}`,
    `${name}=${token}`,
    `${name}=`,
    name,
    `${name}=${value}x`,
    `${name}=${value.slice(0, -1)}`,
    `${name}="${value}"`,
    `x${name}=${value}`,
    `other=1 ${name}=${value}`,
  ];
  expect(
    await findUnrefused([
      ["no cookie", 401, ask([])],
      ...cookies.map((each) => [`Cookie ${each}`, 401, ask([["Cookie", each]])] as const),
      ["the token as authorization", 401, ask([["Authorization", `Bearer ${token}`]])],
      ["the used token in the address", 401, requestOf(address, { without: ["Cookie"], target: withQuery(target, `token=${token}`) })],
      ["a wrong token in the address", 401, requestOf(address, { without: ["Cookie"], target: withQuery(target, "token=x") })],
      ["no cookie, by a method of no address", 401, requestOf(address, { without: ["Cookie"], method: "DELETE" })],
    ]),
  ).toEqual([]);
});

test.each(Object.keys(ROWS))("case 49: %s is refused by any other method", async (address) => {
  const isPost = address.startsWith("POST");
  const methods = ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "PROPFIND", isPost ? "GET" : "POST"];
  const { target } = ROWS[address]!;
  const json = JSON.stringify({ answers: [] });
  const send: readonly Header[] = [
    ["Origin", `http://127.0.0.1:${server.port}`],
    ["Content-Type", "application/json"],
    ["X-Okstra", "1"],
  ];
  expect(
    await findUnrefused([
      ...methods.map((method) => {
        const request = { method, target, headers: requestOf(address).headers! };
        return [method, 405, method === "POST" ? { ...request, headers: [...request.headers, ...send], body: json } : request] as const;
      }),
      ...(isPost
        ? []
        : ([
            ["GET with a body", 400, requestOf(address, { body: "{}" })],
            ["GET with chunks", 400, requestOf(address, { body: "0\r\n\r\n", headers: [["Transfer-Encoding", "chunked"]] })],
          ] as const)),
    ]),
  ).toEqual([]);
  const told = await askRaw(server.port, requestOf(address, { method: isPost ? "GET" : "POST", body: undefined as never }));
  expect(told.headers["allow"]).toBe(isPost ? "POST" : "GET");
  const pretended = requestOf(address, { headers: [["X-HTTP-Method-Override", isPost ? "GET" : "POST"]] });
  if (!isPost && ROWS[address]!.asks !== "feed") expect((await askRaw(server.port, pretended)).status).toBe(200);
});

const POSTS = Object.keys(ROWS).filter((address) => address.startsWith("POST"));

test.each(POSTS)("case 49: %s is refused to forms, and to bodies that it does not take", async (address) => {
  const body = ROWS[address]!.body!;
  const text = JSON.stringify(body);
  const type = (value: string, given = text): RawRequest => requestOf(address, { headers: [["Content-Type", value]], body: given });
  const json = (value: unknown): RawRequest => requestOf(address, { body: JSON.stringify(value) });
  const large = JSON.stringify({ ...body, reason: "x".repeat(256 * 1024) });
  const chunks = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
  const names = Object.keys(body);
  expect(
    await findUnrefused([
      ["urlencoded", 415, type("application/x-www-form-urlencoded", "run=1&planSha256=x")],
      ["multipart", 415, type("multipart/form-data; boundary=b", "--b--")],
      ["text/plain, as forms can send JSON", 415, type("text/plain", text)],
      ["JSON of another kind", 415, type("application/json-seq")],
      ["another character set", 415, type("application/json; charset=utf-16")],
      ["no type", 415, requestOf(address, { without: ["Content-Type"] })],
      ["a form without the header", 415, requestOf(address, { without: ["X-Okstra"], headers: [["Content-Type", "text/plain"]] })],
      ["without X-Okstra", 403, requestOf(address, { without: ["X-Okstra"] })],
      ["another X-Okstra", 403, requestOf(address, { headers: [["X-Okstra", "2"]] })],
      ["compressed", 415, requestOf(address, { headers: [["Content-Encoding", "gzip"]] })],
      ["no JSON", 400, requestOf(address, { body: "{" })],
      ["nothing", 400, requestOf(address, { body: "" })],
      ["no UTF-8", 400, requestOf(address, { body: Buffer.from('"\u00ff"', "latin1") })],
      ["too large", 413, requestOf(address, { body: large })],
      ["too large by its own word", 413, requestOf(address, { headers: [["Content-Length", "99999999"]], body: "{}" })],
      ["too large in chunks", 413, requestOf(address, { headers: [["Transfer-Encoding", "chunked"]], body: chunks })],
      ["deep", 422, requestOf(address, { body: `${"[".repeat(100_000)}${"]".repeat(100_000)}` })],
      ["a list", 422, json([body])],
      ["a command", 422, json({ ...body, command: "rm -rf /" })],
      ["a prototype", 422, requestOf(address, { body: text.replace("{", '{"__proto__":{"a":1},') })],
      ...names.map((name) => [`without ${name}`, 422, json({ ...body, [name]: undefined })] as const),
      ...names.map((name) => [`another ${name}`, 422, json({ ...body, [name]: { $gt: "" } })] as const),
      ["a query", 422, requestOf(address, { target: `${ROWS[address]!.target}?run=2` })],
      ["a permission asked for", 417, requestOf(address, { headers: [["Expect", "100-continue"]] })],
      ["something else expected", 417, requestOf(address, { headers: [["Expect", "the-unexpected"]] })],
    ]),
  ).toEqual([]);
});

test.each(POSTS)("%s that is bound to something else is a conflict", async (address) => {
  const text = JSON.stringify(ROWS[address]!.body).replaceAll(SHA, "c".repeat(64));
  const answer = await askRaw(server.port, requestOf(address, { body: text }));
  expect([answer.status, JSON.parse(answer.body).error.code]).toEqual([409, "OKSTRA_PLAN_SUPERSEDED"]);
});

const withQuery = (target: string, query: string): string => `${target}${target.includes("?") ? "&" : "?"}${query}`;

test.each(Object.keys(ROWS))(
  "case 51: %s leads nowhere else by encoded paths, and takes no query that it does not know",
  async (address) => {
    const { target } = ROWS[address]!;
    const [path = "", query] = target.split("?");
    const base = path === "/" ? "" : path;
    const paths = [
      "/..%2f..%2f..%2fetc%2fpasswd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/%2E%2E%2fpackage.json",
      "/../package.json",
      "/./",
      "/..%5c..%5cpackage.json",
      "/%252e%252e%252fpackage.json",
      "/%c0%ae%c0%ae/package.json",
      "/main.js%00.html",
      "/%0d%0aSet-Cookie:%20a=b",
      "//etc/passwd",
      "/;/../x",
      "/%",
      "/%zz",
      "/x#/",
      '/"<script>',
    ];
    // What is before the last name is another way to climb.
    const climbs = base === "" ? [] : [`${base}/..${base}`, `${base}%2f..${base}`, `/.${base}`, `/%2e${base}`, `${base}%2f`, `${base}/`];
    const ask = (each: string): RawRequest => requestOf(address, { target: query === undefined ? each : `${each}?${query}` });
    expect(
      await findUnrefused([
        ...[...paths.map((each) => `${base}${each}`), ...climbs].map((each) => [each, 404, ask(each)] as const),
        ["an unknown query", 422, requestOf(address, { target: withQuery(target, "nope=1") })],
        ["a query twice", 422, requestOf(address, { target: `${path}?x=1&x=1` })],
        ["a query of prototypes", 422, requestOf(address, { target: withQuery(target, "__proto__=1") })],
      ]),
    ).toEqual([]);
  },
);

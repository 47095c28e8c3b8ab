import { createServer, connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, expect, test } from "vitest";
import { OkstraError } from "@okstra/core/errors";
import { askRaw, formatRequest, openRaw, sendRaw, type RawAnswer } from "@okstra/testkit/http/raw-http";
import { createSampleAnswers, type SampleAnswers } from "@okstra/testkit/http/sample-answers";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { startDashboard, type DashboardLimits, type DashboardServer } from "./start-dashboard.ts";
import type { WebFiles } from "./web-files.ts";

const servers: DashboardServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

interface Started extends DashboardServer {
  readonly answers: SampleAnswers;
  readonly problems: readonly unknown[];
  /** Path and query of the address with the token. */
  readonly way: string;
  readonly ask: (target: string, headers?: Readonly<Record<string, string>>) => Promise<RawAnswer>;
}

async function start({
  answers = createSampleAnswers(),
  files = new Map(),
  port = 0,
  ...limits
}: { answers?: SampleAnswers; files?: WebFiles; port?: number } & Partial<DashboardLimits> = {}): Promise<Started> {
  const problems: unknown[] = [];
  const server = await startDashboard({ answers, files, port, limits, onProblem: (thrown) => void problems.push(thrown) });
  servers.push(server);
  return {
    ...server,
    answers,
    problems,
    way: server.url.slice(server.url.indexOf("/?")),
    ask: (target, headers = {}) =>
      askRaw(server.port, { target, headers: Object.entries({ Host: `127.0.0.1:${server.port}`, ...headers }) }),
  };
}

/** The server and a cookie that it knows. */
async function enter(parts: Parameters<typeof start>[0] = {}): Promise<Started & { cookie: string }> {
  const server = await start(parts);
  const { headers } = await server.ask(server.way);
  return { ...server, cookie: headers["set-cookie"]!.split(";")[0]! };
}

test("case 48: the address opens it once, with a cookie of another value, and is then worth nothing", async () => {
  const server = await start();
  expect(server.url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${server.port}/\\?token=[\\w-]{43}$`));
  const first = await server.ask(server.way);
  expect([first.status, first.headers["location"], first.body]).toEqual([303, "/", ""]);
  const set = first.headers["set-cookie"]!;
  expect(set).toMatch(new RegExp(`^okstra-${server.port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/$`));
  expect(set).not.toContain(server.way.slice("/?token=".length));

  const cookie = set.split(";")[0]!;
  const again = await server.ask(server.way);
  expect([again.status, again.headers["set-cookie"], again.headers["content-type"]]).toEqual([401, undefined, "text/plain; charset=utf-8"]);
  expect(again.body).toContain("start it again");
  const member = await server.ask(server.way, { Cookie: cookie });
  expect([member.status, member.headers["location"], member.headers["set-cookie"]]).toEqual([303, "/", undefined]);
  expect((await server.ask("/api/board", { Cookie: `a=b; okstra-1=x; okstra-${server.port}=tossed; ${cookie}` })).status).toBe(200);
});

test.each([
  ["HEAD", (way: string) => way],
  ["POST", (way: string) => way],
  ["GET", (way: string) => `/api/board${way.slice(1)}`],
  ["GET", (way: string) => `${way}&token=x`],
  ["GET", (way: string) => `${way}&next=//evil.test`],
  ["GET", (way: string) => way.slice(0, -1)],
] as const)("case 48: %s of anything but the address itself does not use the token up (%#)", async (method, change) => {
  const server = await start();
  const answer = await askRaw(server.port, { method, target: change(server.way), headers: [["Host", `127.0.0.1:${server.port}`]] });
  expect([answer.status, answer.headers["set-cookie"]]).toEqual([401, undefined]);
  const foreign = await server.ask(server.way, { "Sec-Fetch-Site": "cross-site" });
  expect([foreign.status, foreign.headers["set-cookie"]]).toEqual([403, undefined]);
  expect((await server.ask(server.way)).status).toBe(303);
});

test("two servers have tokens and cookies of their own", async () => {
  const [one, two] = [await enter(), await enter()];
  expect(one.way).not.toBe(two.way);
  expect((await two.ask("/api/board", { Cookie: one.cookie })).status).toBe(401);
  expect((await two.ask("/api/board", { Cookie: `${one.cookie}; ${two.cookie}` })).status).toBe(200);
});

test("case 50: nothing but 127.0.0.1 is bound", async () => {
  const { port } = await start();
  const others = Object.values(networkInterfaces()).flatMap(
    (each) => each?.map(({ address, scopeid }) => (scopeid ? `${address}%${scopeid}` : address)) ?? [],
  );
  const reached = await Promise.all(
    ["127.0.0.1", "127.0.0.2", "::1", ...others].map(async (host) => ((await isReached(host, port)) ? [host] : [])),
  );
  expect([...new Set(reached.flat())]).toEqual(["127.0.0.1"]);
});

function isReached(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const end = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.on("connect", () => end(true));
    for (const event of ["error", "timeout"] as const) socket.on(event, () => end(false));
  });
}

test("a port that is taken is an error with a code, and what answers is closed", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const answers = createSampleAnswers();
  const thrown = await start({ port, answers }).catch((error: unknown) => error);
  await new Promise((resolve) => taken.close(resolve));
  expect(thrown).toBeInstanceOf(OkstraError);
  expect(thrown).toMatchObject({ code: "OKSTRA_DASHBOARD_PORT_TAKEN", message: `Port ${port} of 127.0.0.1 is taken.` });
  expect(answers.calls.map(({ name }) => name)).toEqual(["close"]);
});

test("the port that is asked for is bound", async () => {
  const { port } = await start();
  await servers.pop()!.close();
  expect((await start({ port })).port).toBe(port);
});

test("case 52, case 57: what would act on a terminal or a page is visible in what is answered", async () => {
  const title = "\u001B]52;c;aGk=\u0007 \u009B31m \u202Egpj.exe\u0000 <script>alert(1)</script>\r\nnext\tline";
  const { ask, cookie } = await enter({ answers: createSampleAnswers({ title }) });
  for (const target of ["/api/board", "/api/tasks/proj/bugs/login", "/api/tasks/proj/bugs/login/runs/implementation/1/report"]) {
    const { body, headers } = await ask(target, { Cookie: cookie });
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(JSON.stringify(JSON.parse(body))).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202E]/);
    expect(body).toContain("\\\\u{1b}]52;c;aGk=\\\\u{7} \\\\u{9b}31m \\\\u{202e}gpj.exe\\\\u{0} <script>alert(1)</script>\\nnext\\tline");
  }
});

const HOSTILE: readonly (readonly [name: string, bytes: (port: number) => string, status: number])[] = [
  ["no HTTP", () => "\u0016\u0003\u0001\u0002\u0000\r\n\r\n", 400],
  ["no request line", () => "hello\r\n\r\n", 400],
  ["a space in a header's name", (port) => `GET / HTTP/1.1\r\nHost : 127.0.0.1:${port}\r\n\r\n`, 400],
  ["a folded header", (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: a\r\n b\r\n\r\n`, 400],
  ["two lengths", (port) => `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx`, 400],
  [
    "length and chunks",
    (port) => `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["a header of 20 KiB", (port) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${"a".repeat(20_480)}\r\n\r\n`, 431],
  ["an address of 20 KiB", (port) => `GET /${"a".repeat(20_480)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, 431],
  ["HTTP/2", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a method that nobody has", (port) => `OKSTRA / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, 400],
  ["OPTIONS of everything", (port) => `OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, 400],
  ["an upgrade", (port) => `GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 401],
  [
    "an upgrade from elsewhere",
    () => "GET /api/stream HTTP/1.1\r\nHost: evil.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    403,
  ],
];

test.each(HOSTILE)("%s is refused with a status, and all of the headers", async (_, bytes, status) => {
  const { port, answers, problems } = await start();
  const [answer] = await sendRaw(port, bytes(port), 1);
  expect(answer?.status).toBe(status);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(answer?.headers[name.toLowerCase()]).toBe(value);
  expect([answers.calls, problems]).toEqual([[], []]);
});

test("CONNECT opens nothing", async () => {
  const { port } = await start();
  expect(await sendRaw(port, `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`, 1)).toEqual([]);
});

test("nothing of a request comes back as a header", async () => {
  const { ask, cookie, port } = await enter();
  const given = "%0d%0aX-Injected:%201%0d%0aSet-Cookie:%20a=b";
  const answers = [
    await ask(`/api/board?project=${given}`, { Cookie: cookie }),
    await ask(`/?token=${given}`),
    await ask(`/assets/${given}`, { Cookie: cookie }),
    await ask("/api/board", { Cookie: cookie, "X-Forwarded-Proto": "https\u000bx", Range: "bytes=0-1", "If-None-Match": "*" }),
  ];
  for (const { headers } of answers) {
    expect(headers).not.toHaveProperty("x-injected");
    expect(headers).not.toHaveProperty("set-cookie");
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
  const bare = await sendRaw(port, `GET /api/board HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\rX: 1\r\n\r\n`, 1);
  expect(bare[0]?.status).toBe(400);
});

test("each of two requests in one packet is judged by itself", async () => {
  const { port, cookie, answers } = await enter();
  const own = [["Host", `127.0.0.1:${port}`] as const];
  const one = formatRequest({ target: "/api/board", headers: [...own, ["Cookie", cookie]] }, false);
  const send = (...requests: readonly Buffer[]): Promise<readonly RawAnswer[]> => sendRaw(port, Buffer.concat(requests), requests.length);
  const foreign = formatRequest({
    target: "/api/board",
    headers: [
      ["Host", "evil.test"],
      ["Cookie", cookie],
    ],
  });
  const nameless = formatRequest({ target: "/api/board", headers: own });
  expect((await send(one, foreign)).map(({ status }) => status)).toEqual([200, 403]);
  expect((await send(one, nameless)).map(({ status }) => status)).toEqual([200, 401]);
  // What a refused body holds is no request.
  const hidden = one.toString();
  const smuggled = formatRequest({ method: "POST", target: "/api/board", headers: [...own, ["Cookie", cookie]], body: hidden }, false);
  expect((await send(smuggled, one)).map(({ status }) => status)).toEqual([405, 200]);
  expect(answers.calls.map(({ name }) => name)).toEqual(["board", "board", "board"]);
});

test("a refusal arrives although much was sent that nobody wants, and of more than that the connection ends", async () => {
  const { port, cookie, answers } = await enter();
  const [own, member] = [["Host", `127.0.0.1:${port}`] as const, ["Cookie", cookie] as const];
  const target = "/api/tasks/proj/bugs/login/approval";
  const post = (body: string, ...headers: readonly (readonly [string, string])[]): Buffer =>
    formatRequest({ method: "POST", target, headers, body });
  const much = "x".repeat(900 * 1024);
  const told = async (bytes: Buffer): Promise<number | undefined> => (await sendRaw(port, bytes, 1))[0]?.status;
  expect(await told(post(much, own))).toBe(401);
  expect(await told(post(much, member))).toBe(403);
  expect(await told(post(much, own, member))).toBe(415);
  expect(await told(post(much, own, member, ["Content-Type", "application/json"], ["X-Okstra", "1"]))).toBe(413);
  expect(await told(formatRequest({ method: "POST", target: "/api/board", headers: [own, member], body: much }))).toBe(405);
  const endless = openRaw(port, post("x".repeat(64 * 1024 * 1024), own));
  await endless.ended;
  expect(answers.calls).toEqual([]);
});

test("who sends slowly is cut off: a head that never ends, a body that never comes, and nothing at all", async () => {
  const { port, cookie } = await enter({ headMs: 200, requestMs: 400, checkMs: 50 });
  const host = `Host: 127.0.0.1:${port}\r\n`;
  const body = `POST /api/tasks/proj/bugs/login/approval HTTP/1.1\r\n${host}Cookie: ${cookie}\r\nContent-Type: application/json\r\nX-Okstra: 1\r\nContent-Length: 100\r\n\r\n{`;
  const slow = [openRaw(port, `GET / HTTP/1.1\r\n${host}X: `), openRaw(port, body), openRaw(port, "")];
  // A byte now and then does not help.
  const drip = setInterval(() => slow[0]!.socket.write("a"), 20);
  const told = await Promise.all(slow.map(({ ended }) => ended));
  clearInterval(drip);
  expect(told.map((text) => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text)).toEqual(["408", "", "408"]);
});

test("no more connections are held than are allowed", async () => {
  const { port, ask } = await start({ maxConnections: 8 });
  const held = Array.from({ length: 7 }, () => openRaw(port, "GET / HTTP/1.1\r\n"));
  await Promise.all(
    held.map(({ socket }) => new Promise<void>((resolve) => (socket.connecting ? socket.once("connect", () => resolve()) : resolve()))),
  );
  expect((await ask("/")).status).toBe(401);
  const last = openRaw(port, "GET / HTTP/1.1\r\n");
  const excess = openRaw(port, "GET / HTTP/1.1\r\n");
  expect(await excess.ended).toBe("");
  for (const each of [...held, last]) each.close();
});

test("a defect is told to the terminal, not to who asked", async () => {
  const answers = createSampleAnswers();
  const { ask, cookie, problems } = await enter({ answers: { ...answers, board: () => Promise.reject(new Error("secret /path")) } });
  const { status, body } = await ask("/api/board", { Cookie: cookie });
  expect([status, JSON.parse(body).error.code]).toEqual([500, "OKSTRA_INTERNAL"]);
  expect(body).not.toContain("secret");
  expect(problems).toEqual([new Error("secret /path")]);
});

test("without a built page the first address says so", async () => {
  const { ask, cookie } = await enter();
  const { status, body, headers } = await ask("/", { Cookie: cookie });
  expect([status, headers["content-type"]]).toEqual([503, "text/html; charset=utf-8"]);
  expect(body).toContain("not built");
});

test("files of the page are sent as small as the browser takes them, and those with a hash only once", async () => {
  const file = { type: "text/javascript; charset=utf-8", bytes: Buffer.from("plain"), br: Buffer.from("br"), gzip: Buffer.from("gz") };
  const files: WebFiles = new Map([
    ["/", { ...file, isHashed: false }],
    ["/assets/a-ABCDEFG2.js", { ...file, isHashed: true }],
  ]);
  const { ask, cookie } = await enter({ files });
  const from = (target: string, accepted: string): Promise<RawAnswer> => ask(target, { Cookie: cookie, "Accept-Encoding": accepted });
  const told = async (target: string, accepted: string) => {
    const { body, headers } = await from(target, accepted);
    return [body, headers["content-encoding"], headers["vary"], headers["cache-control"]];
  };
  expect(await told("/", "gzip, deflate, br")).toEqual(["br", "br", "Accept-Encoding", "no-store"]);
  expect(await told("/assets/a-ABCDEFG2.js", "gzip;q=1.0, br;q=0")).toEqual([
    "gz",
    "gzip",
    "Accept-Encoding",
    "private, max-age=31536000, immutable",
  ]);
  expect((await told("/", "identity")).slice(0, 2)).toEqual(["plain", undefined]);
});

test("it ends at once: streams, connections that wait, and what answers", async () => {
  const { port, cookie, answers } = await enter();
  const head = `Host: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\n`;
  const stream = openRaw(port, `GET /api/stream HTTP/1.1\r\n${head}\r\n`);
  await stream.waitFor("event: reset");
  const idle = openRaw(port, `GET /api/board HTTP/1.1\r\n${head}\r\n`);
  await idle.waitFor("clarifications");
  const half = openRaw(port, "GET / HTTP/1.1\r\n");
  await servers.pop()!.close();
  await Promise.all([stream.ended, idle.ended, half.ended]);
  expect([answers.openFeeds(), answers.calls.at(-1)?.name]).toEqual([0, "close"]);
  expect(await isReached("127.0.0.1", port)).toBe(false);
});

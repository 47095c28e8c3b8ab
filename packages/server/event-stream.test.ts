import { afterEach, expect, test, vi } from "vitest";
import { askRaw, formatRequest, openRaw, type OpenConnection } from "@okstra/testkit/http/raw-http";
import { createSampleAnswers, type SampleAnswers } from "@okstra/testkit/http/sample-answers";
import { startDashboard, type DashboardLimits, type DashboardServer } from "./start-dashboard.ts";

const servers: DashboardServer[] = [];
const connections: OpenConnection[] = [];
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  for (const server of servers.splice(0)) await server.close();
});

const REF = { project: "proj", group: "bugs", task: "login", taskKey: "proj/bugs/login" } as const;

async function start(limits: Partial<DashboardLimits> = {}, answers: SampleAnswers = createSampleAnswers()) {
  const problems: unknown[] = [];
  const server = await startDashboard({ answers, files: new Map(), port: 0, limits, onProblem: (thrown) => void problems.push(thrown) });
  servers.push(server);
  const host = ["Host", `127.0.0.1:${server.port}`] as const;
  const { headers } = await askRaw(server.port, { target: server.url.slice(server.url.indexOf("/?")), headers: [host] });
  const own = [host, ["Cookie", headers["set-cookie"]!.split(";")[0]!]] as const;
  return {
    ...server,
    answers,
    problems,
    ask: (target: string) => askRaw(server.port, { target, headers: own }),
    listen: (target = "/api/stream", more: readonly (readonly [string, string])[] = []) => {
      const connection = openRaw(server.port, formatRequest({ target, headers: [...own, ...more] }, false));
      connections.push(connection);
      return connection;
    },
  };
}

test("a stream begins with what its feed says, has the id of each message, and hears what comes", async () => {
  const { answers, listen } = await start();
  const stream = listen();
  const head = await stream.waitFor("event: reset");
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(head.toLowerCase()).toContain("content-type: text/event-stream\r\n");
  expect(head).toContain("retry: 2000\n\n");
  answers.send({ kind: "change", ...REF, state: "running" });
  answers.send({ kind: "event", ...REF, type: "implementation", run: 1, event: { seq: 1, at: "x", type: "y", text: "\u001B[2J\nid: 99" } });
  const told = await stream.waitFor("99");
  expect(told).toContain(`id: 1\nevent: change\ndata: {"kind":"change",`);
  // Nothing of a message is a line of the stream.
  expect(told).toContain('id: 2\nevent: event\ndata: {"kind":"event"');
  expect(told).toContain('"text":"\\\\u{1b}[2J\\nid: 99"');
  expect(told).not.toMatch(/^id: 99/m);
});

test("a stream goes on from the id that the browser has, rather than from that in the address", async () => {
  const { answers, listen } = await start();
  for (const state of ["due", "running", "done"] as const) answers.send({ kind: "change", ...REF, state });
  expect(await listen("/api/stream?after=1").waitFor('"done"')).toMatch(/id: 2\n[^]*id: 3\n/);
  const later = await listen("/api/stream?after=1", [["Last-Event-ID", "2"]]).waitFor('"done"');
  expect(later).not.toContain("id: 2\n");
  expect(await listen("/api/stream", [["Last-Event-ID", "of another server"]]).waitFor("event: reset")).toContain("id: 3\n");
  expect(answers.calls.filter(({ name }) => name === "feed").map(({ parts }) => parts[0])).toEqual(["1", "2", null]);
});

test("a silent stream is kept by comments", async () => {
  const { listen } = await start({ heartbeatMs: 20 });
  expect((await listen().waitFor(": here\n\n")).length).toBeGreaterThan(0);
});

test("case 47: a stream that is not allowed is no feed", async () => {
  const { answers, listen } = await start();
  expect(await listen("/api/stream", [["Origin", "null"]]).waitFor("OKSTRA_DASHBOARD_FOREIGN")).toContain(" 403 ");
  expect(await listen("/api/stream", [["Sec-Fetch-Site", "same-site"]]).waitFor("OKSTRA_DASHBOARD_FOREIGN")).toContain(" 403 ");
  expect(answers.calls).toEqual([]);
});

test("of 100 streams 32 are open, the others hear so, and an end makes room", async () => {
  const { answers, ask, listen } = await start();
  const all = Array.from({ length: 100 }, () => listen());
  const heads = await Promise.all(all.map((each) => Promise.race([each.waitFor("event: reset"), each.waitFor("OKSTRA_DASHBOARD_BUSY")])));
  const open = all.filter((_, at) => heads[at]!.startsWith("HTTP/1.1 200 "));
  expect([open.length, heads.filter((head) => head.startsWith("HTTP/1.1 503 ")).length]).toEqual([32, 68]);
  expect(answers.openFeeds()).toBe(32);
  expect((await ask("/api/board")).status).toBe(200);
  answers.send({ kind: "change", ...REF, state: "done" });
  await Promise.all(open.map((each) => each.waitFor('"done"')));
  for (const each of all) each.close();
  await vi.waitFor(() => expect(answers.openFeeds()).toBe(0), { timeout: 20_000 });
  expect(await listen().waitFor("event: reset")).toContain(" 200 ");
});

test("a reader that does not read is cut off, and others hear everything", async () => {
  const { answers, listen, problems } = await start({ slowMs: 2000 });
  const reader = listen();
  await reader.waitFor("event: reset");
  const slow = listen();
  await slow.waitFor("event: reset");
  slow.socket.pause();
  const text = "x".repeat(256 * 1024);
  // What the system buffers for a connection is not okstra's; it is far below this.
  for (let seq = 1; seq <= 80; seq += 1)
    answers.send({ kind: "event", ...REF, type: "implementation", run: 1, event: { seq, at: "x", type: "y", text } });
  for (const each of [20, 40, 60, 80]) await reader.waitFor(`id: ${each}\n`);
  await vi.waitFor(() => expect(answers.openFeeds()).toBe(1), { timeout: 20_000 });
  slow.socket.resume();
  expect(await slow.ended).not.toContain("id: 80\n");
  expect(problems).toEqual([]);
});

test("a feed that fails ends its stream and is told; the next one is served", async () => {
  const answers = createSampleAnswers();
  let fails = true;
  const { listen, problems } = await start(
    {},
    {
      ...answers,
      async *feed(...parts) {
        yield* fails ? [{ id: "1", message: { kind: "reset" as const } }] : answers.feed(...parts);
        throw new Error("the feed broke");
      },
    },
  );
  expect(await listen().waitFor("\r\n0\r\n\r\n")).toContain("event: reset");
  expect(problems).toEqual([new Error("the feed broke")]);
  fails = false;
  await listen().waitFor("event: reset");
});

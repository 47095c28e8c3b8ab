import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import type {
  AnswersBody,
  ApiError,
  ApprovalBody,
  OverrideBody,
  RejectionBody,
  SearchAnswer,
  SearchHit,
  StreamMessage,
  TaskPage,
  TaskRef,
} from "@okstra/core/dashboard/api";
import { boardOf, createWorld, type FixtureWorld } from "./fixture-tasks.ts";
import { codeOf, costReport, DIFF, findingsOf, reportOf, scheduleReport, timesReport, transcriptOf } from "./fixture-views.ts";

/** As the real server sends it. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface FixtureServer {
  /** `http://127.0.0.1:<port>/` */
  readonly url: string;
  /** What the answers are made of; a change of it is seen by the next question. */
  readonly world: FixtureWorld;
  /** Every POST in order. */
  readonly posts: readonly { readonly path: string; readonly body: unknown }[];
  /** Every path that was asked, with its query. */
  readonly asked: readonly string[];
  /** What each stream that was opened goes on from, by `Last-Event-ID` or `?after=`; null: from nothing. */
  readonly streams: readonly (string | null)[];
  /** Replaces parts of a task and says `change`. */
  change(ref: TaskRef, parts: Partial<TaskPage>): void;
  /** To all open streams. */
  send(message: StreamMessage): void;
  /** Cuts all streams until `resumeStreams`. @param status new ones are answered with it; none: nobody answers */
  cutStreams(status?: number): void;
  resumeStreams(): void;
  close(): Promise<void>;
}

/**
 * The dashboard's server without okstra behind it: serves a built page and made-up answers of every path under `/api`.
 * @param webDir folder with index.html and assets/
 * @param port 0: any that is free
 */
export async function startFixtureServer({ webDir, port = 0 }: { webDir: string; port?: number }): Promise<FixtureServer> {
  const world = createWorld(Date.now());
  const posts: { path: string; body: unknown }[] = [];
  const asked: string[] = [];
  const streams: (string | null)[] = [];
  const open = new Set<ServerResponse>();
  let cut: { readonly status: number | null } | null = null;
  let id = 0;

  const send = (message: StreamMessage): void => {
    id += 1;
    for (const response of open) response.write(`id: ${id}\nevent: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`);
  };
  const change = (ref: TaskRef, parts: Partial<TaskPage>): void => {
    const key = `${ref.project}/${ref.group}/${ref.task}`;
    const before = world.pages.get(key);
    if (before === undefined) throw new Error(`the fixture has no ${key}`);
    const after = { ...before, ...parts };
    world.pages.set(key, after);
    send({ kind: "change", ...ref, taskKey: key, state: after.state });
  };

  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    if (cut !== null) {
      if (cut.status === null) response.destroy();
      else answer(response, cut.status, failure("OKSTRA_DASHBOARD_BUSY", "All streams are open."));
      return;
    }
    const last = request.headers["last-event-id"] ?? new URL(request.url ?? "/", "http://fixture").searchParams.get("after") ?? undefined;
    streams.push(typeof last === "string" ? last : null);
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 300\n\n");
    open.add(response);
    response.on("close", () => open.delete(response));
    if (last === undefined) response.write(`id: ${id}\nevent: reset\ndata: {"kind":"reset"}\n\n`);
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://fixture");
    asked.push(url.pathname + url.search);
    if (url.pathname === "/api/stream") {
      listen(request, response);
      return;
    }
    void (async () => {
      if (!url.pathname.startsWith("/api/")) return serveFile(webDir, url.pathname, response);
      if (request.method !== "POST") return answer(response, ...readAnswer(world, url));
      const body: unknown = JSON.parse(await readBody(request));
      posts.push({ path: url.pathname, body });
      if (request.headers["x-okstra"] !== "1") return answer(response, 403, failure("OKSTRA_USAGE", "No X-Okstra header."));
      return answer(response, ...act(world, url, body, change));
    })().catch((error: unknown) => answer(response, 500, failure("OKSTRA_INTERNAL", String(error))));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    world,
    posts,
    asked,
    streams,
    change,
    send,
    cutStreams: (status) => {
      cut = { status: status ?? null };
      for (const response of open) response.destroy();
    },
    resumeStreams: () => {
      cut = null;
    },
    close: async () => {
      for (const response of open) response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Answer = readonly [status: number, body: unknown];

function failure(code: string, message: string, hint: string | null = null): ApiError {
  return { error: { code, message, hint } };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

async function serveFile(webDir: string, path: string, response: ServerResponse): Promise<void> {
  const relative = normalize(path === "/" ? "index.html" : `.${path}`);
  if (relative.startsWith("..") || relative.startsWith(sep)) return answer(response, 404, failure("OKSTRA_USAGE", "Not found."));
  const content = await readFile(join(webDir, relative)).catch(() => null);
  if (content === null) return answer(response, 404, failure("OKSTRA_USAGE", "Not found."));
  response.writeHead(200, {
    "content-type": TYPES[extname(relative)] ?? "application/octet-stream",
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
  });
  response.end(content);
}

/** The task and what follows it in a path. */
function splitPath(world: FixtureWorld, path: string): { page: TaskPage | undefined; rest: readonly string[] } {
  const [, , , project, group, task, ...rest] = path.split("/").map(decodeURIComponent);
  return { page: world.pages.get(`${project}/${group}/${task}`), rest };
}

function readAnswer(world: FixtureWorld, { pathname, searchParams }: URL): Answer {
  if (pathname === "/api/board") return [200, boardOf(world, searchParams)];
  if (pathname === "/api/search") return [200, search(world, searchParams.get("q") ?? "")];
  if (pathname === "/api/schedule") return [200, scheduleReport(world)];
  if (pathname === "/api/time") return [200, timesReport(world)];
  if (pathname === "/api/cost") return [200, costReport(world)];
  if (!pathname.startsWith("/api/tasks/")) return [404, failure("OKSTRA_USAGE", `Nothing answers ${pathname}.`)];
  const { page, rest } = splitPath(world, pathname);
  if (page === undefined) return [404, failure("OKSTRA_TASK_NOT_FOUND", "No such task is registered.", "List the tasks: okstra task list")];
  const [room, type, run, document] = rest;
  if (room === undefined) return [200, page];
  if (room === "findings") return [200, findingsOf(page)];
  if (room === "code") return [200, codeOf(searchParams.get("commit") ?? "", searchParams.get("path") ?? "")];
  if (room === "diff") return [200, DIFF];
  if (room === "runs" && document === "report") return [200, reportOf(page, type ?? "", Number(run))];
  if (room === "runs" && document === "transcript") return [200, transcriptOf(world, Number(searchParams.get("after") ?? 0))];
  return [404, failure("OKSTRA_USAGE", `Nothing answers ${pathname}.`)];
}

function search(world: FixtureWorld, text: string): SearchAnswer {
  const words = text
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== "");
  const has = (...texts: readonly (string | null)[]): boolean => words.every((word) => texts.join(" ").toLowerCase().includes(word));
  const hits = [...world.pages.values()].flatMap((page): SearchHit[] => {
    const { project, group, task, taskKey, state } = page;
    const own: SearchHit[] = has(taskKey, page.brief)
      ? [{ what: "task", project, group, task, taskKey, id: null, title: task, severity: null, state, file: null, line: null }]
      : [];
    if (page.openFindings === 0) return own;
    const found = findingsOf(page).findings.filter(({ id, row }) => row !== null && has(id, row.claim, row.file));
    return [
      ...own,
      ...found.map(({ id, row }): SearchHit => {
        return {
          what: "finding",
          project,
          group,
          task,
          taskKey,
          id,
          title: row?.claim ?? "",
          severity: row?.severity ?? null,
          state: row?.state ?? null,
          file: row?.file ?? null,
          line: row?.startLine ?? null,
        };
      }),
    ];
  });
  return { hits: words.length === 0 ? [] : hits.slice(0, 50), isCut: hits.length > 50 };
}

function act(world: FixtureWorld, { pathname }: URL, body: unknown, change: (ref: TaskRef, parts: Partial<TaskPage>) => void): Answer {
  const { page, rest } = splitPath(world, pathname);
  if (page === undefined) return [404, failure("OKSTRA_TASK_NOT_FOUND", "No such task is registered.")];
  const at = new Date().toISOString();
  const done = (parts: Partial<TaskPage>): Answer => {
    change(page, parts);
    return [200, world.pages.get(page.taskKey)];
  };
  if (rest[0] === "answers") {
    const { answers } = body as AnswersBody;
    for (const { id, boundTo } of answers)
      if (page.clarifications.find((each) => each.id === id)?.boundTo !== boundTo)
        return [409, failure("OKSTRA_CLARIFICATION_UNKNOWN", `${id} is another question than it was.`, "Read it again.")];
    const clarifications = page.clarifications.map((each) => {
      const given = answers.find(({ id }) => id === each.id);
      return given === undefined ? each : { ...each, answer: { text: given.text, by: "you", at } };
    });
    const open = clarifications.filter((each) => each.answer === null).length;
    return done({ clarifications, ...(open === 0 ? { state: "due", why: "the phase could start" } : { why: `${open} question waits` }) });
  }
  if (rest[0] === "approval" || rest[0] === "rejection") {
    const { run, planSha256, ...more } = body as ApprovalBody & Partial<RejectionBody>;
    const { plan } = page;
    if (plan === null || plan.run !== run || plan.planSha256 !== planSha256)
      return [409, failure("OKSTRA_PLAN_SUPERSEDED", `Run ${plan?.run ?? "?"} has another plan now.`, "Read the plan again.")];
    return rest[0] === "approval"
      ? done({ plan: { ...plan, state: "approved", approval: { by: "you", at } }, state: "due", why: "implementation is due" })
      : done({ plan: { ...plan, state: "rejected", rejection: { by: "you", at, reason: more.reason ?? "" } }, state: "due" });
  }
  if (rest[0] === "override") {
    const { type, run, gate, boundTo, reason, until } = body as OverrideBody;
    const held = page.runs.find((each) => each.type === type && each.run === run && each.gate?.name === gate);
    const decided = held?.gate ?? null;
    if (decided === null || decided.boundTo !== boundTo)
      return [409, failure("OKSTRA_OVERRIDE_IMPOSSIBLE", "The gate was decided again.", "Look at its reasons again.")];
    const opened = { ...decided, passed: true, by: `you: ${reason}`, boundTo: null, override: { reason, by: "you", at, until } };
    return done({ runs: page.runs.map((each) => (each === held ? { ...each, gate: opened } : each)), state: "due", why: "overridden" });
  }
  return [404, failure("OKSTRA_USAGE", `Nothing answers ${pathname}.`)];
}

import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";
import type * as z from "zod";
import type { TaskRef } from "@okstra/core/dashboard/api";
import type { DashboardAnswers } from "./answers.ts";
import { createEventStream } from "./event-stream.ts";
import { formatNeutral } from "./neutral-document.ts";
import { drain, readBody, readQuery } from "./read-request.ts";
import { bodyOf, JSON_TYPE, refuse, refuseRequest, refusalOf, UNKNOWN_ADDRESS, type Refusal } from "./refusal.ts";
import {
  answersSchema,
  approvalSchema,
  boardSchema,
  codeSchema,
  costSchema,
  findingsSchema,
  nothingSchema,
  overrideSchema,
  rejectionSchema,
  runRefSchema,
  scheduleSchema,
  searchSchema,
  streamIdSchema,
  streamSchema,
  taskRefSchema,
  timeSchema,
  transcriptSchema,
} from "./schemas.ts";
import { chooseEncoding, type WebFiles } from "./web-files.ts";

interface Env {
  Bindings: HttpBindings;
}
type Asked = Context<Env>;

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>okstra</title>
<p>The dashboard's page is not built. Build it where okstra's sources are, with <code>npm run build</code>, and start okstra dashboard again.</p>
</html>
`;

export interface RouteParts {
  readonly answers: DashboardAnswers;
  readonly files: WebFiles;
  /** Streams at the same time. */
  readonly maxStreams: number;
  readonly heartbeatMs: number;
  readonly slowMs: number;
  /** Fires when the server closes: streams end. */
  readonly closing: AbortSignal;
  readonly onProblem: (thrown: unknown) => void;
}

/**
 * Every address of the dashboard. What comes here has passed the guard: it is of this machine's person. Reads are GET,
 * what changes something is POST and bound, and nothing takes a command line.
 */
export function createRoutes(parts: RouteParts): Hono<Env> {
  const { answers } = parts;
  const app = new Hono<Env>();
  const refused = async (c: Asked, refusal: Refusal): Promise<Response> => {
    await drain(c.env.incoming);
    return c.body(JSON.stringify(bodyOf(refusal)), refusal.status as 400, { "Content-Type": JSON_TYPE, ...refusal.headers });
  };
  const document = (c: Asked, value: object): Response => c.body(formatNeutral(value), 200, { "Content-Type": JSON_TYPE });

  /** Declares what an address answers, and that it takes no other method. */
  const at = (method: "GET" | "POST", path: string, answer: (c: Asked) => Response | Promise<Response>): void => {
    app.on(method, path, answer);
    app.all(path, (c) => refused(c, refuseRequest(405, `${c.req.method} is not taken here.`, { Allow: method })));
  };
  const read = <S extends z.ZodType>(path: string, schema: S, load: (query: z.output<S>, c: Asked) => Promise<object> | null): void =>
    at("GET", path, async (c) => {
      const query = readQuery(c.req.url, schema);
      if ("refusal" in query) return refused(c, query.refusal);
      const loading = load(query.value, c);
      return loading === null ? refused(c, UNKNOWN_ADDRESS) : document(c, await loading);
    });
  const readOfTask = <S extends z.ZodType>(rest: string, schema: S, load: (ref: TaskRef, query: z.output<S>) => Promise<object>): void =>
    read(`/api/tasks/:project/:group/:task${rest}`, schema, (query, c) => {
      const ref = taskRefSchema.safeParse(c.req.param());
      return ref.success ? load(ref.data, query) : null;
    });
  const readOfRun = <S extends z.ZodType>(
    rest: string,
    schema: S,
    load: (ref: TaskRef, run: z.output<typeof runRefSchema>, query: z.output<S>) => Promise<object>,
  ): void =>
    read(`/api/tasks/:project/:group/:task/runs/:type/:run${rest}`, schema, (query, c) => {
      const [ref, run] = [taskRefSchema.safeParse(c.req.param()), runRefSchema.safeParse(c.req.param())];
      return ref.success && run.success ? load(ref.data, run.data, query) : null;
    });
  const change = <S extends z.ZodType>(rest: string, schema: S, act: (ref: TaskRef, body: z.output<S>) => Promise<object>): void =>
    at("POST", `/api/tasks/:project/:group/:task${rest}`, async (c) => {
      const ref = taskRefSchema.safeParse(c.req.param());
      if (!ref.success) return refused(c, UNKNOWN_ADDRESS);
      const query = readQuery(c.req.url, nothingSchema);
      if ("refusal" in query) return refused(c, query.refusal);
      const body = await readBody(c.env.incoming, schema);
      return "refusal" in body ? refused(c, body.refusal) : document(c, await act(ref.data, body.value));
    });

  for (const path of ["/", "/assets/:name"])
    at("GET", path, (c) => {
      const query = readQuery(c.req.url, nothingSchema);
      return "refusal" in query ? refused(c, query.refusal) : (sendFile(c, parts.files) ?? refused(c, UNKNOWN_ADDRESS));
    });

  read("/api/board", boardSchema, (query) => answers.board(query));
  read("/api/schedule", scheduleSchema, (query) => answers.schedule(query));
  read("/api/time", timeSchema, (query) => answers.time(query));
  read("/api/cost", costSchema, (query) => answers.cost(query));
  read("/api/search", searchSchema, (query) => answers.search(query));
  readOfTask("", nothingSchema, (ref) => answers.task(ref));
  readOfTask("/findings", findingsSchema, (ref, query) => answers.findings(ref, query));
  readOfTask("/code", codeSchema, (ref, query) => answers.code(ref, query));
  readOfTask("/diff", nothingSchema, (ref) => answers.diff(ref));
  readOfRun("/report", nothingSchema, (ref, run) => answers.report(ref, run));
  readOfRun("/transcript", transcriptSchema, (ref, run, query) => answers.transcript(ref, { ...run, ...query }));
  change("/answers", answersSchema, (ref, body) => answers.answer(ref, body));
  change("/approval", approvalSchema, (ref, body) => answers.approve(ref, body));
  change("/rejection", rejectionSchema, (ref, body) => answers.reject(ref, body));
  change("/override", overrideSchema, (ref, body) => answers.override(ref, body));

  let streams = 0;
  at("GET", "/api/stream", (c) => {
    const query = readQuery(c.req.url, streamSchema);
    if ("refusal" in query) return refused(c, query.refusal);
    if (streams >= parts.maxStreams)
      return refused(c, refuse(503, "OKSTRA_DASHBOARD_BUSY", `${streams} streams are open, which is all.`, { "Retry-After": "30" }));
    // A browser that goes on by itself says where; an id of another shape is none of ours, and is not known any more.
    const last = streamIdSchema.safeParse(c.req.header("last-event-id"));
    streams += 1;
    const body = createEventStream({
      feed: (afterId, signal) => answers.feed(afterId, signal),
      afterId: last.success ? last.data : query.value.after,
      heartbeatMs: parts.heartbeatMs,
      slowMs: parts.slowMs,
      closing: parts.closing,
      onSlow: () => c.env.incoming.socket.destroy(),
      onProblem: parts.onProblem,
      onEnd: () => void (streams -= 1),
    });
    return c.body(body, 200, { "Content-Type": "text/event-stream" });
  });

  app.notFound((c) => refused(c, UNKNOWN_ADDRESS));
  app.onError((thrown, c) => {
    const refusal = refusalOf(thrown);
    if (refusal.status >= 500) parts.onProblem(thrown);
    return refused(c, refusal);
  });
  return app;
}

/** Null: there is no such file. Nothing but the map decides; a path goes nowhere else. */
function sendFile(c: Asked, files: WebFiles): Response | null {
  const file = files.get(c.req.path);
  if (file === undefined) return c.req.path === "/" ? c.body(NOT_BUILT, 503, { "Content-Type": "text/html; charset=utf-8" }) : null;
  const { bytes, encoding } = chooseEncoding(file, c.req.header("accept-encoding"));
  return c.body(new Uint8Array(bytes), 200, {
    "Content-Type": file.type,
    Vary: "Accept-Encoding",
    ...(encoding === null ? {} : { "Content-Encoding": encoding }),
    ...(file.isHashed ? { "Cache-Control": "private, max-age=31536000, immutable" } : {}),
  });
}

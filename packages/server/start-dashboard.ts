import { setMaxListeners } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { OkstraError } from "@okstra/core/errors";
import type { DashboardAnswers } from "./answers.ts";
import { admit } from "./guard.ts";
import { drain } from "./read-request.ts";
import { bodyOf, JSON_TYPE, refuseRequest, type Refusal } from "./refusal.ts";
import { createRoutes } from "./routes.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { createSession } from "./session.ts";
import type { WebFiles } from "./web-files.ts";

/** The only address that is ever bound. */
const LOOPBACK = "127.0.0.1";

/** Milliseconds, unless said otherwise. */
export interface DashboardLimits {
  /** Until the head of a request is whole. */
  readonly headMs: number;
  /** Until a request is whole. */
  readonly requestMs: number;
  /** How often both are looked at. */
  readonly checkMs: number;
  /** After which a connection on which nothing moves is cut. */
  readonly stillMs: number;
  /** For how long a connection waits for another request. */
  readonly keepMs: number;
  readonly heartbeatMs: number;
  /** After which a stream's reader who takes nothing is cut off. */
  readonly slowMs: number;
  /** Streams at the same time. */
  readonly maxStreams: number;
  /** Connections at the same time. */
  readonly maxConnections: number;
}

const LIMITS: DashboardLimits = {
  headMs: 10_000,
  requestMs: 30_000,
  checkMs: 5000,
  stillMs: 120_000,
  keepMs: 60_000,
  heartbeatMs: 15_000,
  slowMs: 20_000,
  maxStreams: 32,
  maxConnections: 256,
};

export interface DashboardServer {
  readonly port: number;
  /** With the token, which opens it once. */
  readonly url: string;
  /** Ends every stream and connection, and what answers. */
  close(): Promise<void>;
}

/**
 * Serves the dashboard on the loopback address, to whoever has its token. It closes `answers` at its end, or when it
 * cannot begin.
 * @param port 0: any that is free
 * @param onProblem hears what went wrong within: a defect, or a feed that ended by an error
 * @throws OKSTRA_DASHBOARD_PORT_TAKEN
 */
export async function startDashboard({
  answers,
  files,
  port,
  onProblem,
  limits: changed = {},
}: {
  answers: DashboardAnswers;
  files: WebFiles;
  port: number;
  onProblem: (thrown: unknown) => void;
  limits?: Partial<DashboardLimits>;
}): Promise<DashboardServer> {
  const limits = { ...LIMITS, ...changed };
  const closing = new AbortController();
  // Each stream listens.
  setMaxListeners(limits.maxStreams + 1, closing.signal);
  const { maxStreams, heartbeatMs, slowMs } = limits;
  const routes = createRoutes({ answers, files, maxStreams, heartbeatMs, slowMs, closing: closing.signal, onProblem });
  const server = createServer({
    headersTimeout: limits.headMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: 16 * 1024,
    // The guard refuses a request without a host itself.
    requireHostHeader: false,
  });
  server.maxConnections = limits.maxConnections;
  server.timeout = limits.stillMs;
  server.keepAliveTimeout = limits.keepMs;
  const bound = await listen(server, port).catch(async (error: unknown) => {
    await answers.close();
    throw error;
  });
  const session = createSession(bound);

  const serve = getRequestListener((request, env) => routes.fetch(request, env), { overrideGlobalObjects: false });
  server.on("request", (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const admission = admit(request, { port: bound, session });
    if (admission.kind === "refused") return void sendRefusal(request, response, admission.refusal);
    if (admission.kind === "in") return void serve(request, response);
    if (admission.cookie !== null) response.setHeader("Set-Cookie", admission.cookie);
    response.writeHead(303, { Location: "/" }).end();
  });
  // No browser asks for permission to send; node would answer by itself.
  for (const event of ["checkContinue", "checkExpectation"] as const)
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
      const admission = admit(request, { port: bound, session });
      void sendRefusal(request, response, admission.kind === "refused" ? admission.refusal : refuseRequest(417, "Expect is not taken."));
    });
  answerMalformed(server);
  server.on("error", onProblem);

  return {
    port: bound,
    url: `http://${LOOPBACK}:${bound}/?token=${session.token}`,
    async close() {
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await answers.close();
    },
  };
}

/** @returns the port that it listens on */
async function listen(server: Server, port: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "is taken" : code === "EACCES" ? "may not be used" : `cannot be used (${code ?? "unknown"})`;
    throw new OkstraError("OKSTRA_DASHBOARD_PORT_TAKEN", { message: `Port ${port} of ${LOOPBACK} ${why}.`, details: { port }, cause });
  }
  return (server.address() as AddressInfo).port;
}

async function sendRefusal(request: IncomingMessage, response: ServerResponse, refusal: Refusal): Promise<void> {
  await drain(request);
  // A person who opened the address again reads words, whoever asks the rest reads JSON.
  const isPage = refusal.status === 401 && /^\/(?:\?|$)/.test(request.url ?? "");
  const { error } = bodyOf(refusal);
  const [type, text] = isPage
    ? ["text/plain; charset=utf-8", `${error.message}\n${error.hint ?? ""}\n`]
    : [JSON_TYPE, JSON.stringify({ error })];
  response.writeHead(refusal.status, { "Content-Type": type, ...refusal.headers }).end(text);
}

/** Bytes that are no request, or none in time, have an answer as well; it is the connection's last. */
function answerMalformed(server: Server): void {
  const answering = new WeakMap<object, number>();
  server.on("request", ({ socket }, response) => {
    answering.set(socket, (answering.get(socket) ?? 0) + 1);
    response.on("close", () => answering.set(socket, (answering.get(socket) ?? 1) - 1));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    // In the middle of an answer there is no place for another one.
    if (!socket.writable || (answering.get(socket) ?? 0) > 0) return void socket.destroy();
    const refusal =
      error.code === "HPE_HEADER_OVERFLOW"
        ? refuseRequest(431, "The head of the request is too large.")
        : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
          ? refuseRequest(408, "The request did not come in time.")
          : refuseRequest(400, "This is no HTTP request.");
    const body = JSON.stringify(bodyOf(refusal));
    const headers = {
      ...SECURITY_HEADERS,
      "Content-Type": JSON_TYPE,
      "Content-Length": String(Buffer.byteLength(body)),
      Connection: "close",
    };
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${refusal.status} Refused\r\n${head.join("")}\r\n${body}`, () => socket.destroy());
  });
}

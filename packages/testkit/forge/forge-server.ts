import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A request as it came in; the token is not in it. */
export interface RecordedRequest {
  readonly method: string;
  /** Host that the program believed to speak with. */
  readonly host: string;
  /** Decoded only where the server reads it: as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Parsed JSON, or null. */
  readonly body: unknown;
  readonly contentType: string | null;
  /** Whether it had the right token. */
  readonly isLoggedIn: boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * How the next request that matches goes wrong. `cut-before`: the connection is closed and nothing was done; `cut-after`:
 * it is closed when all was done, before a word of the answer; `cut-within`: in the middle of the answer's body;
 * `silent`: no answer comes at all; an answer is given instead, nothing done.
 */
export type Fault = "cut-before" | "cut-after" | "cut-within" | "silent" | Answer;

export interface ForgeServer {
  /** Where it listens; only who knows the path can connect. */
  readonly socketPath: string;
  /** `http://127.0.0.1:<port>`, a proxy that refuses all: what would leave the machine ends here. */
  readonly trapUrl: string;
  /** The one token that it takes. */
  readonly token: string;
  readonly requests: readonly RecordedRequest[];
  /** What wanted to go elsewhere, through the trap; a test wants none. */
  readonly strays: readonly string[];
  /** One fault for one request of that method whose path ends so. */
  breakNext(method: string, pathEnd: string, fault: Fault): void;
  close(): Promise<void>;
}

/** Listens on a unix socket in a directory of its own. `answer` gets requests that have the right token only. */
export async function startForgeServer(options: {
  readonly token: string;
  /** Token of a request's headers, however the forge's program writes it. */
  readonly readToken: (headers: IncomingMessage["headers"]) => string | null;
  readonly answer: (request: RecordedRequest) => Answer | Promise<Answer>;
}): Promise<ForgeServer> {
  const directory = mkdtempSync(join(tmpdir(), "forge-"));
  const socketPath = join(directory, "s");
  const requests: RecordedRequest[] = [];
  const strays: string[] = [];
  const faults: { method: string; pathEnd: string; fault: Fault }[] = [];

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming, options.readToken(incoming.headers) === options.token);
    requests.push(request);
    const at = faults.findIndex(({ method, pathEnd }) => method === request.method && request.path.endsWith(pathEnd));
    const fault = at === -1 ? undefined : faults.splice(at, 1)[0]?.fault;
    if (fault === "silent") return;
    if (fault === "cut-before") return void incoming.socket.destroy();
    if (typeof fault === "object") return send(response, fault);
    const answer = request.isLoggedIn ? await options.answer(request) : { status: 401, body: { message: "Bad credentials" } };
    if (fault === "cut-after") return void incoming.socket.destroy();
    if (fault === "cut-within") return sendHalf(response, answer);
    send(response, answer);
  };
  const server = createServer((incoming, response) => {
    void serve(incoming, response).catch(() => response.destroy());
  });
  const trap = createServer((incoming, response) => {
    strays.push(`${incoming.method} ${incoming.url}`);
    response.writeHead(403).end();
  });
  trap.on("connect", (incoming: IncomingMessage, socket: Socket) => {
    strays.push(`CONNECT ${incoming.url}`);
    socket.on("error", () => {});
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await listen(server, { path: socketPath });
  await listen(trap, { host: "127.0.0.1", port: 0 });
  return {
    socketPath,
    trapUrl: `http://127.0.0.1:${(trap.address() as AddressInfo).port}`,
    token: options.token,
    requests,
    strays,
    breakNext: (method, pathEnd, fault) => void faults.push({ method, pathEnd, fault }),
    async close() {
      await Promise.all([end(server), end(trap)]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function readRequest(incoming: IncomingMessage, isLoggedIn: boolean): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const [path = "/", query = ""] = (incoming.url ?? "/").split("?");
  return {
    method: incoming.method ?? "GET",
    host: incoming.headers.host ?? "",
    path,
    query: new URLSearchParams(query),
    body: text === "" ? null : (JSON.parse(text) as unknown),
    contentType: incoming.headers["content-type"] ?? null,
    isLoggedIn,
  };
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(JSON.stringify(body));
}

function sendHalf(response: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "content-length": bytes.length });
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
}

function listen(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, resolve);
  });
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The page of a list that `per_page` and `page` name, 30 items where they name none, as both forges do. */
export function cutPage<T>(rows: readonly T[], query: URLSearchParams): readonly T[] {
  const size = Math.min(Number(query.get("per_page") ?? 30), 100);
  const page = Number(query.get("page") ?? 1);
  return rows.slice((page - 1) * size, page * size);
}

/** Every way out by a proxy's name; nothing is exempt. */
export function trapEnvironment({ trapUrl }: ForgeServer): Record<string, string> {
  return { HTTP_PROXY: trapUrl, HTTPS_PROXY: trapUrl, http_proxy: trapUrl, https_proxy: trapUrl };
}

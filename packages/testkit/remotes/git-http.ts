import { spawn, type ChildProcess } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface GitHttpOptions {
  /** How long every request waits for its answer. */
  readonly delayMs?: number;
  /** After so many requests every other is answered with 503. */
  readonly refuseAfter?: number;
  /** Basic authentication that every request needs. */
  readonly auth?: { readonly user: string; readonly password: string };
}

export interface GitHttp {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** URL of the repository `<root>/<name>`; it has no user and no password. */
  url(name: string): string;
  /** `<method> <path with query> <status>` of each request that was answered so far. */
  requests(): readonly string[];
  /** How many requests wait for their answer. */
  pending(): number;
  /** Ends the server and what it started; a request without an answer is cut off. */
  close(): Promise<void>;
}

/** Serves the repositories below `root` on loopback over smart HTTP, by `git http-backend`; they can be pushed to. */
export async function startGitHttp(root: string, options: GitHttpOptions = {}): Promise<GitHttp> {
  const closing = new AbortController();
  const backends = new Set<ChildProcess>();
  const answered: string[] = [];
  const open = new Set<ServerResponse>();
  let count = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    count += 1;
    const isRefused = count > (options.refuseAfter ?? Infinity);
    open.add(response);
    response.on("close", () => open.delete(response));
    response.on("finish", () => answered.push(`${request.method} ${request.url} ${response.statusCode}`));
    if (options.delayMs !== undefined) await wait(options.delayMs, undefined, { signal: closing.signal });
    if (isRefused) refuse(request, response, 503, {});
    else if (!isAllowed(request, options.auth)) refuse(request, response, 401, { "WWW-Authenticate": 'Basic realm="test"' });
    else runBackend(root, request, response, options.auth?.user, backends);
  };
  const server = createServer((request, response) => {
    // Only the server's end interrupts the wait.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: (name) => `${origin}/${name}`,
    requests: () => [...answered],
    pending: () => open.size,
    async close() {
      closing.abort();
      const ended = [...backends].map((backend) => new Promise((resolve) => backend.once("close", resolve)));
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      for (const backend of backends) backend.kill("SIGKILL");
      await Promise.all([closed, ...ended]);
    },
  };
}

function isAllowed(request: IncomingMessage, auth: GitHttpOptions["auth"]): boolean {
  if (auth === undefined) return true;
  return request.headers.authorization === `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString("base64")}`;
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, headers: Record<string, string>): void {
  request.resume();
  response.writeHead(status, headers).end();
}

/** One CGI call (RFC 3875), as git-http-backend(1) wants it. */
function runBackend(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  user: string | undefined,
  backends: Set<ChildProcess>,
): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://127.0.0.1");
  const header = (name: string): string => String(request.headers[name] ?? "");
  const backend = spawn("git", ["http-backend"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: header("git-protocol"),
      // Without it only a user who is known may push.
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.receivepack",
      GIT_CONFIG_VALUE_0: "true",
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: header("content-type"),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      REMOTE_ADDR: "127.0.0.1",
      ...(request.headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: header("content-length") }),
      ...(user === undefined ? {} : { REMOTE_USER: user }),
    },
  });
  backends.add(backend);
  backend.on("close", () => {
    backends.delete(backend);
    if (response.headersSent) response.end();
    else response.writeHead(500).end();
  });
  backend.on("error", () => response.destroy());
  response.on("close", () => backend.kill("SIGKILL"));
  // It may answer before it has read everything.
  backend.stdin.on("error", () => {});
  request.pipe(backend.stdin);

  let head = Buffer.alloc(0);
  backend.stdout.on("data", (chunk: Buffer) => {
    if (response.headersSent) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return;
    for (const line of head.toString("latin1", 0, end).split("\r\n")) {
      const [name = "", value = ""] = line.split(/: (.*)/su);
      if (name.toLowerCase() === "status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.flushHeaders();
    response.write(head.subarray(end + 4));
  });
}

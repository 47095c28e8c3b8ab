import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describeProtocol, type Ask, type Say } from "./protocols.ts";

/** How the model of a test delivers its result, or which way it fails. */
export type ModelWay = "schema" | "door" | "message" | "command" | "commit" | "broken-first" | "broken-second" | "rate-limit";

export interface ModelServer {
  /** `http://127.0.0.1:<port>` */
  readonly baseUrl: string;
  /** Requests for an answer, in order. */
  readonly asked: readonly Ask[];
  /** Requests that no rule expects, and hosts that were wanted through it as a proxy; a test wants none. */
  readonly unexpected: readonly string[];
  close(): Promise<void>;
}

/** Paths that the programs try and can do without. */
const OPTIONAL = [/\/count_tokens$/u, /\/v1\/models$/u, /:countTokens$/u, /^\/$/u];

/** Heads the prompt of who edits. */
const EXECUTOR = "Implementation: executor";

/** Prints `made 42` when it ran and could write. */
const COMMAND = "printf 'made %s' 42 > made.txt && cat made.txt";

/** A test first, then the change, each in a commit of its own; prints `made 42` when both are there. */
const COMMITS = [
  `printf '%s' 'import { test } from "node:test"; import assert from "node:assert/strict"; import { sum } from "../src/sum.js"; test("more", () => assert.equal(sum(3, 4), 7));' > test/more.test.js`,
  "git add test",
  "git commit --quiet -m 'Test more sums'",
  "sed -i 's/a - b/a + b/' src/sum.js",
  "git commit --quiet -a -m Add",
  "printf 'made %s' 42",
].join(" && ");

/**
 * A model server on 127.0.0.1 that speaks the vendors' three protocols and says what a script has. It is strict: what
 * nobody expects is answered with 404 and remembered. It reaches nothing.
 * @param options.result what the model delivers, with the nonce of its prompt where that has one
 */
export async function startModelServer(options: { way: ModelWay; result: Readonly<Record<string, unknown>> }): Promise<ModelServer> {
  const asked: Ask[] = [];
  const unexpected: string[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    const text = await readBody(request);
    const body: unknown = text === "" ? null : JSON.parse(text);
    const protocol = request.method === "POST" ? describeProtocol(pathname) : null;
    if (protocol === null) {
      if (!OPTIONAL.some((path) => path.test(pathname))) unexpected.push(`${request.method} ${pathname}`);
      return send(response, 404, { error: { type: "not_found_error", code: 404, message: "not found", status: "NOT_FOUND" } });
    }
    const ask = protocol.read(body, pathname);
    asked.push(ask);
    const say = decide(ask, options, asked.filter(({ isMain }) => isMain).length);
    if ("status" in say) return send(response, say.status, protocol.fail(say), say.headers);
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of protocol.say(say, ask)) response.write(event);
    response.end();
  };
  server.on("connect", (request, socket) => {
    unexpected.push(`CONNECT ${request.url}`);
    socket.on("error", () => {});
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    unexpected,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function decide(ask: Ask, options: { way: ModelWay; result: Readonly<Record<string, unknown>> }, number: number): Say {
  const nonce = /`nonce` is `([0-9a-f]{32})`/u.exec(ask.text)?.[1];
  const result = nonce === undefined ? options.result : { ...options.result, nonce };
  // Only the executor commits; it reviews afterwards like the others.
  const way = options.way === "commit" && !ask.text.includes(EXECUTOR) ? "schema" : options.way;
  if (way === "rate-limit")
    return {
      status: 429,
      kind: "quota",
      message: "You exceeded your current quota. Please retry in 3600s.",
      headers: { "retry-after": "3600" },
    };
  // A question beside the work, such as for a title.
  if (!ask.isMain) return { text: "{}" };
  // No program asks again after such a status; the words are those of a failure that passes.
  if (way === (number === 1 ? "broken-first" : number === 2 ? "broken-second" : ""))
    return { status: 400, kind: "broken", message: "upstream: ECONNRESET", headers: {} };
  if (way === "broken-second" && ask.results === 0) return { tool: "read_brief", input: {} };
  if (way === "command" && ask.results === 0) return runCommand(ask, COMMAND);
  if (way === "commit" && ask.results === 0) return runCommand(ask, COMMITS);
  const text = JSON.stringify(result);
  if (way === "message") return { text: `Done.\n\n\`\`\`json\n${text}\n\`\`\`\n` };
  if (way === "door") {
    if (ask.results === 0) return { tool: "submit_result", input: result };
    // An agent that insists on its schema gets the same once more.
    return ask.results === 1 && ask.hasSchemaTool ? { tool: "StructuredOutput", input: result } : { text: "Submitted." };
  }
  if (ask.hasSchemaTool)
    return ask.results === (["command", "commit", "broken-second"].includes(way) ? 1 : 0)
      ? { tool: "StructuredOutput", input: result }
      : { text: "Done." };
  return { text };
}

/** By the vendor's own tool for commands. */
function runCommand({ protocol }: Ask, command: string): Say {
  if (protocol === "anthropic") return { tool: "Bash", input: { command, description: "Makes a file" } };
  if (protocol === "responses") return { tool: "exec_command", input: { cmd: command } };
  return { tool: "run_shell_command", input: { command, description: "Makes a file" } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, document: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(document));
}

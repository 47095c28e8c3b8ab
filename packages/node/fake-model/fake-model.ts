import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeModel } from "@okstra/core/fake-model-port";
import { answerAnthropic } from "./anthropic.ts";
import type { Answer } from "./answer.ts";
import { answerGemini } from "./gemini.ts";
import { answerChat, answerResponses } from "./openai.ts";

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_ASKED = 1000;
/** As a prompt of okstra says it, in JSON or in words: `"nonce":"…"`, ``the `nonce` is `…` ``. */
const NONCE = /nonce(?:\W|\bis\b){0,16}([0-9a-f]{32})(?![0-9a-f])/iu;

/** Starts the server on a port of the system's choice. Nothing but 127.0.0.1 reaches it, and it reaches nothing. */
export async function startFakeModel(): Promise<FakeModel> {
  const asked: FakeModel["asked"][number][] = [];
  const refused: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response, { own: baseUrl, asked, refused }).catch(() => response.destroy());
  });
  // What a program that was told to use it as its proxy asks of it.
  server.on("connect", (request, socket) => {
    refused.push(request.url ?? "");
    socket.on("error", () => {});
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    baseUrl,
    asked,
    refused,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { own, asked, refused }: { own: string; asked: FakeModel["asked"][number][]; refused: string[] },
): Promise<void> {
  const url = new URL(request.url ?? "/", own);
  if (url.origin !== own) {
    refused.push(url.host);
    return sendJson(response, 403, { error: { message: "only this server can be reached" } });
  }
  if (request.method !== "POST") {
    request.resume();
    return url.pathname === "/" ? sendJson(response, 200, {}) : sendJson(response, 404, { error: { message: "not found" } });
  }
  const text = await readBody(request);
  const body = text === null ? null : readObject(text);
  if (text === null || body === null) return sendJson(response, 400, { error: { message: "the body is no JSON object" } });
  const nonce = NONCE.exec(text)?.[1] ?? null;
  const given = route(url, body, nonce);
  if (given === null) return sendJson(response, 404, { error: { message: "not found" } });
  if (given.model !== null && asked.length < MAX_ASKED) asked.push({ protocol: given.protocol, model: given.model, nonce });
  if (given.events === null) return sendJson(response, 200, given.document);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for (const event of given.events) response.write(event);
  response.end();
}

function route(url: URL, body: Readonly<Record<string, unknown>>, nonce: string | null): Answer | null {
  const { pathname } = url;
  if (pathname.endsWith("/messages") || pathname.endsWith("/messages/count_tokens"))
    return answerAnthropic(body, nonce, pathname.endsWith("count_tokens"));
  if (pathname.endsWith("/responses")) return answerResponses(body, nonce);
  if (pathname.endsWith("/chat/completions")) return answerChat(body, nonce);
  const gemini = /\/models\/([^/:]+):(\w+)$/u.exec(pathname);
  return gemini === null ? null : answerGemini(body, nonce, { model: gemini[1] ?? "", method: gemini[2] ?? "" });
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null && !Array.isArray(data) ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function sendJson(response: ServerResponse, status: number, document: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(document));
}

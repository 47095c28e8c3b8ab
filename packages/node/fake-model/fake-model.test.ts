import { request } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FakeModel } from "@okstra/core/fake-model-port";
import { startFakeModel } from "./fake-model.ts";

const NONCE = "0123456789abcdef0123456789abcdef";
const PROMPT = `Answer with {"nonce": "${NONCE}", "findings": []}`;
const FENCED = `\`\`\`json\n{"nonce":"${NONCE}","findings":[]}\n\`\`\``;
const BARE = { nonce: NONCE, findings: [] };

let model: FakeModel;
beforeEach(async () => {
  model = await startFakeModel();
});
afterEach(() => model.close());

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${model.baseUrl}${path}`, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
// eslint-disable-next-line typescript/no-explicit-any -- tests look into documents of many shapes
type Document = any;
/** The data of a stream's events, parsed where it is JSON. */
const stream = async (path: string, body: object): Promise<Document[]> => {
  const response = await post(path, { ...body, stream: true });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  return (await response.text())
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const data =
        block
          .split("\n")
          .find((line) => line.startsWith("data: "))
          ?.slice(6) ?? "";
      return data === "[DONE]" ? data : JSON.parse(data);
    });
};
const json = async (path: string, body: object): Promise<Document> => (await post(path, body)).json();

test("Anthropic Messages: the nonce comes back, streamed and whole, and so does the model's name", async () => {
  const body = { model: "claude-a", messages: [{ role: "user", content: PROMPT }] };
  const events = await stream("/v1/messages?beta=true", body);
  expect(events.map(({ type }) => type)).toEqual([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(events[0].message.model).toBe("claude-a");
  expect(events[2].delta.text).toBe(FENCED);
  expect(await json("/v1/messages", body)).toMatchObject({ content: [{ type: "text", text: FENCED }], stop_reason: "end_turn" });
  expect(await json("/v1/messages/count_tokens", body)).toEqual({ input_tokens: 10 });
  expect(model.asked).toEqual([1, 2].map(() => ({ protocol: "anthropic", model: "claude-a", nonce: NONCE })));
});

test("Anthropic Messages: a tool for the result is used once", async () => {
  const tools = [{ name: "Read" }, { name: "StructuredOutput" }];
  const body = { model: "m", tools, messages: [{ role: "user", content: PROMPT }] };
  const events = await stream("/v1/messages", body);
  expect(events[1].content_block).toMatchObject({ type: "tool_use", name: "StructuredOutput", input: {} });
  expect(JSON.parse(events[2].delta.partial_json)).toEqual(BARE);
  expect(events[4].delta.stop_reason).toBe("tool_use");
  const after = [...body.messages, { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_okstra", content: "ok" }] }];
  expect(await json("/v1/messages", { ...body, messages: after })).toMatchObject({ stop_reason: "end_turn" });
});

test("OpenAI Responses: streamed and whole, bare where a schema is asked for", async () => {
  const body = { model: "gpt-a", input: [{ role: "user", content: [{ type: "input_text", text: PROMPT }] }] };
  const events = await stream("/v1/responses", body);
  expect(events[0].type).toBe("response.created");
  expect(events.find(({ type }) => type === "response.output_item.done").item.content[0].text).toBe(FENCED);
  expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { model: "gpt-a", usage: { total_tokens: 15 } } });
  const whole = await json("/v1/responses", { ...body, text: { format: { type: "json_schema", schema: {} } } });
  expect(JSON.parse(whole.output[0].content[0].text)).toEqual(BARE);
});

test("OpenAI Chat: streamed and whole", async () => {
  const body = { model: "gpt-b", messages: [{ role: "user", content: PROMPT }] };
  const chunks = await stream("/v1/chat/completions", body);
  expect(chunks.at(-1)).toBe("[DONE]");
  expect(
    chunks
      .slice(0, -1)
      .map((chunk) => chunk.choices[0].delta.content ?? "")
      .join(""),
  ).toBe(FENCED);
  expect(await json("/v1/chat/completions", body)).toMatchObject({ choices: [{ message: { content: FENCED } }], model: "gpt-b" });
});

test("Gemini: streamed, whole, and a count", async () => {
  const body = { contents: [{ role: "user", parts: [{ text: PROMPT }] }] };
  const events = await stream("/v1beta/models/gemini-a:streamGenerateContent?alt=sse", body);
  expect(events).toMatchObject([
    { candidates: [{ content: { parts: [{ text: FENCED }] }, finishReason: "STOP" }], modelVersion: "gemini-a" },
  ]);
  const whole = await json("/v1beta/models/gemini-a:generateContent", {
    ...body,
    generationConfig: { responseMimeType: "application/json" },
  });
  expect(JSON.parse(whole.candidates[0].content.parts[0].text)).toEqual(BARE);
  expect(await json("/v1beta/models/gemini-a:countTokens", body)).toEqual({ totalTokens: 10 });
  expect(model.asked.map((each) => each.protocol)).toEqual(["gemini", "gemini"]);
});

test("the nonce is found in JSON and in words", async () => {
  for (const content of [`The \`nonce\` is \`${NONCE}\`.`, `OKSTRA_NONCE=${NONCE}`, `{"nonce":"${NONCE}"}`])
    expect(await json("/v1/messages", { model: "m", messages: [{ role: "user", content }] })).toMatchObject({
      content: [{ text: FENCED }],
    });
  for (const content of [`nonce ${NONCE}0`, "nonce abc", NONCE])
    expect(await json("/v1/messages", { model: "m", messages: [{ role: "user", content }] })).toMatchObject({ content: [{ text: "ok" }] });
});

test("a request without a nonce gets a word, and what is no request of a model an error", async () => {
  expect(await json("/v1/messages", { model: "m", messages: [{ role: "user", content: "a title, please" }] })).toMatchObject({
    content: [{ text: "ok" }],
  });
  expect((await post("/v1/unknown", {})).status).toBe(404);
  expect((await post("/v1/messages", "[1]")).status).toBe(400);
  expect((await post("/v1/messages", "{")).status).toBe(400);
  expect((await fetch(`${model.baseUrl}/`, { method: "HEAD" })).status).toBe(200);
  expect((await fetch(`${model.baseUrl}/v1/models`)).status).toBe(404);
});

test("it listens on loopback only, and as a proxy refuses every other host and says which", async () => {
  const { hostname, port } = new URL(model.baseUrl);
  expect(hostname).toBe("127.0.0.1");
  const connect = await new Promise<number | undefined>((resolve, reject) => {
    request({ host: hostname, port, method: "CONNECT", path: "api.example.com:443" })
      .on("connect", (response, socket) => {
        socket.destroy();
        resolve(response.statusCode);
      })
      .on("error", reject)
      .end();
  });
  expect(connect).toBe(403);
  const absolute = await new Promise<number | undefined>((resolve, reject) => {
    request({ host: hostname, port, method: "POST", path: "http://other.example.com/v1/messages" }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end("{}");
  });
  expect(absolute).toBe(403);
  expect(model.refused).toEqual(["api.example.com:443", "other.example.com"]);
  expect(model.asked).toEqual([]);
});

import { fixedText, INPUT_TOKENS, modelOf, OUTPUT_TOKENS, sse, type Answer } from "./answer.ts";

type Body = Readonly<Record<string, unknown>>;

/** The Responses API (platform.openai.com/docs/api-reference/responses), as one document or streamed. */
export function answerResponses(body: Body, nonce: string | null): Answer {
  const model = modelOf(body);
  const text = fixedText(nonce, wantsJson((body["text"] as { format?: unknown } | undefined)?.format));
  const part = { type: "output_text", text, annotations: [] };
  const item = { id: "msg_okstra", type: "message", status: "completed", role: "assistant", content: [part] };
  const usage = {
    input_tokens: INPUT_TOKENS,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: OUTPUT_TOKENS,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: INPUT_TOKENS + OUTPUT_TOKENS,
  };
  const response = { id: "resp_okstra", object: "response", created_at: 0, model };
  const document = { ...response, status: "completed", output: [item], usage };
  if (body["stream"] !== true) return { protocol: "responses", model, events: null, document };
  const at = { item_id: item.id, output_index: 0, content_index: 0 };
  const events = [
    { type: "response.created", response: { ...response, status: "in_progress", output: [] } },
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.content_part.added", ...at, part: { ...part, text: "" } },
    { type: "response.output_text.delta", ...at, delta: text },
    { type: "response.output_text.done", ...at, text },
    { type: "response.content_part.done", ...at, part },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: document },
  ].map((event, number) => ({ ...event, sequence_number: number }));
  return { protocol: "responses", model, events: events.map((event) => sse(event, event.type)), document };
}

/** The Chat Completions API, as one document or streamed. */
export function answerChat(body: Body, nonce: string | null): Answer {
  const model = modelOf(body);
  const content = fixedText(nonce, wantsJson(body["response_format"]));
  const usage = { prompt_tokens: INPUT_TOKENS, completion_tokens: OUTPUT_TOKENS, total_tokens: INPUT_TOKENS + OUTPUT_TOKENS };
  const common = { id: "chatcmpl-okstra", created: 0, model };
  const document = {
    ...common,
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage,
  };
  if (body["stream"] !== true) return { protocol: "chat", model, events: null, document };
  const chunk = (delta: object, finish: string | null): object => ({
    ...common,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const chunks = [chunk({ role: "assistant", content: "" }, null), chunk({ content }, null), { ...chunk({}, "stop"), usage }];
  return { protocol: "chat", model, events: [...chunks.map((each) => sse(each)), sse("[DONE]")], document };
}

function wantsJson(format: unknown): boolean {
  const type = (format as { type?: unknown } | null | undefined)?.type;
  return type === "json_schema" || type === "json_object";
}

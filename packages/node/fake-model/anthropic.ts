import { fixedResult, fixedText, INPUT_TOKENS, modelOf, OUTPUT_TOKENS, sse, type Answer } from "./answer.ts";

/** Name of the tool by which Claude Code takes a result that has a schema. */
const SCHEMA_TOOL = "StructuredOutput";

/** The Messages API (docs.anthropic.com/en/api/messages), as one document or streamed. */
export function answerAnthropic(body: Readonly<Record<string, unknown>>, nonce: string | null, isCount: boolean): Answer {
  const protocol = "anthropic";
  if (isCount) return { protocol, model: null, events: null, document: { input_tokens: INPUT_TOKENS } };
  const model = modelOf(body);
  const usage = { input_tokens: INPUT_TOKENS, output_tokens: OUTPUT_TOKENS };
  const result = fixedResult(nonce);
  const useTool = result !== null && hasSchemaTool(body) && !hasToolResult(body);
  const block = useTool
    ? { type: "tool_use", id: "toolu_okstra", name: SCHEMA_TOOL, input: result }
    : { type: "text", text: fixedText(nonce, false) };
  const reason = useTool ? "tool_use" : "end_turn";
  const message = { id: "msg_okstra", type: "message", role: "assistant", model, stop_sequence: null };
  const document = { ...message, content: [block], stop_reason: reason, usage };
  if (body["stream"] !== true) return { protocol, model, events: null, document };
  const start = useTool ? { ...block, input: {} } : { type: "text", text: "" };
  const delta = useTool
    ? { type: "input_json_delta", partial_json: JSON.stringify(result) }
    : { type: "text_delta", text: fixedText(nonce, false) };
  const events = [
    { type: "message_start", message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } },
    { type: "content_block_start", index: 0, content_block: start },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: OUTPUT_TOKENS } },
    { type: "message_stop" },
  ];
  return { protocol, model, events: events.map((event) => sse(event, event.type)), document };
}

function hasSchemaTool(body: Readonly<Record<string, unknown>>): boolean {
  const { tools } = body as { tools?: unknown };
  return Array.isArray(tools) && tools.some((tool) => (tool as { name?: unknown } | null)?.name === SCHEMA_TOOL);
}

function hasToolResult(body: Readonly<Record<string, unknown>>): boolean {
  return JSON.stringify(body["messages"] ?? []).includes('"tool_result"');
}

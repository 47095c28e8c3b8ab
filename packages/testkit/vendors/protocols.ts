/** One request for an answer of the model, as far as a script needs it. */
export interface Ask {
  readonly protocol: "anthropic" | "responses" | "gemini";
  readonly model: string;
  /** Whether it is the work itself: a question with tools. */
  readonly isMain: boolean;
  /** Names of the tools, those of a server with it: `mcp__okstra__submit_result`. */
  readonly tools: readonly string[];
  /** Results of tools in the conversation so far. */
  readonly results: number;
  /** The conversation as it was sent, as text. */
  readonly text: string;
  /** Whether there is the tool by which Claude Code takes what has a schema. */
  readonly hasSchemaTool: boolean;
  /** The format that the text must have; null for none. */
  readonly format: unknown;
}

export type Say =
  | { readonly text: string }
  /** A call of the tool whose name is this or ends so. */
  | { readonly tool: string; readonly input: unknown }
  | {
      readonly status: number;
      readonly kind: "quota" | "broken";
      readonly message: string;
      readonly headers: Readonly<Record<string, string>>;
    };

type Success = Exclude<Say, { status: number }>;

export interface Protocol {
  read(body: unknown, path: string): Ask;
  say(say: Success, ask: Ask): readonly string[];
  fail(say: Extract<Say, { status: number }>): unknown;
}

type Data = Readonly<Record<string, unknown>>;

const IN = 1000;
const OUT = 50;
let calls = 0;

export function describeProtocol(path: string): Protocol | null {
  if (path.endsWith("/v1/messages")) return ANTHROPIC;
  if (path.endsWith("/v1/responses")) return RESPONSES;
  return path.endsWith(":streamGenerateContent") || path.endsWith(":generateContent") ? GEMINI : null;
}

/** https://docs.anthropic.com/en/docs/build-with-claude/streaming */
const ANTHROPIC: Protocol = {
  read(body) {
    const { model, tools, messages } = body as { model: string; tools?: { name: string }[]; messages: { content: unknown }[] };
    const names = (tools ?? []).map(({ name }) => name);
    const blocks = messages.flatMap(({ content }) => (Array.isArray(content) ? (content as Data[]) : []));
    return {
      protocol: "anthropic",
      model,
      isMain: names.length > 0,
      tools: names,
      results: blocks.filter(({ type }) => type === "tool_result").length,
      text: JSON.stringify(messages),
      hasSchemaTool: names.includes("StructuredOutput"),
      format: null,
    };
  },
  say(say, { model, tools }) {
    const thought = { type: "thinking", thinking: "It is done.", signature: "c2lnbmVk" };
    const usage = { input_tokens: IN, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 };
    const [start, delta] =
      "tool" in say
        ? [
            { type: "tool_use", id: `toolu_${(calls += 1)}`, name: toolFor(say.tool, tools), input: {} },
            { type: "input_json_delta", partial_json: JSON.stringify(say.input) },
          ]
        : [
            { type: "text", text: "" },
            { type: "text_delta", text: say.text },
          ];
    return [
      {
        type: "message_start",
        message: {
          id: `msg_${(calls += 1)}`,
          type: "message",
          role: "assistant",
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage,
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: thought.thinking } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: thought.signature } },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: start },
      { type: "content_block_delta", index: 1, delta },
      { type: "content_block_stop", index: 1 },
      {
        type: "message_delta",
        delta: { stop_reason: "tool" in say ? "tool_use" : "end_turn", stop_sequence: null },
        usage: { output_tokens: OUT },
      },
      { type: "message_stop" },
    ].map((event) => sse(event, event.type));
  },
  fail: ({ kind, message }) => ({
    type: "error",
    error: { type: kind === "quota" ? "rate_limit_error" : "invalid_request_error", message },
  }),
};

/** https://platform.openai.com/docs/api-reference/responses-streaming; tools of a server come as a namespace. */
const RESPONSES: Protocol = {
  read(body) {
    const { model, tools, input, text } = body as { model: string; tools?: Data[]; input: Data[]; text?: { format?: unknown } };
    const added = input.filter(({ type }) => type === "additional_tools").flatMap((item) => item["tools"] as Data[]);
    const names = [...(tools ?? []), ...added].flatMap((tool) =>
      tool["type"] === "namespace"
        ? (tool["tools"] as Data[]).map(({ name }) => `${String(tool["name"])}__${String(name)}`)
        : [String(tool["name"] ?? tool["type"])],
    );
    return {
      protocol: "responses",
      model,
      isMain: true,
      tools: names,
      results: input.filter(({ type }) => type === "function_call_output" || type === "mcp_tool_call_output").length,
      text: JSON.stringify(input),
      hasSchemaTool: false,
      format: text?.format ?? null,
    };
  },
  say(say, { model }) {
    const id = `resp_${(calls += 1)}`;
    const item =
      "tool" in say
        ? {
            type: "function_call",
            id: `fc_${calls}`,
            call_id: `call_${calls}`,
            ...(["submit_result", "read_brief"].includes(say.tool) ? { namespace: "mcp__okstra" } : {}),
            name: say.tool,
            arguments: JSON.stringify(say.input),
            status: "completed",
          }
        : {
            type: "message",
            id: `msg_${calls}`,
            role: "assistant",
            status: "completed",
            content: [{ type: "output_text", text: say.text, annotations: [] }],
          };
    const usage = {
      input_tokens: IN,
      input_tokens_details: { cached_tokens: 200 },
      output_tokens: OUT,
      output_tokens_details: { reasoning_tokens: 10 },
      total_tokens: IN + OUT,
    };
    return [
      { type: "response.created", response: { id, object: "response", model, status: "in_progress", output: [] } },
      { type: "response.output_item.added", output_index: 0, item },
      { type: "response.output_item.done", output_index: 0, item },
      { type: "response.completed", response: { id, object: "response", model, status: "completed", output: [item], usage } },
    ].map((event) => sse(event, event.type));
  },
  fail: ({ kind, message }) => ({
    error: {
      type: kind === "quota" ? "insufficient_quota" : "server_error",
      code: kind === "quota" ? "insufficient_quota" : "server_overloaded",
      message,
    },
  }),
};

/** https://ai.google.dev/api/generate-content */
const GEMINI: Protocol = {
  read(body, path) {
    const { tools, contents, generationConfig } = body as {
      tools?: { functionDeclarations?: { name: string }[] }[];
      contents: { parts: Data[] }[];
      generationConfig?: { responseMimeType?: string };
    };
    const names = (tools ?? []).flatMap(({ functionDeclarations }) => (functionDeclarations ?? []).map(({ name }) => name));
    return {
      protocol: "gemini",
      model: /models\/([^/:]+):/u.exec(path)?.[1] ?? "",
      isMain: names.length > 0,
      tools: names,
      results: contents.flatMap(({ parts }) => parts).filter((part) => part["functionResponse"] !== undefined).length,
      text: JSON.stringify(contents),
      hasSchemaTool: false,
      format: generationConfig?.responseMimeType ?? null,
    };
  },
  say(say, { model, tools }) {
    const part = "tool" in say ? { functionCall: { name: toolFor(say.tool, tools), args: say.input } } : { text: say.text };
    const usageMetadata = { promptTokenCount: IN, candidatesTokenCount: OUT, thoughtsTokenCount: 20, totalTokenCount: IN + OUT + 20 };
    return [
      sse({
        candidates: [{ index: 0, content: { role: "model", parts: [part] }, finishReason: "STOP" }],
        usageMetadata,
        modelVersion: model,
        responseId: `r${(calls += 1)}`,
      }),
    ];
  },
  fail: ({ status, kind, message }) => ({
    error: {
      code: status,
      message,
      status: kind === "quota" ? "RESOURCE_EXHAUSTED" : "INVALID_ARGUMENT",
      ...(kind === "quota"
        ? {
            details: [
              {
                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel" }],
              },
            ],
          }
        : {}),
    },
  }),
};

function toolFor(wanted: string, names: readonly string[]): string {
  return names.find((name) => name === wanted || name.endsWith(`_${wanted}`)) ?? wanted;
}

function sse(data: unknown, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;
}

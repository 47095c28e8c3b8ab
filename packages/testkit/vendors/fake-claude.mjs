#!/usr/bin/env node
/** Claude Code 2.1 as far as `claude -p --output-format stream-json` goes. */
import { parseArgs } from "node:util";
import { MODE, noteStart, play, print, readInput, refuse, RESETS_AT } from "./fake-agent.mjs";

const SESSION = "5b6f1c9e-6a44-4d0c-9a8e-3f1f6d2b7c10";
const text = { type: "string" };
const options = {
  print: { type: "boolean", short: "p" },
  "output-format": text,
  verbose: { type: "boolean" },
  "permission-mode": text,
  allowedTools: text,
  disallowedTools: text,
  "mcp-config": text,
  "strict-mcp-config": { type: "boolean" },
  "json-schema": text,
  model: text,
  resume: { ...text, short: "r" },
  version: { type: "boolean", short: "v" },
};
let given;
try {
  ({ values: given } = parseArgs({ options, strict: true }));
} catch (error) {
  refuse(`error: ${error.message}`, 1);
}
if (given.version) {
  process.stdout.write("2.1.197 (Claude Code)\n");
  process.exit(0);
}
if (!given.print) refuse("error: no terminal", 1);
if (given["output-format"] !== "stream-json") refuse("error: this one only streams", 1);
if (!given.verbose) refuse("Error: When using --print, --output-format=stream-json requires --verbose", 1);
if (!["acceptEdits", "plan"].includes(given["permission-mode"])) refuse("error: invalid --permission-mode", 1);
if (given.resume !== undefined && given.resume !== SESSION) refuse(`No conversation found with session ID: ${given.resume}`, 1);
const schema = given["json-schema"] === undefined ? undefined : JSON.parse(given["json-schema"]);
if (schema !== undefined && schema.type !== "object") refuse("Error: --json-schema is not a valid JSON Schema", 1);
const { okstra } = JSON.parse(given["mcp-config"] ?? "{}").mcpServers ?? {};
const mayCallDoor = (given.allowedTools ?? "").split(",").includes("mcp__okstra");
noteStart({ resumed: given.resume ?? null, mode: given["permission-mode"], allowed: given.allowedTools, model: given.model ?? null });

const asked = given.model ?? "claude-sonnet-4-5";
const served = MODE === "other-model" ? "claude-haiku-4-5-20251001" : "claude-sonnet-4-5-20250929";
const usage = { input_tokens: 100, cache_read_input_tokens: 30, cache_creation_input_tokens: 20, output_tokens: 50 };
const common = { session_id: SESSION, uuid: "00000000-0000-4000-8000-000000000000" };
let count = 0;

function answer(content, model = served) {
  count += 1;
  const message = { id: `msg_${count}`, type: "message", role: "assistant", content, stop_reason: null, usage };
  print({ type: "assistant", message: MODE === "no-model" ? message : { ...message, model }, parent_tool_use_id: null, ...common });
}

function finish(fields, status) {
  const modelUsage = {
    [served]: {
      inputTokens: 100 * count,
      outputTokens: 50 * count,
      cacheReadInputTokens: 30 * count,
      cacheCreationInputTokens: 20 * count,
      webSearchRequests: 0,
      costUSD: 0.0125,
      contextWindow: 200000,
    },
  };
  print({
    type: "result",
    duration_ms: 10,
    duration_api_ms: 5,
    num_turns: count,
    total_cost_usd: 0.1 + 0.2,
    usage,
    modelUsage,
    permission_denials: [],
    ...fields,
    ...common,
  });
  process.exitCode = status;
}

await play(
  {
    door: okstra,
    takesSchema: schema !== undefined,
    schemaText: (result) => JSON.stringify(result),
    begin: () =>
      print({
        type: "system",
        subtype: "init",
        cwd: process.cwd(),
        tools: ["Read"],
        mcp_servers: [{ name: "okstra", status: okstra === undefined ? "failed" : "connected" }],
        model: asked,
        permissionMode: given["permission-mode"],
        claude_code_version: "2.1.197",
        ...common,
      }),
    say: (words) => answer([{ type: "text", text: words }]),
    use(name) {
      const isDoor = name === "submit_result";
      if (isDoor && !mayCallDoor) refuse("the tool needs a permission and nobody is there", 1);
      answer([
        {
          type: "tool_use",
          id: `toolu_${count}`,
          name: isDoor ? "mcp__okstra__submit_result" : "Read",
          input: { file_path: "src/sum.js" },
        },
      ]);
      print({
        type: "user",
        message: { role: "user", content: [{ type: "tool_result", tool_use_id: `toolu_${count - 1}`, content: "ok" }] },
        parent_tool_use_id: null,
        ...common,
      });
    },
    done(result) {
      const denial = { tool_name: "WebFetch", tool_use_id: "toolu_x", tool_input: { url: "https://example.com" } };
      finish(
        {
          subtype: "success",
          is_error: false,
          result: result === undefined ? "" : JSON.stringify(result),
          structured_output: result,
          permission_denials: MODE === "message" ? [denial] : [],
        },
        0,
      );
    },
    quota() {
      print({
        type: "rate_limit_event",
        rate_limit_info: { status: "rejected", resetsAt: RESETS_AT, rateLimitType: "five_hour" },
        ...common,
      });
      answer([{ type: "text", text: "You've hit your session limit · resets 12am (UTC)" }], "<synthetic>");
      finish({ subtype: "success", is_error: true, result: "You've hit your session limit · resets 12am (UTC)" }, 1);
    },
    transient() {
      print({
        type: "system",
        subtype: "api_retry",
        attempt: 1,
        max_retries: 10,
        retry_delay_ms: 500,
        error_status: 529,
        error: "overloaded",
        ...common,
      });
      finish(
        {
          subtype: "success",
          is_error: true,
          api_error_status: 529,
          result: 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        },
        1,
      );
    },
    refuse: (words) => finish({ subtype: "error_during_execution", is_error: true, errors: [words] }, 1),
  },
  readInput(),
);

/**
 * An ACP agent without a library, for what a library would not let an agent do. Its first argument says what that is;
 * the second may name a file in which it notes how its session was settled.
 */
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [mode = "", state = ""] = process.argv.slice(2);
const sessionId = "raw-1";
const MEGABYTE = 1024 * 1024;

async function put(text) {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once("drain", resolve));
}

/** Says it for ever, a megabyte at a time at the most. */
async function repeat(line) {
  const many = line.repeat(Math.max(1, Math.floor(MEGABYTE / line.length)));
  for (;;) await put(many);
}

const toLine = (message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
const toUpdate = (update) => toLine({ method: "session/update", params: { sessionId, update } });
const toChunk = (text) => toUpdate({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });

/** Updates that are none, or not of the shape that they should have. */
const SHAPELESS = [
  ...[null, 5, [], {}, { sessionUpdate: 5 }, { sessionUpdate: "from_a_later_version", more: 1 }].map(toUpdate),
  toUpdate({ sessionUpdate: "agent_message_chunk" }),
  toChunk(5),
  toUpdate({ sessionUpdate: "tool_call", title: { toString: 1 }, toolCallId: {}, kind: [] }),
  toUpdate({ sessionUpdate: "tool_call_update", status: "completed", title: { toString: 1 } }),
  toUpdate({ sessionUpdate: "plan", entries: 5 }),
  toUpdate({ sessionUpdate: "plan", entries: [null, 5, { content: 5 }] }),
  toUpdate({ sessionUpdate: "config_option_update", configOptions: 5 }),
  toUpdate({ sessionUpdate: "config_option_update", configOptions: [null, { id: "model", type: "select", currentValue: 5 }] }),
  toUpdate({ sessionUpdate: "usage_update", used: "x", cost: 5 }),
  toLine({ method: "session/update" }),
  toLine({ method: "session/update", params: null }),
  toLine({ method: "something/else", params: 1 }),
];

const MODE_OPTION = {
  id: "how",
  name: "How",
  category: "mode",
  type: "select",
  currentValue: "a",
  options: [
    { value: "a", name: "Ordinary" },
    { value: "b", name: "Plan mode" },
  ],
};
const SESSION_MODES = { currentModeId: "x", availableModes: ["x", "plan"].map((id) => ({ id, name: id })) };

function opened() {
  if (mode === "option-mode") return { sessionId, configOptions: [MODE_OPTION] };
  if (mode.startsWith("both-modes")) return { sessionId, modes: SESSION_MODES, configOptions: [MODE_OPTION] };
  return { sessionId };
}

function ask(id, toolCall, options = [{ optionId: "yes", name: "Yes", kind: "allow_once" }]) {
  const no = { optionId: "no", name: "No", kind: "reject_once" };
  return put(toLine({ id, method: "session/request_permission", params: { sessionId, toolCall, options: [...options, no] } }));
}

const answers = new Map();
const input = createInterface({ input: process.stdin });
input.on("line", async (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === undefined) return answers.get(id)?.(result);
  if (method === "initialize") return put(toLine({ id, result: { protocolVersion: mode === "version" ? 9 : 1, agentCapabilities: {} } }));
  if (method === "session/new" && mode === "auth") return put(toLine({ id, error: { code: -32000, message: "Authentication required" } }));
  if (method === "session/new") return put(toLine({ id, result: opened() }));
  if (method === "session/set_mode" || method === "session/set_config_option") {
    appendFileSync(state, `${params.modeId ?? `${params.configId}=${params.value}`}\n`);
    if (mode === "both-modes-one" && method === "session/set_mode")
      return put(toLine({ id, error: { code: -32601, message: "Method not found" } }));
    return put(toLine({ id, result: method === "session/set_mode" ? {} : { configOptions: [MODE_OPTION] } }));
  }
  if (method !== "session/prompt") return;
  const nonce = /`nonce` is `([0-9a-f]{16,})`/.exec(params.prompt[0].text)?.[1];
  const deliver = () =>
    put(toChunk(`\`\`\`json\n${JSON.stringify({ nonce, findings: [] })}\n\`\`\`\n`) + toLine({ id, result: { stopReason: "end_turn" } }));
  switch (mode) {
    case "option-mode":
    case "both-modes":
    case "both-modes-one":
      return deliver();
    case "shapes":
      await put(SHAPELESS.join(""));
      return deliver();
    case "others":
      // An agent of the agent talks in a session of its own; its words are not the agent's.
      await put(
        toLine({
          method: "session/update",
          params: {
            sessionId: "child",
            update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: '```json\n{"nonce":"x"}\n```\n' } },
          },
        }),
      );
      return deliver();
    case "many-pieces":
      // In one piece with the answer: the last word must not come after it.
      return put(
        [...`\`\`\`json\n${JSON.stringify({ nonce, findings: [], more: "x".repeat(5000) })}\n\`\`\`\n`].map(toChunk).join("") +
          toLine({ id, result: { stopReason: "end_turn" } }),
      );
    case "half-line":
      await put(toChunk("the last words"));
      process.stderr.write("fatal: gone\n");
      process.exitCode = 3;
      return process.stdout.end(() => process.exit());
    case "asks": {
      // As codex-acp does: what the call is was told before, and the request only names it.
      const calls = [
        { toolCallId: "door", kind: "execute", title: "mcp.okstra.submit_result", rawInput: { server: "okstra", tool: "submit_result" } },
        { toolCallId: "liar", kind: "execute", title: "mcp.okstra.submit_result", rawInput: { command: "mcp.okstra.submit_result" } },
        { toolCallId: "edit", kind: "edit", title: "Edit", content: [{ type: "diff", path: "/etc/hostname", newText: "" }] },
      ];
      for (const [at, call] of calls.entries()) {
        await put(toUpdate({ sessionUpdate: "tool_call", ...call }));
        const answered = new Promise((resolve) => answers.set(`ask-${at}`, resolve));
        await ask(`ask-${at}`, { toolCallId: call.toolCallId });
        await put(toChunk(`${call.toolCallId}: ${(await answered).outcome.optionId}\n`));
      }
      return deliver();
    }
    case "only-always": {
      const answered = new Promise((resolve) => answers.set("ask", resolve));
      await ask("ask", { toolCallId: "a", kind: "read" }, [{ optionId: "always", name: "Always", kind: "allow_always" }]);
      await put(toChunk(`${(await answered).outcome.outcome}\n`));
      return deliver();
    }
    case "unread":
      input.close();
      process.stdin.pause();
      return repeat(toLine({ id: 1, method: "x" }));
    case "echo":
      input.close();
      process.stdin.pause();
      return repeat(toLine({ id: {}, method: "x", params: "x".repeat(MEGABYTE) }));
    case "wide":
      return repeat(`${toLine({ method: "session/update", params: [] }).slice(0, -4)}[${"[],".repeat(MEGABYTE)}[]]}\n`);
    case "two-byte":
      return repeat(toChunk("\u4e00".repeat(60_000)));
    case "small-pieces":
      return repeat(toChunk("ab"));
    default:
      throw new Error(`no mode ${mode}`);
  }
});

/**
 * The text of a program that speaks like a vendor's and gives away, in all that it says, the values of CANARY_TOKEN,
 * CANARY_SECRET, the `.env` where it is started and the file `known`. With the argument `good` it delivers a result,
 * else it fails.
 */
export function vendorProgram(vendor: "claude" | "codex" | "gemini", known: string): string {
  return `
import { readFileSync } from "node:fs";
const { CANARY_TOKEN, CANARY_SECRET } = process.env;
const values = [".env", ${JSON.stringify(known)}].flatMap((path) => readFileSync(path, "utf8").split("\\n")).map((line) => line.slice(line.indexOf("=") + 1));
const secrets = [CANARY_TOKEN, CANARY_SECRET, ...values].filter((each) => each);
const s = secrets.join(" ");
const isGood = process.argv[2] === "good";
const nonce = /\`nonce\` is \`([0-9a-f]{16,})\`/.exec(readFileSync(0, "utf8"))?.[1] ?? "";
const finding = { claim: "It is " + secrets[0], category: "correctness", severity: "P2", fix: s, quote: s, [s]: s };
const result = "Done.\\n\\n\`\`\`json\\n" + JSON.stringify({ nonce, findings: [finding], [s]: s }) + "\\n\`\`\`\\n";
const print = (event) => console.log(JSON.stringify(event));
const texts = [s, "\\n" + secrets.join("\\n"), ...secrets.flatMap((each) => [80, 120, 160, 200, 240, 300, 1000, 4000].map((limit) => "word ".repeat(limit).slice(0, limit - 6 - (each.length >> 1)) + " " + each + " and more"))];
const say = {
  claude(text) {
    print({ type: "assistant", session_id: s, parent_tool_use_id: null, message: { id: text, model: s, usage: { input_tokens: 1, output_tokens: 1 }, content: [{ type: "text", text }, { type: "thinking", thinking: text }, { type: "tool_use", id: text, name: text, input: { command: text } }, { type: "tool_use", id: "t", name: "Bash", input: { path: text } }] } });
    print({ type: "user", session_id: s, message: { content: [{ type: "tool_result", is_error: true, content: text }, { type: "tool_result", is_error: true, content: [{ type: "text", text }] }] } });
    print({ type: "system", subtype: "api_retry", attempt: 1, max_retries: 2, error: text });
  },
  codex(text) {
    for (const type of ["command_execution", "mcp_tool_call", "file_change", "web_search", "todo_list", "error", "agent_message", "reasoning", text])
      for (const stage of ["item.started", "item.completed"]) print({ type: stage, item: { id: text, type, text, command: text, server: text, tool: text, query: text, message: text, status: "failed", error: { message: text }, exit_code: 1, aggregated_output: text, changes: [{ path: text, kind: "add" }], items: [{ text, completed: false }] } });
    print({ type: "error", message: text });
  },
  gemini(text) {
    const half = text.length >> 1;
    print({ type: "message", role: "assistant", content: text.slice(0, half), delta: true });
    print({ type: "message", role: "assistant", content: text.slice(half) + "\\n", delta: true });
    print({ type: "tool_use", tool_name: text, tool_id: text, parameters: { command: text, file_path: text } });
    print({ type: "tool_use", tool_name: "shell", tool_id: "t", parameters: { command: text } });
    print({ type: "tool_result", tool_id: text, status: "error", output: text, error: { type: text, message: text } });
    print({ type: "error", severity: "warning", message: text });
  },
}.${vendor};
const begin = { claude: { type: "system", subtype: "init", session_id: s, model: s, claude_code_version: s, permissionMode: s, mcp_servers: [{ name: "okstra", status: s }] }, codex: { type: "thread.started", thread_id: s }, gemini: { type: "init", session_id: s, model: s } }.${vendor};
print(begin);
for (const text of texts) {
  say(text);
  console.log("stray " + text);
  console.error(text);
}
const usage = { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 };
const long = texts[7];
if (${JSON.stringify(vendor)} === "claude") {
  print({ type: "assistant", session_id: s, message: { id: "last", model: s, usage, content: [{ type: "text", text: result }] } });
  print({ type: "result", subtype: isGood ? "success" : s, is_error: !isGood, session_id: s, result: isGood ? result : long, errors: [long], permission_denials: [{ tool_name: long, tool_input: { command: long } }], modelUsage: { [s]: { inputTokens: 1 } }, usage });
} else if (${JSON.stringify(vendor)} === "codex") {
  print({ type: "item.completed", item: { id: "last", type: "agent_message", text: result } });
  print(isGood ? { type: "turn.completed", usage } : { type: "turn.failed", error: { message: long } });
} else {
  for (let at = 0; at < result.length; at += 50) print({ type: "message", role: "assistant", content: result.slice(at, at + 50), delta: true });
  print({ type: "result", status: isGood ? "success" : "error", error: { type: long, message: long }, stats: { models: { [s]: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } }, total_tokens: 2 } });
}
if (!isGood) { process.stderr.write(long); process.exitCode = 9; }
`;
}

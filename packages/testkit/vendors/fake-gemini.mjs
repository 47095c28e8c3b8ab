#!/usr/bin/env node
/** Gemini CLI 0.61 as far as `gemini -o stream-json` with a prompt on standard input goes. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parse } from "smol-toml";
import { MODE, noteStart, play, print, readInput, refuse } from "./fake-agent.mjs";

const SESSION = "0eaa4a4f-3ec9-49d7-82ec-e92b1eeb6e9a";
const text = { type: "string" };
const options = {
  "output-format": { ...text, short: "o" },
  "approval-mode": text,
  "skip-trust": { type: "boolean" },
  "allowed-mcp-server-names": { ...text, multiple: true },
  policy: { ...text, multiple: true },
  model: { ...text, short: "m" },
  resume: { ...text, short: "r" },
  version: { type: "boolean", short: "v" },
};
let given;
try {
  ({ values: given } = parseArgs({ options, strict: true }));
} catch (error) {
  refuse(`Unknown argument: ${error.message}`, 1);
}
if (given.version) {
  process.stdout.write("0.61.0\n");
  process.exit(0);
}
if (given["output-format"] !== "stream-json") refuse("error: this one only streams", 1);
if (!["auto_edit", "plan"].includes(given["approval-mode"])) refuse("Invalid values: approval-mode", 1);
if (!given["skip-trust"]) refuse("Gemini CLI is not running in a trusted directory.", 55);
if (given.resume !== undefined && given.resume !== SESSION)
  refuse(`Error resuming session: Invalid session identifier "${given.resume}".`, 42);
const settingsPath = process.env.GEMINI_CLI_SYSTEM_SETTINGS_PATH;
const settings = settingsPath === undefined ? {} : JSON.parse(readFileSync(settingsPath, "utf8"));
const rules = (given.policy ?? []).flatMap((path) => parse(readFileSync(path, "utf8")).rule);
const allows = (tool, server) =>
  rules.some((rule) => rule.decision === "allow" && rule.mcpName === server && ["*", tool].includes(rule.toolName));
noteStart({
  resumed: given.resume ?? null,
  mode: given["approval-mode"],
  commands: allows("run_shell_command"),
  model: given.model ?? null,
});

const served = MODE === "other-model" ? "gemini-2.5-flash" : "gemini-2.5-pro";
const now = () => ({ timestamp: new Date().toISOString() });
let count = 0;

function finish(fields, status) {
  const models =
    MODE === "no-model" || fields.status === "error" ? {} : { "gemini-2.5-flash-lite": counts(40, 2, 0), [served]: counts(300, 70, 100) };
  const sum = (name) => Object.values(models).reduce((total, each) => total + each[name], 0);
  const stats = {
    total_tokens: sum("total_tokens"),
    input_tokens: sum("input_tokens"),
    output_tokens: sum("output_tokens"),
    cached: sum("cached"),
    input: sum("input"),
    duration_ms: 10,
    tool_calls: count,
    models,
  };
  print({ type: "result", ...now(), ...fields, stats });
  process.exitCode = status;
}

/** Thoughts are in the total alone. */
function counts(prompt, candidates, cached) {
  return { total_tokens: prompt + candidates + 10, input_tokens: prompt, output_tokens: candidates, cached, input: prompt - cached };
}

await play(
  {
    door: settings.mcpServers?.okstra,
    takesSchema: false,
    begin() {
      print({ type: "init", ...now(), session_id: SESSION, model: given.model ?? "auto-gemini-2.5" });
      print({ type: "message", ...now(), role: "user", content: "…" });
    },
    say(words) {
      for (let at = 0; at < words.length; at += 40)
        print({ type: "message", ...now(), role: "assistant", content: words.slice(at, at + 40), delta: true });
    },
    use(name) {
      count += 1;
      const isDoor = name === "submit_result";
      if (isDoor && !allows(name, "okstra")) refuse("Tool execution denied by policy.", 54);
      print({
        type: "tool_use",
        ...now(),
        tool_name: isDoor ? "mcp_okstra_submit_result" : "read_file",
        tool_id: `t${count}`,
        parameters: { file_path: "src/sum.js" },
      });
      print({ type: "tool_result", ...now(), tool_id: `t${count}`, status: "success", output: "" });
    },
    done: () => finish({ status: "success" }, 0),
    quota: () =>
      finish(
        {
          status: "error",
          error: {
            type: "TerminalQuotaError",
            message: "You have exhausted your capacity on this model. Your quota will reset after 1h30m0s.",
          },
        },
        1,
      ),
    transient: () =>
      finish(
        {
          status: "error",
          error: {
            type: "Error",
            message: '[API Error: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]',
          },
        },
        247,
      ),
    refuse(words) {
      print({ type: "error", ...now(), severity: "error", message: words });
      finish({ status: "error" }, 0);
    },
  },
  readInput(),
);

#!/usr/bin/env node
/** Codex 0.169 as far as `codex exec --json` and `codex exec resume` go. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parse } from "smol-toml";
import { MODE, noteStart, play, print, readInput, refuse, RESETS_AT } from "./fake-agent.mjs";

const SESSION = "01a206ff-a325-74e2-bc7c-cacc9f7bcde9";
const [program, ...rest] = process.argv.slice(2);
if (program === "--version") {
  process.stdout.write("codex-cli 0.169.0\n");
  process.exit(0);
}
if (program !== "exec") refuse(`error: unrecognized subcommand '${program}'`, 2);
const isResumed = rest[0] === "resume";
const text = { type: "string" };
const options = {
  json: { type: "boolean" },
  "skip-git-repo-check": { type: "boolean" },
  config: { ...text, short: "c", multiple: true },
  model: { ...text, short: "m" },
  "output-schema": text,
  // `resume` has neither.
  ...(isResumed ? {} : { cd: { ...text, short: "C" }, sandbox: { ...text, short: "s" } }),
};
let given;
let positionals;
try {
  ({ values: given, positionals } = parseArgs({ args: isResumed ? rest.slice(1) : rest, options, strict: true, allowPositionals: true }));
} catch (error) {
  refuse(`error: ${error.message}`, 2);
}
if (!given.json) refuse("error: this one only streams", 2);
if (positionals.at(-1) !== "-") refuse("error: no prompt", 2);
if (isResumed && positionals[0] !== SESSION) refuse(`Error: no rollout found for thread id ${positionals[0]}`, 1);
const settings = {};
for (const line of given.config ?? []) merge(settings, parse(line));
const sandbox = given.sandbox ?? settings.sandbox_mode;
if (!["read-only", "workspace-write", "danger-full-access"].includes(sandbox))
  refuse(`error: invalid value '${sandbox}' for '--sandbox'`, 2);
const schema = given["output-schema"] === undefined ? undefined : JSON.parse(readFileSync(given["output-schema"], "utf8"));
if (schema !== undefined) checkStrict(schema, "schema");
const okstra = settings.mcp_servers?.okstra;
noteStart({ resumed: isResumed ? positionals[0] : null, mode: sandbox, approval: settings.approval_policy, model: given.model ?? null });

function merge(target, from) {
  for (const [name, value] of Object.entries(from)) {
    if (typeof value === "object" && !Array.isArray(value)) merge((target[name] ??= {}), value);
    else target[name] = value;
  }
}

/** What the vendor's models say to a schema outside the strict subset. */
function checkStrict(given, at) {
  if (given.type === "object") {
    const names = Object.keys(given.properties ?? {});
    if (given.additionalProperties !== false) bad(at, "'additionalProperties' is required to be supplied and to be false");
    if (names.some((name) => !(given.required ?? []).includes(name))) bad(at, "'required' is required to include every key in properties");
    for (const name of names) checkStrict(given.properties[name], `${at}.${name}`);
  }
  if (given.type === "array") checkStrict(given.items, `${at}[]`);
  for (const each of given.anyOf ?? []) checkStrict(each, at);
  for (const [name, each] of Object.entries(given.$defs ?? {})) checkStrict(each, `$defs.${name}`);
  if (given.oneOf !== undefined || given.default !== undefined) bad(at, "a keyword is not permitted");
}

function bad(at, words) {
  fail(`Invalid schema for response_format 'codex_output_schema': In context=(${at}), ${words}.`);
  process.exit(1);
}

function fail(message) {
  print({ type: "error", message });
  print({ type: "turn.failed", error: { message } });
  process.exitCode = 1;
}

/** The nearest answer to the schema: what is optional is null. */
function fill(value, known) {
  if (known?.anyOf !== undefined) return value === undefined ? null : fill(value, known.anyOf[0]);
  if (Array.isArray(value)) return value.map((item) => fill(item, known.items));
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(known.properties).map((name) => [name, fill(value[name], known.properties[name])]));
}

/** In the machine's own time: `Nov 23rd, 2026 3:45 PM`. */
function tellTime(seconds) {
  const parts = new Intl.DateTimeFormat("en-US", {
    month: "short",
    day: "numeric",
    year: "numeric",
    hour: "numeric",
    minute: "2-digit",
  }).formatToParts(seconds * 1000);
  const of = (type) => parts.find((part) => part.type === type).value;
  const day = Number(of("day"));
  const suffix = day % 10 === 1 && day !== 11 ? "st" : day % 10 === 2 && day !== 12 ? "nd" : day % 10 === 3 && day !== 13 ? "rd" : "th";
  return `${of("month")} ${day}${suffix}, ${of("year")} ${of("hour")}:${of("minute")} ${of("dayPeriod")}`;
}

let count = 0;
const item = (type, fields) => ({ id: `item_${(count += 1)}`, type, ...fields });

await play(
  {
    door: okstra,
    takesSchema: schema !== undefined,
    schemaText: (result) => JSON.stringify(fill(result, schema)),
    begin() {
      print({ type: "thread.started", thread_id: SESSION });
      print({ type: "turn.started" });
      if (MODE === "other-model") print({ type: "item.completed", item: item("error", { message: "The model was rerouted." }) });
    },
    say: (words) => print({ type: "item.completed", item: item("agent_message", { text: words }) }),
    use(name) {
      const isDoor = name === "submit_result";
      const call = isDoor
        ? item("mcp_tool_call", { server: "okstra", tool: name, arguments: {} })
        : item("command_execution", { command: "/bin/bash -lc 'cat src/sum.js'", aggregated_output: "" });
      print({ type: "item.started", item: { ...call, status: "in_progress" } });
      if (isDoor && okstra?.default_tools_approval_mode !== "approve") {
        print({ type: "item.completed", item: { ...call, status: "failed", error: { message: "user cancelled MCP tool call" } } });
        process.exit(0);
      }
      print({ type: "item.completed", item: { ...call, status: "completed", exit_code: 0 } });
    },
    done: () =>
      print({
        type: "turn.completed",
        usage: { input_tokens: 300, cached_input_tokens: 120, output_tokens: 70, reasoning_output_tokens: 20 },
      }),
    quota: () =>
      fail(`You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), or try again at ${tellTime(RESETS_AT)}.`),
    transient() {
      print({ type: "error", message: "Reconnecting... 1/5" });
      fail("stream disconnected before completion: error sending request");
    },
    refuse: (words) => fail(words),
  },
  readInput(),
);

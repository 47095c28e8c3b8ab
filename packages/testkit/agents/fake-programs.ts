import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a fake program was given when it was started to work (not for `--version`). */
export interface SeenStart {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A directory for PATH with the few programs that are needed and fake ones beside. */
export interface FakePrograms {
  readonly directory: string;
  /** Installs programs that speak like the vendors' and ask the model server that their environment names. */
  install(...names: ("claude" | "codex" | "gemini" | "opencode")[]): void;
  /** Installs a program: the text of a script for node, with `seen` (writes what it was given) and `ask` at hand. */
  write(name: string, body: string): void;
  seen(name: string): SeenStart;
}

const NEEDED = ["sh", "env", "git", "cat", "sleep"];

/** @param directory an empty one of the test's own */
export function createFakePrograms(directory: string): FakePrograms {
  const records = join(directory, "seen");
  mkdirSync(records, { recursive: true });
  symlinkSync(process.execPath, join(directory, "node"));
  for (const name of NEEDED) {
    const found = ["/usr/bin", "/bin", "/usr/local/bin"].map((place) => join(place, name)).find((path) => isThere(path));
    if (found !== undefined) symlinkSync(found, join(directory, name));
  }
  const write = (name: string, body: string): void => {
    writeFileSync(join(directory, name), `#!${process.execPath}\n${PRELUDE(name, records)}${body}\n`);
    chmodSync(join(directory, name), 0o755);
  };
  return {
    directory,
    write,
    install: (...names) => names.forEach((name) => write(name, BODIES[name])),
    seen: (name) => JSON.parse(readFileSync(join(records, `${name}.json`), "utf8")) as SeenStart,
  };
}

function isThere(path: string): boolean {
  try {
    readFileSync(path, { flag: "r" });
    return true;
  } catch {
    return false;
  }
}

const PRELUDE = (name: string, records: string): string => `
const { readFileSync, writeFileSync } = require("node:fs");
if (process.argv.includes("--version")) {
  console.log("${name} 1.2.3 (fake)");
  process.exit(0);
}
writeFileSync(${JSON.stringify(join(records, `${name}.json`))}, JSON.stringify({ args: process.argv.slice(2), env: process.env, cwd: process.cwd() }));
const print = (event) => process.stdout.write(JSON.stringify(event) + "\\n");
const ask = async (url, body) => (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).json();
const fail = (error) => { console.error(String(error)); process.exitCode = 1; };
const input = () => readFileSync(0, "utf8");
`;

const BODIES = {
  claude: `(async () => {
  const answer = await ask(process.env.ANTHROPIC_BASE_URL + "/v1/messages", { model: "claude-fake-1", messages: [{ role: "user", content: input() }] });
  print({ type: "system", subtype: "init", session_id: "s1", model: "claude-fake-1", claude_code_version: "1.2.3" });
  print({ type: "assistant", session_id: "s1", parent_tool_use_id: null, message: { ...answer, usage: answer.usage } });
  print({ type: "result", subtype: "success", is_error: false, session_id: "s1", result: answer.content[0].text, usage: answer.usage, total_cost_usd: 0 });
})().catch(fail);`,
  codex: `(async () => {
  const base = /base_url = "([^"]+)"/.exec(readFileSync(process.env.CODEX_HOME + "/config.toml", "utf8"))[1];
  const answer = await ask(base + "/responses", { model: "gpt-fake-1", input: input() });
  print({ type: "thread.started", thread_id: "t1" });
  print({ type: "item.completed", item: { id: "i1", type: "agent_message", text: answer.output[0].content[0].text } });
  print({ type: "turn.completed", usage: answer.usage });
})().catch(fail);`,
  gemini: `(async () => {
  const answer = await ask(process.env.GOOGLE_GEMINI_BASE_URL + "/v1beta/models/gemini-fake-1:generateContent", { contents: [{ parts: [{ text: input() }] }] });
  print({ type: "init", session_id: "g1", model: "gemini-fake-1" });
  print({ type: "message", role: "assistant", content: answer.candidates[0].content.parts[0].text, delta: true });
  print({ type: "result", status: "success", stats: { total_tokens: 15, models: { "gemini-fake-1": { input_tokens: 10, output_tokens: 5, total_tokens: 15 } } } });
})().catch(fail);`,
  opencode: `require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method } = JSON.parse(line);
  if (method === "initialize") print({ jsonrpc: "2.0", id, result: { protocolVersion: 1, agentInfo: { name: "opencode", version: "1.2.3" } } });
});`,
} as const;

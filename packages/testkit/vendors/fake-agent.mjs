/**
 * What the three fake programs share: they do what FAKE_MODE says, in their vendor's own stream. FAKE_STATE names a file
 * that a mode keeps between two starts.
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export const MODE = process.env.FAKE_MODE ?? "schema";

export const FINDING = {
  claim: "The sum is wrong for two numbers",
  category: "correctness",
  severity: "P2",
  file: "src/sum.js",
  startLine: 2,
  endLine: 2,
  quote: "return a + b;",
};

/** Seconds since 1970 of the time at which a used up quota of these programs is filled again. */
export const RESETS_AT = Math.floor(Date.now() / 1000) + 5 * 3600;

export function print(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** Ends at once as a program does that was given what it does not know. */
export function refuse(message, status) {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}

export function readInput() {
  return readFileSync(0, "utf8");
}

/** Writes down how it was started, for a test that asks. */
export function noteStart(what) {
  if (process.env.FAKE_STATE !== undefined) appendFileSync(process.env.FAKE_STATE, `${JSON.stringify(what)}\n`);
}

/** How often it was started with this state before. */
export function earlierStarts() {
  const path = process.env.FAKE_STATE;
  return path !== undefined && existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
}

/** Calls a tool of an MCP server over its standard streams. Answers its text; throws when the tool says that it failed. */
export async function callServer({ command, args, env }, tool, input) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
  });
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const ask = (id, method, params) =>
    new Promise((resolve) => {
      waiting.set(id, resolve);
      send({ id, method, params });
    });
  await ask(1, "initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "fake-agent", version: "1" } });
  send({ method: "notifications/initialized" });
  const { result, error } = await ask(2, "tools/call", { name: tool, arguments: input });
  child.stdin.end();
  await new Promise((resolve) => child.on("exit", resolve));
  if (error !== undefined || result.isError === true) throw new Error(JSON.stringify(error ?? result.content));
  return result.content.map(({ text }) => text).join("");
}

/**
 * Plays the mode.
 * @param agent how the vendor's stream has it: `begin`, `say` (a message), `use` (a tool), `done` (with what the schema
 *   option delivers, or undefined), `quota`, `transient`, `refuse` (an answer that is an error); `door` and `takesSchema`;
 *   `isResumed`
 */
export async function play(agent, input) {
  const nonce = /`nonce` is `([0-9a-f]{16,})`/.exec(input)?.[1] ?? process.env.FAKE_NONCE ?? "";
  const result = { nonce, findings: [FINDING] };
  const fenced = (value) => `Done.\n\n\`\`\`json\n${JSON.stringify(value)}\n\`\`\`\n`;
  const forever = () => new Promise(() => setInterval(() => {}, 1000));
  if (MODE === "bad-json") process.stdout.write("Warning: something is old\n{ not json\n[1]\n");
  if (MODE !== "crash-at-start") agent.begin();
  switch (MODE) {
    case "door":
      agent.use("submit_result");
      await callServer(agent.door, "submit_result", result);
      agent.say("Submitted.");
      return agent.done(undefined);
    case "message":
    case "no-model":
      agent.say("Let me look.");
      agent.use("read");
      agent.say(fenced(result));
      return agent.done(undefined);
    case "two-results":
      agent.say(`${fenced(result)}\n${fenced({ nonce, findings: [] })}`);
      return agent.done(undefined);
    case "nothing":
      agent.say("I looked.");
      return agent.done(undefined);
    case "quota":
      return agent.quota();
    case "transient":
      if (earlierStarts() > 1) break;
      agent.say("Let me look.");
      return agent.transient();
    case "always-transient":
      return agent.transient();
    case "is-error":
      return agent.refuse("the account may not use this model");
    case "crash":
      agent.use("read");
      process.stderr.write("fatal: out of luck\n");
      return process.exit(7);
    case "crash-at-start":
      return refuse("error: cannot read the settings", 1);
    case "cut":
      agent.say("Let me look.");
      return undefined;
    case "hang":
      agent.use("read");
      return forever();
    case "ignore-term":
      process.on("SIGTERM", () => {});
      agent.use("read");
      return forever();
    case "flood":
      for (;;) {
        agent.say("x".repeat(4096));
        if (process.stdout.writableNeedDrain) await new Promise((resolve) => process.stdout.once("drain", resolve));
      }
    case "endless-line":
      process.stdout.write('{"type":"');
      for (;;) {
        process.stdout.write("x".repeat(65_536));
        if (process.stdout.writableNeedDrain) await new Promise((resolve) => process.stdout.once("drain", resolve));
      }
    default:
      break;
  }
  // Good by the schema, where there is one: other-model, bad-json, schema, linger, and what went on after a failure.
  if (agent.takesSchema) {
    agent.say(agent.schemaText(result));
    agent.done(result);
  } else {
    agent.say(fenced(result));
    agent.done(undefined);
  }
  if (MODE === "linger") await forever();
}

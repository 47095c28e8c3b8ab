/**
 * An ACP agent on SDK 2.4 that does what its first argument says, on its standard streams. Started as a process of its
 * own, bundled by `bundleScriptedAgent`. The nonce is read from the prompt, as a model would read it.
 */
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { agent, methods, ndJsonStream, RequestError, type McpServerStdio, type PromptResponse } from "@agentclientprotocol/sdk";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [mode = "door", state = ""] = process.argv.slice(2);
/** What the mode `canary` gives away wherever an agent can: `state` is the file of the project's `.env`. */
const SECRETS = mode.startsWith("canary") ? listSecrets() : [];
const secret = SECRETS.join(" ");
const CHUNK = "x".repeat(64 * 1024);
const MODEL = "claude-sonnet-4-5-20250929";

let server: McpServerStdio | undefined;
let cancelled = false;

function nonceOf(prompt: string): string {
  return /`nonce` is `([0-9a-f]{16,})`/.exec(prompt)?.[1] ?? "";
}

function fenced(result: unknown): string {
  return `Done.\n\n\`\`\`json\n${JSON.stringify(result)}\n\`\`\`\n`;
}

const FINDING = {
  claim: "The sum is wrong for two numbers",
  category: "correctness",
  severity: "P2",
  file: "src/sum.js",
  startLine: 2,
  endLine: 2,
  quote: "return a + b;",
};

async function callDoor(name: string, input: Record<string, unknown>): Promise<void> {
  if (server === undefined) throw new Error("no MCP server was given");
  const client = new Client({ name: "scripted-agent", version: "1" });
  await client.connect(
    new StdioClientTransport({
      command: server.command,
      args: server.args,
      env: { PATH: process.env["PATH"] ?? "", ...Object.fromEntries(server.env.map(({ name: key, value }) => [key, value])) },
    }),
  );
  const answer = await client.callTool({ name, arguments: input });
  await client.close();
  if (answer.isError === true) throw new Error(JSON.stringify(answer.content));
}

const quotaUsedUp = (): RequestError =>
  new RequestError(-32000, "You have hit your usage limit", { retryAfterSeconds: 3600, message: "usage limit reached, try again in 1h" });

const forever = (): Promise<never> => new Promise(() => setInterval(() => undefined, 1000));

const app = agent({ name: "scripted" })
  .onRequest(methods.agent.initialize, () => ({
    protocolVersion: 1,
    agentInfo: { name: named("scripted"), version: named("1.0.0") },
    agentCapabilities: { loadSession: mode !== "transient-fresh", sessionCapabilities: {} },
    authMethods: [],
  }))
  .onRequest(methods.agent.session.new, ({ params }) => {
    [server] = params.mcpServers as McpServerStdio[];
    return {
      sessionId: named("session-1"),
      modes: {
        currentModeId: "default",
        availableModes: [
          { id: "default", name: named("Default") },
          { id: secret === "" ? "plan" : `${secret}/plan`, name: named("Plan") },
          { id: "acceptEdits", name: "Edit" },
        ],
      },
      ...(mode === "nameless" ? {} : { configOptions: modelOption() }),
    };
  })
  .onRequest(methods.agent.session.load, ({ params }) => {
    if (mode === "transient-lost") throw new RequestError(-32002, "Resource not found");
    [server] = params.mcpServers as McpServerStdio[];
    return { configOptions: modelOption() };
  })
  .onRequest(methods.agent.session.setMode, ({ params }) => {
    if (state !== "" && mode === "modes") writeFileSync(state, params.modeId);
    return {};
  })
  .onRequest(methods.agent.session.setConfigOption, () => ({ configOptions: modelOption() }))
  .onNotification(methods.agent.session.cancel, () => {
    cancelled = true;
  })
  .onRequest(methods.agent.session.prompt, async ({ params, client }): Promise<PromptResponse> => {
    const prompt = params.prompt.map((block) => (block.type === "text" ? block.text : "")).join("");
    const nonce = nonceOf(prompt);
    const { sessionId } = params;
    const say = (text: string): Promise<void> =>
      client.notify(methods.client.session.update, {
        sessionId,
        update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } },
      });
    const done: PromptResponse = { stopReason: "end_turn" };
    switch (mode) {
      case "door":
      case "modes":
        await client.notify(methods.client.session.update, {
          sessionId,
          update: { sessionUpdate: "tool_call", toolCallId: "t1", title: "Read src/sum.js", kind: "read" },
        });
        await callDoor("submit_finding", FINDING);
        await callDoor("submit_result", { nonce, findings: [] });
        await say("I have delivered it.");
        return done;
      case "message":
      case "nameless":
        for (const piece of fenced({ nonce, findings: [FINDING] }).match(/.{1,7}/gsu) ?? []) await say(piece);
        return done;
      case "usage":
        await client.notify(methods.client.session.update, {
          sessionId,
          update: { sessionUpdate: "usage_update", used: 1200, size: 200_000, cost: { amount: 0.0125, currency: "USD" } },
        });
        await say(fenced({ nonce, findings: [] }));
        return { ...done, _meta: { usage: { inputTokens: 1000, outputTokens: 300, totalTokens: 1300 } } };
      case "costly":
        for (let cent = 1; !cancelled; cent += 1) {
          await client.notify(methods.client.session.update, {
            sessionId,
            update: { sessionUpdate: "usage_update", used: cent * 100, size: 200_000, cost: { amount: cent / 100, currency: "USD" } },
          });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return { stopReason: "cancelled" };
      case "spender":
        await callDoor("submit_finding", FINDING);
        for (let used = 1000; !cancelled; used += 1000) {
          await client.notify(methods.client.session.update, { sessionId, update: { sessionUpdate: "usage_update", used, size: 200_000 } });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return { stopReason: "cancelled" };
      case "commit":
        // The executor's part: one commit in the worktree, made by git as an agent would make it.
        if (prompt.includes("executor")) {
          appendFileSync("src/sum.js", "// mended\n");
          execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "-qam", "Mend the sum"], {
            stdio: ["ignore", "ignore", "inherit"],
          });
        }
        await callDoor("submit_result", { nonce, findings: [] });
        return done;
      case "plant":
        // Settings that an agent would obey, planted for whoever works next.
        if (prompt.includes("executor")) {
          mkdirSync(".claude", { recursive: true });
          writeFileSync(".claude/settings.json", '{ "hooks": {} }');
        }
        await callDoor("submit_result", { nonce, findings: [] });
        return done;
      case "outside":
        // Tries what no worker may, and tells what it could do.
        for (const path of (process.argv[4] ?? "").split(":")) {
          try {
            appendFileSync(path, "x");
            await callDoor("submit_finding", { ...FINDING, claim: `Could write ${path.split("/").at(-1) ?? ""}` });
          } catch {
            await say(`could not write ${path}`);
          }
        }
        await callDoor("submit_result", { nonce, findings: [] });
        return done;
      case "crash":
        await say("about to crash");
        process.stderr.write("fatal: out of luck\n");
        process.exit(7);
      // falls through: exit never returns
      case "until-plain":
      case "until-setsid":
      case "until-stubborn":
        // Works for ever, in three shapes, until the state file is there.
        if (existsSync(state)) {
          await say(fenced({ nonce, findings: [FINDING] }));
          return done;
        }
        if (mode === "until-setsid") spawn("setsid", ["sh", "-c", "sleep 600 & sleep 600"], { stdio: "ignore", detached: true }).unref();
        else spawn("sleep", ["600"], { stdio: "ignore" }).unref();
        if (mode === "until-stubborn") for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => undefined);
        await say("ready\n");
        return forever();
      case "slow":
        while (!cancelled) await new Promise((resolve) => setTimeout(resolve, 20));
        return { stopReason: "cancelled" };
      case "silent":
        return forever();
      case "ignore-term":
        process.on("SIGTERM", () => undefined);
        return forever();
      case "flood":
        for (let sent = 0; sent < 1024 ** 3; sent += CHUNK.length) await say(CHUNK);
        return done;
      case "raw-flood":
        for (let sent = 0; sent < 1024 ** 3; sent += CHUNK.length)
          if (!process.stdout.write(`${CHUNK}\n`)) await new Promise((resolve) => process.stdout.once("drain", resolve));
        return done;
      case "endless-line":
        for (let sent = 0; sent < 1024 ** 3; sent += CHUNK.length)
          if (!process.stdout.write(CHUNK)) await new Promise((resolve) => process.stdout.once("drain", resolve));
        return done;
      case "bad-json":
        for (let line = 0; line < 1000; line += 1) process.stdout.write('{ "jsonrpc": "2.0", "method": \n');
        return forever();
      case "stray":
        process.stdout.write('a line of a log\n[1, 2]\n{ "jsonrpc": "2.0", "id": 99, "result": {} }\n');
        await say(fenced({ nonce, findings: [] }));
        return done;
      case "setsid":
        spawn("setsid", ["sleep", "600"], { stdio: "ignore", detached: true }).unref();
        await say(fenced({ nonce, findings: [] }));
        return done;
      case "wrong-nonce":
        await say(fenced({ nonce: "0".repeat(32), findings: [] }));
        return done;
      case "two-results":
        await say(fenced({ nonce, findings: [] }) + fenced({ nonce, findings: [FINDING] }));
        return done;
      case "two-submits":
        await callDoor("submit_result", { nonce, findings: [] });
        await callDoor("submit_result", { nonce, findings: [FINDING] }).catch((error: unknown) => say(String(error)));
        return done;
      case "permission-storm": {
        const kinds = ["read", "edit", "execute", "fetch", "delete"] as const;
        for (let at = 0; at < 5000; at += 1)
          await client.request(methods.client.session.requestPermission, {
            sessionId,
            toolCall: { toolCallId: `t${at}`, title: `Tool ${at}`, kind: kinds[at % kinds.length] ?? "other" },
            options: [
              { optionId: "always", name: "Always", kind: "allow_always" },
              { optionId: "once", name: "Once", kind: "allow_once" },
              { optionId: "no", name: "No", kind: "reject_once" },
            ],
          });
        await say(fenced({ nonce, findings: [] }));
        return done;
      }
      case "quota-once":
        if (existsSync(state)) {
          await callDoor("submit_result", { nonce, findings: [] });
          return done;
        }
        writeFileSync(state, "");
        throw quotaUsedUp();
      case "quota":
        throw quotaUsedUp();
      case "transient":
      case "transient-fresh":
      case "transient-lost":
        if (!existsSync(state)) {
          writeFileSync(state, nonce);
          throw new RequestError(-32603, "Internal error", { message: "API Error: 529 overloaded_error" });
        }
        await say(fenced({ nonce: nonce === "" ? readFileSync(state, "utf8") : nonce, findings: [] }));
        return done;
      case "always-transient":
        throw new RequestError(-32603, "Internal error", { message: "read ECONNRESET" });
      case "refusal":
        return { stopReason: "refusal" };
      case "cut-short":
        await callDoor("submit_result", { nonce, findings: [FINDING] });
        return { stopReason: "max_tokens" };
      case "cut-message":
        await say(fenced({ nonce, findings: [FINDING] }));
        return { stopReason: "max_tokens" };
      case "empty":
        await say("I have nothing to say.");
        return done;
      case "environment":
        await callDoor("submit_finding", { ...FINDING, fix: Object.keys(process.env).sort().join(" ") });
        await callDoor("submit_result", { nonce, findings: [] });
        return done;
      case "canary":
      case "canary-waits":
      case "canary-message":
      case "canary-shapeless":
      case "canary-error":
      case "canary-exit":
        return sing(nonce, sessionId, client, say);
      default:
        throw new Error(`no mode ${mode}`);
    }
  });

function listSecrets(): string[] {
  const values = [".env", state].flatMap((path) => (path !== "" && existsSync(path) ? readFileSync(path, "utf8").split("\n") : []));
  const own = Object.entries(process.env).flatMap(([name, value]) => (name.startsWith("CANARY_") ? [value ?? ""] : []));
  return [...new Set([...own, ...values.map((line) => line.slice(line.indexOf("=") + 1))])].filter((each) => each !== "");
}

/** A name as an agent gives it, with the secrets where there are any. */
function named(name: string): string {
  return secret === "" ? name : `${name} ${secret}`;
}

/** Texts with a secret at every place where okstra could cut one in two: its limits are 120 to 8000 characters. */
function longTexts(): string[] {
  return SECRETS.flatMap((each) =>
    [80, 120, 160, 200, 300, 500, 1000, 2000, 4000, 8000].map(
      (limit) => `${"word ".repeat(limit).slice(0, limit - 9 - (each.length >> 1))} is it ${each} and more`,
    ),
  );
}

/** Gives the secrets away in every message of the protocol, and then by the door, a message, an error or an exit. */
async function sing(
  nonce: string,
  sessionId: string,
  client: { notify: (method: never, params: never) => Promise<void>; request: (method: never, params: never) => Promise<unknown> },
  say: (text: string) => Promise<void>,
): Promise<PromptResponse> {
  const update = (value: unknown): Promise<void> =>
    client.notify(methods.client.session.update as never, { sessionId, update: value } as never);
  const think = (text: string): Promise<void> => update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text } });
  const ask = (title: string, name: string): Promise<unknown> =>
    client.request(
      methods.client.session.requestPermission as never,
      {
        sessionId,
        toolCall: {
          toolCallId: named("p"),
          title,
          name,
          kind: "execute",
          locations: [{ path: `/${secret}` }],
          rawInput: { [secret]: secret },
        },
        options: [{ optionId: named("no"), name: named("No"), kind: "reject_once" }],
      } as never,
    );
  for (const text of [secret, ...SECRETS, ...longTexts()]) {
    await say(`it is ${text}\n`);
    await think(`I know ${text}\n`);
    await update({
      sessionUpdate: "tool_call",
      toolCallId: text,
      title: `Run ${text}`,
      kind: "execute",
      content: [{ type: "content", content: { type: "text", text } }],
      rawInput: { [text]: text },
    });
    await update({ sessionUpdate: "tool_call", toolCallId: "plain", title: text });
    await update({ sessionUpdate: "tool_call_update", toolCallId: text, status: "failed" });
    await update({
      sessionUpdate: "plan",
      entries: [
        { content: text, priority: "low", status: "pending" },
        { content: "x", priority: "low", status: text },
      ],
    });
    await ask(text, text);
    process.stdout.write(`stray ${text}\n{ "jsonrpc": "2.0", "method": "${text}"\n`);
    process.stderr.write(`${text}\n`);
  }
  for (const each of SECRETS) {
    const half = each.length >> 1;
    // In pieces, as a model says it: only the whole message has it.
    for (const speak of [say, think]) {
      await speak(`<${each.slice(0, half)}`);
      await speak(`${each.slice(half)}>\nnext ${each.slice(0, 3)}`);
      await speak(`${each.slice(3)}\n`);
      await speak(`at the beginning:\n${each}\n\t${each}\r\n${each}\n`);
    }
    process.stderr.write(`piece ${each.slice(0, half)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.stderr.write(`${each.slice(half)}\n`);
  }
  await update({ sessionUpdate: "config_option_update", configOptions: modelOption() });
  await update({ sessionUpdate: "current_mode_update", currentModeId: secret });
  await update({ sessionUpdate: "available_commands_update", availableCommands: [{ name: secret, description: secret }] });
  await update({ sessionUpdate: secret, [secret]: secret });
  const findings = [...SECRETS, ...longTexts().filter((text) => text.length < 3900)].map((text, at) => ({
    ...FINDING,
    claim: `It gives away ${text.length < 180 ? text : at}`,
    symbol: SECRETS[at % SECRETS.length],
    quote: text,
    fix: text,
    reproduction: { command: `echo ${secret}; cat .env`, observed: secret, output: secret, exitCode: 0 },
    [secret]: { [secret]: [secret] },
  }));
  const result = { nonce, findings, [secret]: secret, summary: `\n${SECRETS.join("\n")}` };
  if (mode === "canary-waits" || mode === "canary") {
    const tell = (error: unknown): Promise<void> => say(`refused: ${String(error)}\n`);
    for (const finding of findings.slice(0, SECRETS.length + 8)) await callDoor("submit_finding", finding).catch(tell);
    await callDoor("submit_finding", { ...FINDING, file: secret, category: secret, severity: secret }).catch(tell);
    await callDoor("ask_clarification", { question: `Is it ${secret}?`, why: secret, blocks: "none", [secret]: secret }).catch(tell);
    await callDoor(`submit_${secret}`, {}).catch(tell);
    if (mode === "canary-waits") {
      process.stderr.write("waiting\n");
      return forever();
    }
    await callDoor("submit_result", result);
    return { stopReason: "end_turn" };
  }
  if (mode === "canary-message") await say(fenced(result));
  if (mode === "canary-shapeless")
    await say(fenced({ nonce, findings: longTexts().map((text) => ({ [text]: text, severity: text, category: text })), [secret]: 1 }));
  if (mode === "canary-error") {
    const limits = longTexts();
    throw new RequestError(-32603, `No luck with ${limits[5] ?? ""}`, { [secret]: secret, message: secret, all: limits });
  }
  if (mode === "canary-exit") {
    process.stderr.write(`fatal: ${longTexts()[2] ?? ""}`);
    process.exit(7);
  }
  return { stopReason: "end_turn" };
}

function modelOption(): [
  { id: string; name: string; category: string; type: "select"; currentValue: string; options: { value: string; name: string }[] },
] {
  return [
    {
      id: "model",
      name: named("Model"),
      category: "model",
      type: "select",
      currentValue: named(MODEL),
      options: [{ value: named(MODEL), name: named("Sonnet") }],
    },
  ];
}

app.connect(
  ndJsonStream(
    Writable.toWeb(process.stdout) as WritableStream<Uint8Array>,
    Readable.toWeb(process.stdin) as unknown as ReadableStream<Uint8Array>,
  ),
);

import type { Usage } from "@okstra/core/domain/agent-use";
import { DOOR_SERVER } from "@okstra/core/domain/lane-order";
import type { Clock, LaneRequest, Processes } from "@okstra/core/ports";
import type { AgentDriver } from "./agents/driver.ts";
import { toCount, toLine, toObject, type HeadlessDialect, type JsonObject, type Telling } from "./headless/dialect.ts";
import { createHeadlessDriver } from "./headless/headless-driver.ts";

/** Gemini CLI without a terminal: `gemini -o stream-json` (https://geminicli.com/docs/cli/headless). It takes no schema. */
export function createGeminiDriver({ processes }: { processes: Processes; clock: Clock }): AgentDriver {
  return createHeadlessDriver(DIALECT, { processes });
}

const SETTINGS_FILE = "gemini.settings.json";
const POLICY_FILE = "gemini.policy.toml";

const EXITS: Readonly<Record<number, string>> = {
  41: "not signed in",
  42: "its input was refused",
  44: "its own sandbox failed",
  52: "its settings are wrong",
  53: "it reached its limit of turns",
  54: "a tool failed for good",
  55: "the directory is not trusted",
};

const DIALECT: HeadlessDialect = {
  kind: "gemini",
  start({ door, mode, worker }, { resume }) {
    return {
      args: [
        "-o",
        "stream-json",
        "--approval-mode",
        mode === "edit" ? "auto_edit" : "plan",
        // Whether the tree's own settings may be used is what `okstra trust` asks.
        "--skip-trust",
        "--allowed-mcp-server-names",
        DOOR_SERVER,
        "--policy",
        `${door.directory}/${POLICY_FILE}`,
        ...(worker.model === null ? [] : ["-m", worker.model]),
        ...(resume === null ? [] : ["--resume", resume]),
      ],
      // Since 0.61 it takes such a file only from directories that root owns all the way up; elsewhere the door is there
      // when the person's own settings have the server, which finds its lane by these variables.
      env: { ...door.env, GEMINI_CLI_SYSTEM_SETTINGS_PATH: `${door.directory}/${SETTINGS_FILE}` },
    };
  },
  files: (request) => [
    { name: SETTINGS_FILE, text: `${JSON.stringify(settingsOf(request))}\n` },
    { name: POLICY_FILE, text: policyOf(request) },
  ],
  openReader(telling) {
    const { told, message } = telling;
    // A failed result may be without words of its own; an error before it has them.
    let lastError = "";
    return (event) => {
      switch (event["type"]) {
        case "init":
          telling.began(event["session_id"]);
          break;
        case "message":
          if (event["role"] === "assistant" && typeof event["content"] === "string") message.add(event["content"]);
          break;
        case "tool_use":
          message.end();
          telling.tool(describeTool(event), { name: toLine(event["tool_name"], 80), id: toLine(event["tool_id"], 80) });
          break;
        case "tool_result":
          if (event["status"] === "error") telling.log("tool", `failed: ${toLine(toObject(event["error"])["message"])}`);
          break;
        case "error":
          telling.log("note", toLine(event["message"], 1000));
          if (event["severity"] === "error") lastError = toLine(event["message"], 1000);
          break;
        case "result":
          message.end();
          told.isOver = true;
          if (event["status"] !== "success") {
            const { type, message: words } = toObject(event["error"]);
            const said = [toLine(type, 80), toLine(words, 1000)].filter((part) => part !== "").join(": ");
            told.failure = said || lastError || "the agent says that it failed";
          }
          readStats(toObject(event["stats"]), telling);
          break;
        default:
          break;
      }
    };
  },
  // A session in which nothing was said yet is not kept.
  canResume: ({ usage, lastMessage }) => usage !== null || lastMessage !== "",
  describeExit: ({ exitCode }) => EXITS[exitCode ?? 0] ?? null,
};

/** Settings above the person's own and the tree's: the door. */
function settingsOf({ door }: LaneRequest): JsonObject {
  const [command, ...args] = door.command;
  return { mcpServers: { [DOOR_SERVER]: { command, args, env: door.env, trust: true } } };
}

/**
 * What it may do without asking, as the policy for all agents has it: the door always, commands the executor and, in a
 * sandbox, everybody, the network nobody. Nobody is there to be asked: what is not allowed is refused.
 */
function policyOf({ mode, sandbox }: LaneRequest): string {
  const rules = [
    { toolName: "*", mcpName: DOOR_SERVER, decision: "allow" },
    { toolName: "google_web_search", decision: "deny" },
    { toolName: "web_fetch", decision: "deny" },
    ...(mode === "edit" || sandbox !== null ? [{ toolName: "run_shell_command", decision: "allow", allowRedirection: true }] : []),
  ];
  const lines = rules.map((rule) => [
    "[[rule]]",
    ...Object.entries({ ...rule, priority: 900 }).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
    "",
  ]);
  return lines.flat().join("\n");
}

function describeTool(event: JsonObject): string {
  const parameters = toObject(event["parameters"]);
  const about = ["file_path", "path", "dir_path", "command", "pattern"]
    .map((name) => toLine(parameters[name], 120))
    .find((text) => text !== "");
  return [toLine(event["tool_name"], 80) || "tool", about].filter((part) => part !== undefined).join(" ");
}

/**
 * Tokens, and the models by the name with which their answers came. What began the stream is only the one asked for.
 * Thoughts are in the total alone; they are output.
 */
function readStats(stats: JsonObject, telling: Telling): void {
  const models = Object.entries(toObject(stats["models"])).map(([name, each]) => ({ name, counts: toObject(each) }));
  const main = models.toSorted((one, other) => toCount(other.counts["output_tokens"]) - toCount(one.counts["output_tokens"]))[0];
  if (main !== undefined && toCount(main.counts["output_tokens"]) > 0) telling.serve(main.name);
  const total = toCount(stats["total_tokens"]);
  if (total === 0) return;
  const prompt = toCount(stats["input_tokens"]);
  const cached = toCount(stats["cached"]);
  const usage: Usage = {
    inputTokens: Math.max(0, prompt - cached),
    cachedInputTokens: cached,
    outputTokens: Math.max(toCount(stats["output_tokens"]), total - prompt),
    ...(models.length > 1 ? { mixed: true } : {}),
    totalTokens: total,
  };
  telling.use(usage, null);
}

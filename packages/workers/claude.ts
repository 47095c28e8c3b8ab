import type { Cost, Usage } from "@okstra/core/domain/agent-use";
import { DOOR_SERVER } from "@okstra/core/domain/lane-order";
import type { Clock, LaneRequest, Processes } from "@okstra/core/ports";
import type { AgentDriver } from "./agents/driver.ts";
import { toCount, toLine, toList, toObject, toTime, type HeadlessDialect, type JsonObject, type Telling } from "./headless/dialect.ts";
import { createHeadlessDriver } from "./headless/headless-driver.ts";

/** Claude Code without a terminal: `claude -p --output-format stream-json` (https://code.claude.com/docs/en/headless). */
export function createClaudeDriver({ processes, clock }: { processes: Processes; clock: Clock }): AgentDriver {
  return createHeadlessDriver(createDialect(clock), { processes });
}

const NETWORK_TOOLS = ["WebFetch", "WebSearch"];
/** What it puts in the place of a model for words of its own. */
const NO_MODEL = "<synthetic>";

function createDialect(clock: Clock): HeadlessDialect {
  return {
    kind: "claude",
    start(request, { resume }) {
      const { door, worker, mode, sandbox } = request;
      const [command, ...args] = door.command;
      const server = { type: "stdio", command, args, env: door.env };
      return {
        args: [
          "-p",
          "--output-format",
          "stream-json",
          "--verbose",
          "--permission-mode",
          mode === "edit" ? "acceptEdits" : "plan",
          // As the policy for all agents has it: commands for the executor and, in a sandbox, for everybody.
          `--allowedTools=${[`mcp__${DOOR_SERVER}`, ...(mode === "edit" || sandbox !== null ? ["Bash"] : [])].join(",")}`,
          `--disallowedTools=${NETWORK_TOOLS.join(",")}`,
          `--mcp-config=${JSON.stringify({ mcpServers: { [DOOR_SERVER]: server } })}`,
          "--strict-mcp-config",
          "--json-schema",
          JSON.stringify(bareSchema(request)),
          ...(worker.model === null ? [] : ["--model", worker.model]),
          ...(resume === null ? [] : ["--resume", resume]),
        ],
      };
    },
    openReader: (telling) => openReader(telling, clock),
  };
}

/** Without `$schema`: its checker knows no draft by the name that is in there. */
function bareSchema({ resultJsonSchema }: LaneRequest): JsonObject {
  const { $schema: _, ...schema } = resultJsonSchema;
  return schema;
}

function openReader(telling: Telling, clock: Clock): (event: JsonObject) => void {
  const tokens = createTokenCount();
  return (event) => {
    telling.began(event["session_id"]);
    switch (event["type"]) {
      case "system":
        readSystem(event, telling);
        break;
      case "assistant":
        readAnswer(event, telling, tokens);
        break;
      case "user":
        readToolResults(event, telling);
        break;
      case "rate_limit_event": {
        const info = toObject(event["rate_limit_info"]);
        if (info["status"] !== "rejected" || info["isUsingOverage"] === true) break;
        telling.told.quotaResetsAt = toTime(info["resetsAt"]) ?? toTime(info["overageResetsAt"]);
        telling.log("note", `rate limit reached${telling.told.quotaResetsAt === null ? "" : ` until ${telling.told.quotaResetsAt}`}`);
        break;
      }
      case "result":
        readResult(event, telling, clock);
        break;
      default:
        break;
    }
  };
}

interface TokenCount {
  /** The total with this answer of the model, of whose tokens it is told once for every block that it has. */
  add(id: string, usage: Usage): Usage;
}

function createTokenCount(): TokenCount {
  let before = sumUsage([]);
  let [current, id] = [before, ""];
  return {
    add(nextId, usage) {
      if (nextId !== id) before = sumUsage([before, current]);
      [current, id] = [usage, nextId];
      return sumUsage([before, current]);
    },
  };
}

function readSystem(event: JsonObject, { told, log, request }: Telling): void {
  if (event["subtype"] === "init") {
    const version = toLine(event["claude_code_version"], 80);
    if (version !== "") told.agentVersion = `claude ${version}`;
    const door = toList(event["mcp_servers"])
      .map(toObject)
      .find(({ name }) => name === DOOR_SERVER);
    log("note", `the door is ${toLine(door?.["status"]) || "not there"}; permission mode ${toLine(event["permissionMode"])}`);
  }
  if (event["subtype"] === "api_retry") {
    const status = typeof event["error_status"] === "number" ? ` ${event["error_status"]}` : "";
    const text = `asks the model again (${toCount(event["attempt"])} of ${toCount(event["max_retries"])})${status} ${toLine(event["error"])}`;
    log("note", text);
    request.onActivity(text);
  }
}

function readAnswer(event: JsonObject, telling: Telling, tokens: TokenCount): void {
  const message = toObject(event["message"]);
  // A helper that it started has a model of its own.
  const isMain = event["parent_tool_use_id"] === null || event["parent_tool_use_id"] === undefined;
  if (isMain && message["model"] !== NO_MODEL) telling.serve(message["model"]);
  for (const part of toList(message["content"]).map(toObject)) {
    if (part["type"] === "text" && typeof part["text"] === "string" && isMain) {
      telling.message.add(part["text"]);
      telling.message.end();
    } else if (part["type"] === "thinking" && typeof part["thinking"] === "string") {
      telling.thought.add(part["thinking"]);
      telling.thought.end();
    } else if (part["type"] === "tool_use") {
      const name = toLine(part["name"], 80) || "tool";
      telling.tool(`${name}${describeInput(toObject(part["input"]))}`, { name, id: toLine(part["id"], 80) });
    }
  }
  const usage = toObject(message["usage"]);
  if (typeof message["id"] !== "string" || message["model"] === NO_MODEL) return;
  telling.use(tokens.add(message["id"], readUsage(usage)), null);
}

function readToolResults(event: JsonObject, { log }: Telling): void {
  for (const part of toList(toObject(event["message"])["content"]).map(toObject)) {
    if (part["type"] !== "tool_result" || part["is_error"] !== true) continue;
    log("tool", `failed: ${toLine(typeof part["content"] === "string" ? part["content"] : JSON.stringify(part["content"]))}`);
  }
}

function readResult(event: JsonObject, telling: Telling, clock: Clock): void {
  const { told } = telling;
  told.isOver = true;
  const structured = event["structured_output"];
  if (structured !== undefined && structured !== null) told.structured = structured;
  const text = typeof event["result"] === "string" ? event["result"] : "";
  if (event["is_error"] !== true && event["subtype"] === "success") {
    if (text.trim() !== "" && text !== telling.message.last()) {
      telling.message.add(text);
      telling.message.end();
    }
    // A limit that was met and waited for is none that ended the lane.
    told.quotaResetsAt = null;
  } else {
    const errors = toList(event["errors"])
      .map((error) => toLine(error))
      .filter((error) => error !== "");
    const words = [toLine(text), ...errors].filter((part) => part !== "").join("; ");
    const subtype = toLine(event["subtype"], 80);
    const status = typeof event["api_error_status"] === "number" ? ` ${event["api_error_status"]}` : "";
    told.failure = `${subtype === "success" || subtype === "" ? "error" : subtype}${status}: ${words || "no reason given"}`;
    told.quotaResetsAt ??= readLimitStamp(text);
  }
  for (const denial of toList(event["permission_denials"]).map(toObject)) {
    const tool = toLine(denial["tool_name"], 80) || "tool";
    telling.refused({
      at: clock.now(),
      tool,
      title: `${tool}${describeInput(toObject(denial["tool_input"]))}`,
      answer: "refused",
      rule: "agent",
    });
  }
  const models = Object.values(toObject(event["modelUsage"])).map(toObject);
  const usage = models.length > 0 ? sumUsage(models.map(readModelUsage)) : readUsage(toObject(event["usage"]));
  // Some endings come without totals; what was counted on the way stands then.
  const isMore = told.usage === null || usage.totalTokens >= told.usage.totalTokens;
  telling.use(isMore ? usage : (told.usage ?? usage), readCost(event["total_cost_usd"]));
}

/** `Claude AI usage limit reached|1760000000`, as older versions say when a limit is filled again. */
function readLimitStamp(text: string): string | null {
  const seconds = /limit reached\|(\d{9,11})\b/iu.exec(text)?.[1];
  return seconds === undefined ? null : toTime(Number(seconds));
}

/** The first short string of a tool's input: a path, a command, a pattern. */
function describeInput(input: JsonObject): string {
  for (const name of ["file_path", "path", "command", "pattern", "url", "description"]) {
    const text = toLine(input[name], 120);
    if (text !== "") return ` ${text}`;
  }
  return "";
}

function readUsage(usage: JsonObject): Usage {
  return countUsage(usage["input_tokens"], usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"], usage["output_tokens"]);
}

function readModelUsage(usage: JsonObject): Usage {
  return countUsage(usage["inputTokens"], usage["cacheReadInputTokens"], usage["cacheCreationInputTokens"], usage["outputTokens"]);
}

function countUsage(...counts: readonly [unknown, unknown, unknown, unknown]): Usage {
  const [inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens] = counts.map(toCount) as [number, number, number, number];
  return {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens,
    totalTokens: inputTokens + cachedInputTokens + cacheWriteTokens + outputTokens,
  };
}

function sumUsage(parts: readonly Usage[]): Usage {
  const sum = (name: "inputTokens" | "cachedInputTokens" | "cacheWriteTokens" | "outputTokens"): number =>
    parts.reduce((total, part) => total + (part[name] ?? 0), 0);
  return countUsage(sum("inputTokens"), sum("cachedInputTokens"), sum("cacheWriteTokens"), sum("outputTokens"));
}

/** Its own figure in US dollars, a binary fraction on the wire, to a billionth: a token of a cheap model costs so little. */
function readCost(amount: unknown): Cost | null {
  if (typeof amount !== "number" || !(amount >= 0) || amount > 1e6) return null;
  return { amount: amount.toFixed(9).replace(/\.?0+$/u, ""), currency: "USD", source: "agent" };
}

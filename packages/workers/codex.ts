import { DOOR_SERVER } from "@okstra/core/domain/lane-order";
import type { Clock, LaneRequest, Processes } from "@okstra/core/ports";
import type { AgentDriver } from "./agents/driver.ts";
import { toCount, toLine, toList, toObject, type HeadlessDialect, type JsonObject, type Telling } from "./headless/dialect.ts";
import { createHeadlessDriver } from "./headless/headless-driver.ts";
import { deriveStrictSchema, dropNulls } from "./headless/strict-schema.ts";

/** Codex without a terminal: `codex exec --json` (https://developers.openai.com/codex/noninteractive). */
export function createCodexDriver({ processes }: { processes: Processes; clock: Clock }): AgentDriver {
  return createHeadlessDriver(DIALECT, { processes });
}

const SCHEMA_FILE = "codex.schema.json";

const DIALECT: HeadlessDialect = {
  kind: "codex",
  start(request, { resume }) {
    const { door, worker, worktree } = request;
    const sandbox = ownSandbox(request);
    const [command, ...args] = door.command;
    const server = `mcp_servers.${DOOR_SERVER}`;
    const settings = [
      `approval_policy=${toToml("never")}`,
      `sandbox_mode=${toToml(sandbox)}`,
      `web_search=${toToml("disabled")}`,
      `${server}.command=${toToml(command)}`,
      `${server}.args=${toToml(args)}`,
      `${server}.env={${Object.entries(door.env)
        .map(([name, value]) => `${toToml(name)}=${toToml(value)}`)
        .join(",")}}`,
      // Nobody is there to be asked; without it every call of a tool that writes is cancelled.
      `${server}.default_tools_approval_mode=${toToml("approve")}`,
    ];
    const common = [
      "--json",
      "--skip-git-repo-check",
      ...settings.flatMap((setting) => ["-c", setting]),
      ...(worker.model === null ? [] : ["-m", worker.model]),
      ...(strictSchemaOf(request) === null ? [] : ["--output-schema", `${door.directory}/${SCHEMA_FILE}`]),
    ];
    // `resume` has neither -C nor -s: the session has its directory, and the sandbox is a setting.
    return { args: resume === null ? ["exec", "-C", worktree, "-s", sandbox, ...common, "-"] : ["exec", "resume", ...common, resume, "-"] };
  },
  files(request) {
    const schema = strictSchemaOf(request);
    return schema === null ? [] : [{ name: SCHEMA_FILE, text: `${JSON.stringify(schema)}\n` }];
  },
  openReader: (telling) => (event) => {
    const { told } = telling;
    switch (event["type"]) {
      case "thread.started":
        telling.began(event["thread_id"]);
        break;
      case "item.started":
        readBegin(toObject(event["item"]), telling);
        break;
      case "item.completed":
        readItem(toObject(event["item"]), telling);
        break;
      case "turn.completed":
        told.isOver = true;
        told.failure = null;
        readUsage(toObject(event["usage"]), telling);
        readStructured(telling);
        break;
      case "turn.failed":
        told.isOver = true;
        told.failure = toLine(toObject(event["error"])["message"], 1000) || toLine(event["error"], 1000) || "the turn failed";
        break;
      case "error":
        // Also told of a connection that is tried again; what ends the turn comes as turn.failed or as the exit status.
        told.failure = toLine(event["message"], 1000) || "error";
        telling.log("note", told.failure);
        break;
      default:
        break;
    }
  },
};

/** Its own sandbox for commands; inside okstra's, which holds all of it, it could not make one and no command would run. */
function ownSandbox({ mode, sandbox }: LaneRequest): string {
  if (sandbox !== null) return "danger-full-access";
  return mode === "edit" ? "workspace-write" : "read-only";
}

function strictSchemaOf({ resultJsonSchema }: LaneRequest): JsonObject | null {
  return deriveStrictSchema(resultJsonSchema);
}

function readBegin(item: JsonObject, telling: Telling): void {
  const title = describeItem(item);
  if (title !== null) telling.tool(title, { kind: toLine(item["type"], 80), id: toLine(item["id"], 80) });
}

function describeItem(item: JsonObject): string | null {
  switch (item["type"]) {
    case "command_execution":
      return toLine(item["command"]) || "command";
    case "mcp_tool_call":
      return `${toLine(item["server"], 80)}.${toLine(item["tool"], 80)}`;
    case "file_change":
      return `edits ${toList(item["changes"])
        .map((change) => toLine(toObject(change)["path"], 120))
        .join(", ")}`;
    case "web_search":
      return `searches ${toLine(item["query"])}`;
    default:
      return null;
  }
}

function readItem(item: JsonObject, telling: Telling): void {
  const { log, message, thought } = telling;
  const text = typeof item["text"] === "string" ? item["text"] : "";
  switch (item["type"]) {
    case "agent_message":
      message.add(text);
      message.end();
      break;
    case "reasoning":
      thought.add(text);
      thought.end();
      break;
    case "todo_list":
      log(
        "plan",
        toList(item["items"])
          .map(toObject)
          .map((each) => `${each["completed"] === true ? "done" : "open"}: ${toLine(each["text"])}`)
          .join("\n"),
      );
      break;
    case "error":
      log("note", toLine(item["message"], 1000));
      break;
    case "file_change":
      // It has no beginning in the stream of older versions.
      telling.tool(describeItem(item) ?? "edits", { kind: "file_change", status: toLine(item["status"], 80) });
      break;
    default:
      if (item["status"] === "failed")
        log("tool", `failed: ${describeItem(item) ?? "tool"}: ${toLine(toObject(item["error"])["message"])}`);
      break;
  }
}

/** Cached tokens are a part of the input's, reasoning one of the output's. It tells no cost, and no model that served. */
function readUsage(usage: JsonObject, telling: Telling): void {
  const [input, cached, cacheWrite, output] = ["input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens"].map(
    (name) => toCount(usage[name]),
  ) as [number, number, number, number];
  if (input + output === 0) return;
  telling.use(
    {
      inputTokens: Math.max(0, input - cached - cacheWrite),
      cachedInputTokens: cached,
      ...(cacheWrite === 0 ? {} : { cacheWriteTokens: cacheWrite }),
      outputTokens: output,
      totalTokens: input + output,
    },
    null,
  );
}

/** With a schema the last message is the result and nothing else. */
function readStructured({ told, message, request }: Telling): void {
  if (strictSchemaOf(request) === null) return;
  try {
    const value: unknown = JSON.parse(message.last());
    if (typeof value === "object" && value !== null && !Array.isArray(value)) told.structured = dropNulls(value, request.resultJsonSchema);
  } catch {
    // A message that is no JSON may still hold a fenced block.
  }
}

/** A basic string or an array of such, as TOML 1.0 has them; its escapes are those of JSON but for the slash and DEL. */
function toToml(value: string | readonly string[]): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

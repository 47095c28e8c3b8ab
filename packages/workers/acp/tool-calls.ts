import { isRecord, readText } from "./read-json.ts";

/** A tool call, as far as its agent has told. */
export interface ToolCall {
  /** ACP's kind of tool; `other` when none was said. */
  readonly kind: string;
  /** Redacted and short; null when none was said. */
  readonly title: string | null;
  /** Files that it names, in its places and in its differences. */
  readonly paths: readonly string[];
  /** Whether it is a tool of okstra's own server. */
  readonly isDoor: boolean;
}

export interface ToolCalls {
  /** Keeps what an update tells of a call, and answers all that is known of it. */
  take(update: unknown): ToolCall;
  /** What is known of the call that a request names, the request's own words included. */
  look(update: unknown): ToolCall;
}

interface Known extends Omit<ToolCall, "isDoor"> {
  readonly isNamedAsDoor: boolean;
  readonly isInputOfDoor: boolean;
}

const UNTOLD: Known = { kind: "other", title: null, paths: [], isNamedAsDoor: false, isInputOfDoor: false };
/** Calls that are remembered, the newest. */
const MOST_CALLS = 256;
const MAX_TITLE = 200;
const MAX_ID = 200;
/** More characters of paths than this are not remembered. */
const MAX_PATHS = 8192;
/** Stands for paths that are too many to be remembered: it is inside nothing. */
const OUTSIDE = "..";

/**
 * The tool calls of a session. A request for permission names a call and need not repeat what was told of it before:
 * codex-acp 2 gives the id and nothing else.
 */
export function createToolCalls(redact: (text: string) => string): ToolCalls {
  const calls = new Map<string, Known>();
  const read = (update: unknown): { id: string | null; call: Known } => {
    const given = isRecord(update) ? update : {};
    const id = readText(given["toolCallId"]);
    const key = id === null || id.length > MAX_ID ? null : id;
    const known = (key === null ? undefined : calls.get(key)) ?? UNTOLD;
    const [title, name, kind, input] = [readText(given["title"]), readText(given["name"]), readText(given["kind"]), given["rawInput"]];
    return {
      id: key,
      call: {
        kind: kind?.slice(0, MAX_TITLE) ?? known.kind,
        title: title === null && name === null ? known.title : redact(title ?? name ?? "").slice(0, MAX_TITLE),
        paths: joinPaths(known.paths, readPaths(given)),
        isNamedAsDoor: title === null && name === null ? known.isNamedAsDoor : isNameOfDoor(name) || isNameOfDoor(title),
        isInputOfDoor: input === undefined || input === null ? known.isInputOfDoor : isInputOfDoor(input),
      },
    };
  };
  return {
    take(update) {
      const { id, call } = read(update);
      if (id !== null) {
        calls.delete(id);
        calls.set(id, call);
        for (const oldest of calls.keys()) {
          if (calls.size <= MOST_CALLS) break;
          calls.delete(oldest);
        }
      }
      return describe(call);
    },
    look: (update) => describe(read(update).call),
  };
}

function describe({ isNamedAsDoor, isInputOfDoor, ...call }: Known): ToolCall {
  // The title of a command is its text, so there a name alone says nothing.
  return { ...call, isDoor: isNamedAsDoor && (call.kind !== "execute" || isInputOfDoor) };
}

function joinPaths(known: readonly string[], given: readonly string[]): readonly string[] {
  if (given.length === 0) return known;
  const paths = [...new Set([...known, ...given])];
  return paths.reduce((sum, path) => sum + path.length, 0) > MAX_PATHS ? [OUTSIDE] : paths;
}

/** Paths of `locations` and of the differences in `content`. */
function readPaths(given: Readonly<Record<string, unknown>>): string[] {
  const places = Array.isArray(given["locations"]) ? (given["locations"] as unknown[]) : [];
  const contents = Array.isArray(given["content"]) ? (given["content"] as unknown[]) : [];
  return [...places, ...contents.filter((each) => isRecord(each) && each["type"] === "diff")].flatMap((each) => {
    const path = isRecord(each) ? readText(each["path"]) : null;
    return path === null ? [] : [path];
  });
}

const TOOL = "(?:read_brief|submit_finding|submit_result|ask_clarification)";
/**
 * How agents name a tool of an MCP server, whole: claude-agent-acp, gemini's registry, codex-acp 2, codex-acp before,
 * opencode and its like, gemini's title. None of them is the path of a program.
 */
const NAME_OF_DOOR = new RegExp(
  [
    `^mcp__okstra__${TOOL}$`,
    `^mcp_okstra_${TOOL}$`,
    String.raw`^mcp\.okstra\.${TOOL}$`,
    `^Tool: okstra/${TOOL}$`,
    `^okstra(?:__|: |[._:-])${TOOL}$`,
    String.raw`^${TOOL} \(okstra MCP Server\)$`,
  ].join("|"),
  "i",
);
const TOOL_OF_DOOR = new RegExp(`^${TOOL}$`);

function isNameOfDoor(name: string | null): boolean {
  return name !== null && name.length <= MAX_TITLE && NAME_OF_DOOR.test(name);
}

/** codex-acp 2 says of a call of a server that it executes, and names server and tool in its input. */
function isInputOfDoor(input: unknown): boolean {
  return isRecord(input) && input["server"] === "okstra" && TOOL_OF_DOOR.test(readText(input["tool"]) ?? "");
}

import {
  methods,
  type InitializeResponse,
  type PromptResponse,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionConfigOption,
  type SessionModeState,
} from "@agentclientprotocol/sdk";
import type { Cost, PermissionRecord, TranscriptEntry, Usage } from "@okstra/core/domain/agent-use";
import { findAgent } from "@okstra/core/domain/agents";
import { decidePermission } from "@okstra/core/domain/permission-policy";
import type { LaneRequest } from "@okstra/core/ports";
import { createMessageText } from "../agents/message-text.ts";
import type { AgentTurn } from "../agents/driver.ts";
import { choicesOf, pickModes } from "./pick-modes.ts";
import { isRecord, readList, readText } from "./read-json.ts";
import { createToolCalls } from "./tool-calls.ts";

/** Permissions kept; the rest is counted. */
const MOST_PERMISSIONS = 200;
const MAX_TITLE = 200;

/** The part of the protocol's connection that a session calls. */
interface Caller {
  request(method: string, params: unknown): Promise<unknown>;
}

interface OpenedState {
  readonly modes?: SessionModeState | null;
  readonly configOptions?: readonly SessionConfigOption[] | null;
  /** Of versions before configuration options: what the agent offers and which one serves. */
  readonly models?: { readonly currentModelId?: string; readonly availableModels?: readonly { readonly modelId: string }[] } | null;
}

/** What okstra knows and does in one ACP session. */
export interface AcpSession {
  readonly id: string | null;
  readonly canResume: boolean;
  met(answer: InitializeResponse): void;
  /** Puts the session into the mode and onto the model that the lane wants, as far as the agent offers them. */
  settle(agent: Caller, sessionId: string, state: OpenedState): Promise<void>;
  began(sessionId: string): void;
  finished(response: PromptResponse): void;
  /** Reads the parameters of a `session/update`, of whatever shape. */
  take(params: unknown): void;
  answerPermission(question: RequestPermissionRequest): RequestPermissionResponse;
  facts(): Pick<
    AgentTurn,
    | "lastMessage"
    | "structured"
    | "sessionId"
    | "modelServed"
    | "usage"
    | "cost"
    | "quotaResetsAt"
    | "permissions"
    | "permissionCount"
    | "agentVersion"
  >;
}

export function createAcpSession(options: {
  request: LaneRequest;
  log: (kind: TranscriptEntry["kind"], text: string, data?: Readonly<Record<string, unknown>>) => void;
  now: () => string;
}): AcpSession {
  const { request, log, now } = options;
  const preset = findAgent("acp", request.worker.preset ?? request.worker.command[0] ?? "");
  const message = createMessageText((text) => log("message", text), request.redact);
  const thought = createMessageText((text) => log("thought", text), request.redact);
  const calls = createToolCalls(request.redact);
  const permissions: PermissionRecord[] = [];
  let permissionCount = 0;
  let id: string | null = null;
  let canResume = false;
  let prompted = false;
  let agentVersion: string | null = null;
  let modelServed: string | null = null;
  let usage: Usage | null = null;
  let cost: Cost | null = null;

  const serve = (model: string | undefined | null): void => {
    if (typeof model !== "string" || model === "") return;
    const name = model.length <= MAX_TITLE ? model : request.redact(model).slice(0, MAX_TITLE);
    if (name === modelServed) return;
    modelServed = name;
    log("model", name);
  };
  const readOptions = (given: unknown): void => {
    const model = readList(given).find((each) => each["category"] === "model" || each["id"] === "model");
    if (model?.["type"] === "select") serve(readText(model["currentValue"]));
  };
  const use = (next: Usage | null, paid: Cost | null): void => {
    if (next === null) return;
    usage = next;
    cost = paid ?? cost;
    request.onUse(next, cost, modelServed);
  };

  return {
    get id() {
      return id;
    },
    get canResume() {
      return canResume;
    },
    met(answer) {
      const { agentInfo, agentCapabilities } = answer;
      if (agentInfo) agentVersion = request.redact(`${agentInfo.name} ${agentInfo.version}`).slice(0, MAX_TITLE);
      canResume = agentCapabilities?.loadSession === true || Boolean(agentCapabilities?.sessionCapabilities?.resume);
    },
    async settle(agent, sessionId, state) {
      id = sessionId;
      log("session", sessionId);
      const { modes, configOptions, models } = state;
      readOptions(configOptions);
      serve(models?.currentModelId);
      const known = preset?.modes[request.mode === "edit" ? "edit" : "readOnly"] ?? [];
      const { modeId, option: byOption } = pickModes(request.mode, known, modes, configOptions);
      if (modeId === null && byOption === null)
        log("note", `the agent offers no mode for a ${request.mode} lane; its requests are answered one by one`);
      if (modeId !== null) {
        // An agent that offers both ways may be moving from the one to the other, and then one of them is enough.
        await agent.request(methods.agent.session.setMode, { sessionId, modeId }).catch((error: unknown) => {
          if (byOption === null) throw error;
          log("note", `the mode ${modeId} was refused`);
        });
        log("note", `mode: ${modeId}`);
      }
      if (byOption !== null) {
        const answer = await agent.request(methods.agent.session.setConfigOption, { sessionId, ...byOption });
        if (isRecord(answer)) readOptions(answer["configOptions"]);
        log("note", `${byOption.configId}: ${byOption.value}`);
      }
      const { model } = request.worker;
      if (model === null || model === modelServed) return;
      const option = configOptions?.find((each) => each.category === "model" || each.id === "model");
      if (option?.type === "select") {
        const value = choicesOf(option).find(({ name }) => name === model)?.value ?? model;
        const answer = await agent.request(methods.agent.session.setConfigOption, { sessionId, configId: option.id, value });
        if (isRecord(answer)) readOptions(answer["configOptions"]);
      } else if (models?.availableModels?.some(({ modelId }) => modelId === model) === true) {
        await agent.request("session/set_model", { sessionId, modelId: model });
        serve(model);
      } else log("note", `the agent offers no way to choose the model ${model}`);
    },
    began(sessionId) {
      id = sessionId;
      prompted = true;
    },
    finished(response) {
      message.end();
      thought.end();
      use(readTurnUsage(response), null);
    },
    take(params) {
      const { update, sessionId } = isRecord(params) ? params : {};
      // Replayed history of a session that was loaded is not what the agent says now.
      if (!prompted || !isRecord(update)) return;
      // Agents of the agent talk too, in sessions of their own.
      const isOwn = sessionId === id;
      switch (update["sessionUpdate"]) {
        case "agent_message_chunk":
          if (isOwn) message.add(readChunk(update["content"]));
          break;
        case "agent_thought_chunk":
          if (isOwn) thought.add(readChunk(update["content"]));
          break;
        case "tool_call": {
          if (isOwn) message.end();
          if (isOwn) thought.end();
          const { title, kind } = calls.take(update);
          log("tool", readText(update["title"]) ?? title ?? kind, { kind, id: readText(update["toolCallId"]) });
          request.onActivity(title ?? kind);
          break;
        }
        case "tool_call_update": {
          const { title, kind } = calls.take(update);
          const { status } = update;
          if (status === "completed" || status === "failed") log("tool", `${status}: ${title ?? readText(update["toolCallId"]) ?? kind}`);
          break;
        }
        case "plan":
          log(
            "plan",
            readList(update["entries"])
              .map(({ status, content }) => `${readText(status) ?? "?"}: ${readText(content) ?? "?"}`)
              .join("\n"),
          );
          break;
        case "config_option_update":
          readOptions(update["configOptions"]);
          break;
        case "usage_update":
          // What the context holds is the least that the turn has used.
          if (isOwn && typeof update["used"] === "number")
            use({ ...usage, totalTokens: Math.max(usage?.totalTokens ?? 0, toCount(update["used"])) }, readCost(update["cost"]));
          break;
        default:
          break;
      }
    },
    answerPermission({ toolCall, options: offered }) {
      const { kind: toolKind, title: given, paths, isDoor } = calls.look(toolCall);
      const title = given ?? toolKind;
      const decision = request.signal.aborted
        ? { answer: "cancelled" as const, rule: "stopped" }
        : decidePermission({
            mode: request.mode,
            toolKind,
            title,
            paths,
            worktree: request.worktree,
            sandboxed: request.sandbox !== null,
            isDoor,
          });
      const wanted = decision.answer === "allowed" ? ["allow_once"] : ["reject_once", "reject_always"];
      const option = decision.answer === "cancelled" ? undefined : offered.find(({ kind }) => wanted.includes(kind));
      const answer = decision.answer !== "cancelled" && option === undefined ? "cancelled" : decision.answer;
      const record: PermissionRecord = { at: now(), tool: toolKind, title, answer, rule: decision.rule };
      permissionCount += 1;
      if (permissions.length < MOST_PERMISSIONS) permissions.push(record);
      log("permission", `${answer}: ${title}`, { tool: toolKind, rule: decision.rule });
      request.onActivity(`${answer}: ${title}`);
      return option === undefined ? { outcome: { outcome: "cancelled" } } : { outcome: { outcome: "selected", optionId: option.optionId } };
    },
    facts() {
      // An agent that died in the middle of a line has said it all the same.
      message.end();
      thought.end();
      return {
        lastMessage: message.last(),
        structured: undefined,
        sessionId: id,
        modelServed,
        usage,
        cost,
        quotaResetsAt: null,
        permissions,
        permissionCount,
        agentVersion,
      };
    },
  };
}

/** The text of a piece of a message; empty for a piece of another kind. */
function readChunk(content: unknown): string {
  return isRecord(content) && content["type"] === "text" ? (readText(content["text"]) ?? "") : "";
}

/** Usage of a turn where an agent already sends what a later version of the protocol has. */
function readTurnUsage(response: PromptResponse): Usage | null {
  const given =
    (response as { usage?: Record<string, unknown> | null }).usage ?? (response._meta?.["usage"] as Record<string, unknown> | undefined);
  if (typeof given !== "object" || given === null) return null;
  const counts = {
    inputTokens: toCount(given["inputTokens"]),
    cachedInputTokens: toCount(given["cachedReadTokens"]),
    cacheWriteTokens: toCount(given["cachedWriteTokens"]),
    outputTokens: toCount(given["outputTokens"]) + toCount(given["thoughtTokens"]),
  };
  const sum = Object.values(counts).reduce((total, count) => total + count, 0);
  return { ...counts, totalTokens: Math.max(sum, toCount(given["totalTokens"])) };
}

function toCount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

/** The agent's own figure, a binary fraction on the wire, to a millionth. */
function readCost(cost: unknown): Cost | null {
  const { amount, currency } = isRecord(cost) ? cost : {};
  if (typeof amount !== "number" || !(amount >= 0) || amount > 1e9 || typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency))
    return null;
  return { amount: amount.toFixed(6).replace(/\.?0+$/, ""), currency, source: "agent" };
}

import {
  methods,
  type InitializeResponse,
  type PromptResponse,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionConfigOption,
  type SessionModeState,
  type SessionNotification,
} from "@agentclientprotocol/sdk";
import type { Cost, PermissionRecord, TranscriptEntry, Usage } from "@okstra/core/domain/agent-use";
import { findAgent } from "@okstra/core/domain/agents";
import { decidePermission } from "@okstra/core/domain/permission-policy";
import type { LaneRequest } from "@okstra/core/ports";
import { createMessageText } from "../agents/message-text.ts";
import type { AgentTurn } from "../agents/driver.ts";

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
  take(notification: SessionNotification): void;
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
    if (typeof model !== "string" || model === "" || model === modelServed) return;
    modelServed = model;
    log("model", model);
  };
  const readOptions = (given: readonly SessionConfigOption[] | null | undefined): void => {
    const model = given?.find((each) => each.category === "model" || each.id === "model");
    if (model?.type === "select") serve(model.currentValue);
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
      const mode = pickMode(request.mode, preset?.modes[request.mode === "edit" ? "edit" : "readOnly"] ?? [], modes, configOptions);
      if (mode === null) log("note", `the agent offers no mode for a ${request.mode} lane; its requests are answered one by one`);
      else if (mode.by === "mode") await agent.request(methods.agent.session.setMode, { sessionId, modeId: mode.id });
      else if (mode.by === "option")
        await agent.request(methods.agent.session.setConfigOption, { sessionId, configId: mode.configId, value: mode.id });
      if (mode !== null) log("note", `mode: ${mode.id}`);
      const { model } = request.worker;
      if (model === null || model === modelServed) return;
      const option = configOptions?.find((each) => each.category === "model" || each.id === "model");
      if (option?.type === "select") {
        const value = valuesOf(option).find((each) => each === model) ?? model;
        const answer = (await agent.request(methods.agent.session.setConfigOption, { sessionId, configId: option.id, value })) as {
          configOptions?: readonly SessionConfigOption[];
        } | null;
        readOptions(answer?.configOptions);
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
    take({ update }) {
      // Replayed history of a session that was loaded is not what the agent says now.
      if (!prompted || update === undefined || update === null) return;
      switch (update.sessionUpdate) {
        case "agent_message_chunk":
          if (update.content?.type === "text") message.add(update.content.text);
          break;
        case "agent_thought_chunk":
          if (update.content?.type === "text") thought.add(update.content.text);
          break;
        case "tool_call":
          message.end();
          thought.end();
          log("tool", String(update.title ?? update.kind ?? "tool"), { kind: update.kind ?? "other", id: update.toolCallId });
          request.onActivity(request.redact(String(update.title ?? update.kind ?? "works")).slice(0, MAX_TITLE));
          break;
        case "tool_call_update":
          if (update.status === "completed" || update.status === "failed")
            log("tool", `${update.status}: ${update.title ?? update.toolCallId}`);
          break;
        case "plan":
          log("plan", (update.entries ?? []).map(({ status, content }) => `${status}: ${content}`).join("\n"));
          break;
        case "config_option_update":
          readOptions(update.configOptions);
          break;
        case "usage_update":
          // What the context holds is the least that the turn has used.
          use({ ...usage, totalTokens: Math.max(usage?.totalTokens ?? 0, toCount(update.used)) }, readCost(update.cost));
          break;
        default:
          break;
      }
    },
    answerPermission({ toolCall, options: offered }) {
      const toolKind = toolCall.kind ?? "other";
      const named = String(toolCall.title ?? toolCall.name ?? toolKind);
      const title = request.redact(named).slice(0, MAX_TITLE);
      const decision = request.signal.aborted
        ? { answer: "cancelled" as const, rule: "stopped" }
        : decidePermission({
            mode: request.mode,
            toolKind,
            title: named.slice(0, MAX_TITLE),
            paths: (toolCall.locations ?? []).map(({ path }) => path),
            worktree: request.worktree,
            sandboxed: request.sandbox !== null,
            isDoor: isDoorTool(toolCall.name ?? null, named.slice(0, MAX_TITLE)),
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
    facts: () => ({
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
    }),
  };
}

/** Agents name the tools of an MCP server in their own ways; only a whole name of ours counts, never a part of a title. */
function isDoorTool(name: string | null, title: string): boolean {
  const tools = "(?:read_brief|submit_finding|submit_result|ask_clarification)";
  const ours = new RegExp(
    `^(?:mcp__okstra__|mcp_okstra_|okstra[./:_-]{1,2}|mcp[./:]okstra[./:])${tools}(?: \\(okstra MCP Server\\))?$`,
    "i",
  );
  return ours.test(name ?? "") || ours.test(title);
}

type Mode = { readonly by: "mode"; readonly id: string } | { readonly by: "option"; readonly id: string; readonly configId: string };

const LOOKS_READ_ONLY = /^(?:plan|read[-_ ]?only|ask|architect|review)$/i;
const LOOKS_EDIT = /^(?:accept[-_ ]?edits|auto[-_ ]?edit|workspace[-_ ]?write|agent|build|code|auto)$/i;

/** The session's mode for a lane, by a mode or by a configuration option, whichever the agent has; known ids come first. */
function pickMode(
  wanted: LaneRequest["mode"],
  known: readonly string[],
  modes: SessionModeState | null | undefined,
  options: readonly SessionConfigOption[] | null | undefined,
): Mode | null {
  const looks = wanted === "edit" ? LOOKS_EDIT : LOOKS_READ_ONLY;
  const pick = (ids: readonly string[]): string | null =>
    known.find((id) => ids.includes(id)) ?? ids.find((id) => looks.test(id.split(/[#/]/).at(-1) ?? id)) ?? null;
  const byMode = pick((modes?.availableModes ?? []).map(({ id }) => id));
  if (byMode !== null) return { by: "mode", id: byMode };
  const option = options?.find((each) => each.category === "mode" || each.id === "mode");
  const byOption = option?.type === "select" ? pick(valuesOf(option)) : null;
  return option === undefined || byOption === null ? null : { by: "option", id: byOption, configId: option.id };
}

function valuesOf(option: Extract<SessionConfigOption, { type: "select" }>): string[] {
  return option.options.flatMap((each) => ("value" in each ? [each.value] : each.options.map(({ value }) => value)));
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
function readCost(cost: { amount?: unknown; currency?: unknown } | null | undefined): Cost | null {
  const { amount, currency } = cost ?? {};
  if (typeof amount !== "number" || !(amount >= 0) || amount > 1e9 || typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency))
    return null;
  return { amount: amount.toFixed(6).replace(/\.?0+$/, ""), currency, source: "agent" };
}

import type { ProgressEvent } from "@okstra/app/app";
import { formatMoney } from "@okstra/core/domain/money";
import type { Money } from "@okstra/core/domain/agent-use";
import { neutralise } from "@okstra/core/report/neutral-text";
import { countCells, cutToCells, fitToCells } from "./cells.ts";
import { formatDuration } from "./format-duration.ts";

/** What is known of one lane. Times are monotonic milliseconds. */
interface LiveLane {
  readonly lane: string;
  readonly name: string;
  /** Null while it runs. */
  readonly end: string | null;
  readonly action: string;
  readonly startedMs: number;
  readonly endedMs: number | null;
  readonly tokens: number | null;
  readonly cost: Money | null;
}

/** A run as it goes on: a fold over its progress. */
export interface LiveView {
  readonly lanes: readonly LiveLane[];
  /** What okstra itself does. */
  readonly status: string | null;
}

export const EMPTY_VIEW: LiveView = { lanes: [], status: null };

export type LiveStyle = "green" | "red" | "yellow" | "dim";

/** The view after one more event; what it does not know of changes nothing. Foreign texts are made neutral here. */
export function foldProgress(view: LiveView, event: ProgressEvent, nowMs: number): LiveView {
  if (event.level !== undefined && event.level !== "info") return view;
  const data = event.data ?? {};
  const lane = readText(data["lane"]);
  switch (event.type) {
    case "phase-due":
      return { lanes: [], status: toLine(event.text) };
    case "lane-started": {
      const started: LiveLane = {
        lane,
        name: describeLane(lane, data),
        end: null,
        action: "started",
        startedMs: nowMs,
        endedMs: null,
        tokens: null,
        cost: null,
      };
      return { status: null, lanes: [...view.lanes.filter((each) => each.lane !== lane), started] };
    }
    case "lane-activity":
      return changeLane(view, lane, () => ({ action: toLine(readText(data["text"]) || event.text) }));
    case "lane-retried":
      return changeLane(view, lane, () => ({ action: `asked once more: ${toLine(readText(data["reason"]))}` }));
    case "lane-usage":
      return changeLane(view, lane, () => readUse(data));
    case "lane-ended":
      return changeLane(view, lane, () => ({
        ...readUse(data),
        end: toLine(readText(data["end"])) || "ended",
        action: describeEnd(data),
        endedMs: nowMs,
      }));
    default:
      return { ...view, status: toLine(event.text) };
  }
}

/**
 * The view as lines, each narrower than `columns` by a cell so that no terminal breaks it, and fewer of them than `rows`:
 * lanes that run come first when not all have room.
 */
export function renderLive(
  view: LiveView,
  place: { readonly columns: number; readonly rows: number; readonly nowMs: number },
  paint: (style: LiveStyle, text: string) => string = (_, text) => text,
): readonly string[] {
  const width = Math.max(1, place.columns - 1);
  const room = Math.max(1, place.rows - 2);
  const { shown, hidden } = chooseLanes(view.lanes, view.status === null ? room : room - 1);
  const has = { tokens: shown.some(({ tokens }) => tokens !== null), cost: shown.some(({ cost }) => cost !== null) };
  const nameCells = Math.min(Math.max(...shown.map(({ name }) => countCells(name)), 0), Math.max(4, Math.floor(width / 3)));
  return [
    ...shown.map((lane) => renderLane(lane, { width, nameCells, has, nowMs: place.nowMs }, paint)),
    ...(hidden > 0 ? [paint("dim", cutToCells(`and ${hidden} more ${hidden === 1 ? "lane" : "lanes"}`, width))] : []),
    ...(view.status === null || view.status === "" ? [] : [paint("dim", cutToCells(`· ${view.status}`, width))]),
  ].slice(0, room);
}

function chooseLanes(lanes: readonly LiveLane[], room: number): { shown: readonly LiveLane[]; hidden: number } {
  if (lanes.length <= room) return { shown: lanes, hidden: 0 };
  const places = Math.max(0, room - 1);
  const running = lanes.filter(({ end }) => end === null).slice(0, places);
  const left = places - running.length;
  const ended = left > 0 ? lanes.filter(({ end }) => end !== null).slice(-left) : [];
  const shown = lanes.filter((lane) => running.includes(lane) || ended.includes(lane));
  return { shown, hidden: lanes.length - shown.length };
}

const [STATE_CELLS, TIME_CELLS, TOKEN_CELLS, COST_CELLS] = [9, 8, 11, 13] as const;

function renderLane(
  lane: LiveLane,
  { width, nameCells, has, nowMs }: { width: number; nameCells: number; has: { tokens: boolean; cost: boolean }; nowMs: number },
  paint: (style: LiveStyle, text: string) => string,
): string {
  const state = cutToCells(lane.end ?? "runs", STATE_CELLS);
  const before = `${fitToCells(lane.name, nameCells)}  `;
  const left = `${before}${fitToCells(state, STATE_CELLS)} `;
  const facts = [
    formatDuration((lane.endedMs ?? nowMs) - lane.startedMs).padStart(TIME_CELLS),
    ...(has.tokens ? [(lane.tokens === null ? "" : formatTokens(lane.tokens)).padStart(TOKEN_CELLS)] : []),
    ...(has.cost ? [(lane.cost === null ? "" : formatMoney(lane.cost)).padStart(COST_CELLS)] : []),
  ];
  while (facts.length > 0 && countCells(left) + countCells(facts.join("")) > width) facts.pop();
  const right = facts.join("");
  const line = `${left}${fitToCells(lane.action, width - countCells(left) - countCells(right))}${right}`;
  const cut = cutToCells(line.trimEnd(), width);
  const style = styleOf(lane.end);
  if (style === null || !cut.startsWith(`${before}${state}`)) return cut;
  return `${before}${paint(style, state)}${cut.slice(before.length + state.length)}`;
}

function styleOf(end: string | null): LiveStyle | null {
  if (end === null) return null;
  if (end === "ok") return "green";
  return end === "failed" || end === "timeout" ? "red" : "yellow";
}

/** `950 tok`, `12.3k tok`, `1.23M tok`; never more than was used. */
function formatTokens(tokens: number): string {
  if (tokens < 1000) return `${tokens} tok`;
  const [unit, factor, digits] = tokens < 1_000_000 ? (["k", 1000, 1] as const) : (["M", 1_000_000, 2] as const);
  return `${(Math.floor((tokens / factor) * 10 ** digits) / 10 ** digits).toFixed(digits)}${unit} tok`;
}

function changeLane(view: LiveView, lane: string, change: () => Partial<LiveLane>): LiveView {
  if (!view.lanes.some((each) => each.lane === lane)) return view;
  return { ...view, lanes: view.lanes.map((each) => (each.lane === lane ? { ...each, ...change() } : each)) };
}

function describeLane(lane: string, data: Readonly<Record<string, unknown>>): string {
  const role = readText(data["role"]);
  const what = role === "execute" ? " (executor)" : role === "vote" ? " (verifies)" : role === "write" ? " (report)" : "";
  const round = data["round"];
  return toLine(`${readText(data["worker"]) || lane}${what}${typeof round === "number" && round > 1 ? ` ${round}` : ""}`);
}

function describeEnd(data: Readonly<Record<string, unknown>>): string {
  const reason = readText(data["reason"]);
  const findings = data["findings"];
  if (reason !== "") return toLine(reason);
  return typeof findings === "number" && findings > 0 ? `${findings} ${findings === 1 ? "finding" : "findings"}` : "";
}

/** What the event says of tokens and cost, and nothing where it says nothing. A cost of null: nobody can tell any more. */
function readUse(data: Readonly<Record<string, unknown>>): Pick<Partial<LiveLane>, "tokens" | "cost"> {
  const { tokens, cost } = data;
  return {
    ...(typeof tokens === "number" && tokens >= 0 ? { tokens } : {}),
    ...(cost === undefined ? {} : { cost: readMoney(cost) }),
  };
}

/** By hand: schemas would cost every command's start. */
function readMoney(value: unknown): Money | null {
  const { amount, currency } = (value ?? {}) as { amount?: unknown; currency?: unknown };
  const isMoney =
    typeof amount === "string" && /^\d+(?:\.\d+)?$/.test(amount) && typeof currency === "string" && /^[A-Z]{3}$/.test(currency);
  return isMoney ? { amount, currency } : null;
}

function readText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Longer texts are cut before they are looked at closely: a line of a terminal shows less. */
const MAX_TEXT = 2000;

function toLine(text: string): string {
  return neutralise(text.slice(0, MAX_TEXT)).replaceAll(/\s+/g, " ").trim();
}

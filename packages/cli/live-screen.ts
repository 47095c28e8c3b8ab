import type { ProgressEvent } from "@okstra/app/app";
import type { createLogUpdate } from "log-update";
import { EMPTY_VIEW, foldProgress, renderLive, type LiveStyle, type LiveView } from "./live-view.ts";

/** A terminal that lines can be written over on. */
export interface Terminal {
  write(text: string): void;
  readonly columns?: number;
  readonly rows?: number;
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
}

/** Draws a run's lanes over and over at the bottom of a terminal. */
export interface LiveScreen {
  /** False for an event that it shows nothing of, because no lane has started. */
  show(event: ProgressEvent): boolean;
  /** Wipes what is drawn, so that something else can be written; it is drawn again below that soon. */
  wipe(): void;
  /** Wipes what is drawn and draws no more before another lane starts. */
  end(): void;
}

/** Shortest time between two drawings, and the longest while a lane runs, in milliseconds. */
const DRAW_MS = 100;
const TICK_MS = 1000;
/** Of a terminal that does not say how big it is. */
const [COLUMNS, ROWS] = [80, 24] as const;

export function createLiveScreen(terminal: Terminal, paint: (style: LiveStyle, text: string) => string): LiveScreen {
  let view: LiveView = EMPTY_VIEW;
  let isLive = false;
  let log: ReturnType<typeof createLogUpdate> | null = null;
  let loading: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let lastDrawMs = Number.NEGATIVE_INFINITY;

  // Loaded with the first lane: most commands start none.
  const load = async (): Promise<void> => {
    const { createLogUpdate: create } = await import("log-update");
    const stream = {
      isTTY: true,
      write: (text: string) => (terminal.write(text), true),
      get columns() {
        return terminal.columns ?? COLUMNS;
      },
      get rows() {
        return terminal.rows ?? ROWS;
      },
    };
    // It uses nothing else of a stream. The cursor stays: hiding it would put handlers on the process's signals.
    log = create(stream as unknown as NodeJS.WritableStream, { showCursor: true });
    if (isLive) plan(0);
  };
  const draw = (): void => {
    timer = undefined;
    if (!isLive || log === null) return;
    lastDrawMs = performance.now();
    const size = { columns: terminal.columns ?? COLUMNS, rows: terminal.rows ?? ROWS };
    log(renderLive(view, { ...size, nowMs: lastDrawMs }, paint).join("\n"));
    if (view.lanes.some(({ end }) => end === null)) plan(TICK_MS);
  };
  const plan = (afterMs: number): void => {
    clearTimeout(timer);
    // Nobody waits for a drawing: the process may end.
    timer = setTimeout(draw, afterMs).unref();
  };
  const drawSoon = (): void => plan(Math.max(0, lastDrawMs + DRAW_MS - performance.now()));

  return {
    show(event) {
      const isStart = event.type === "lane-started";
      if (!isLive && !isStart) return false;
      view = foldProgress(view, event, performance.now());
      if (!isLive) {
        isLive = true;
        terminal.on?.("resize", drawSoon);
        loading ??= load().catch(() => undefined);
      }
      drawSoon();
      return true;
    },
    wipe() {
      if (!isLive) return;
      log?.clear();
      drawSoon();
    },
    end() {
      if (!isLive) return;
      isLive = false;
      view = EMPTY_VIEW;
      clearTimeout(timer);
      timer = undefined;
      terminal.off?.("resize", drawSoon);
      log?.clear();
    },
  };
}

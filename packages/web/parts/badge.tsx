import type { BoardState } from "@okstra/core/dashboard/api";

/** A sign beside the word, so that states differ without colour. */
const SIGNS: Readonly<Record<BoardState, string>> = {
  waiting: "!",
  running: "▸",
  paused: "‖",
  stopped: "■",
  damaged: "✕",
  due: "○",
  "handed-off": "↗",
  done: "✓",
};

export function StateBadge({ state }: { state: string }) {
  return (
    <span class={`badge state-${state}`}>
      <span class="badge-sign" aria-hidden="true">
        {SIGNS[state as BoardState] ?? "·"}
      </span>
      {state}
    </span>
  );
}

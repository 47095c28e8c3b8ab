/** A stretch of time, epoch milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch of the axis: from 0, its left end, to 1. */
export interface AxisPiece extends Span {
  /** gap: nothing was going on; it is drawn short, however long it was. */
  readonly kind: "work" | "gap";
  readonly from: number;
  readonly to: number;
}

export interface Axis {
  readonly pieces: readonly AxisPiece[];
  /** Where a time is, 0 to 1; what is outside is at the end that it is nearer to. */
  readonly place: (ms: number) => number;
}

/** A gap is cut when it is longer than this share of all work. */
const LONGEST_GAP = 0.15;
/** What a cut gap is drawn as, and all of them together at most. */
const GAP_WIDTH = 0.04;
const ALL_GAPS_WIDTH = 0.3;

/** One axis for all spans. Long gaps are cut, so that minutes of work that lie days apart can be seen. */
export function makeAxis(spans: readonly Span[]): Axis {
  const merged: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else merged.push({ fromMs, toMs: Math.max(fromMs, toMs) });
  }
  const workMs = merged.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const work: { fromMs: number; toMs: number }[] = [];
  for (const span of merged) {
    const last = work.at(-1);
    if (last !== undefined && span.fromMs - last.toMs <= workMs * LONGEST_GAP) last.toMs = span.toMs;
    else work.push({ ...span });
  }
  const gaps = Math.max(0, work.length - 1);
  const gapWidth = gaps === 0 ? 0 : Math.min(GAP_WIDTH, ALL_GAPS_WIDTH / gaps);
  // At least a millisecond each, so that a moment has a place too.
  const lengthOf = ({ fromMs, toMs }: Span): number => Math.max(1, toMs - fromMs);
  const total = work.reduce((sum, each) => sum + lengthOf(each), 0);
  const pieces: AxisPiece[] = [];
  let at = 0;
  for (const [index, span] of work.entries()) {
    const before = work[index - 1];
    if (before !== undefined) {
      pieces.push({ kind: "gap", fromMs: before.toMs, toMs: span.fromMs, from: at, to: at + gapWidth });
      at += gapWidth;
    }
    const width = (lengthOf(span) / total) * (1 - gaps * gapWidth);
    pieces.push({ kind: "work", ...span, from: at, to: at + width });
    at += width;
  }
  return { pieces, place: (ms) => placeIn(pieces, ms) };
}

function placeIn(pieces: readonly AxisPiece[], ms: number): number {
  const piece = pieces.find(({ toMs }) => ms <= toMs);
  if (piece === undefined) return 1;
  const { fromMs, toMs, from, to } = piece;
  const share = toMs === fromMs ? 0 : (ms - fromMs) / (toMs - fromMs);
  return from + Math.max(0, share) * (to - from);
}

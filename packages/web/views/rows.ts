import {
  elementScroll,
  measureElement,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type Range,
  type VirtualItem,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";

export interface RowsOptions {
  readonly count: number;
  /** Pixels that a row is taken to have until it is measured; of rows that are not measured, what it has. */
  readonly sizeOf: (index: number) => number;
  readonly keyOf?: ((index: number) => string | number) | undefined;
  /** A row that is kept even out of sight: what `aria-activedescendant` names must be there. */
  readonly kept?: number | null | undefined;
}

export interface Rows {
  /** Of the element that scrolls. */
  readonly frame: RefObject<HTMLDivElement | null>;
  /** What is to be in the page now. */
  readonly items: readonly VirtualItem[];
  /** Pixels of all rows. */
  readonly height: number;
  /** `ref` of a row whose height is to be measured; it needs `data-index`. */
  readonly measure: (element: Element | null) => void;
  readonly scrollTo: (index: number, align?: "auto" | "start" | "center" | "end") => void;
  /** Rows that fit into the frame, at least 1. @param size pixels of a row */
  readonly pageSize: (size: number) => number;
}

/** Only the rows that are in sight, of however many: the page stays small and quick. */
export function useRows({ count, sizeOf, keyOf, kept }: RowsOptions): Rows {
  const frame = useRef<HTMLDivElement>(null);
  const [, turn] = useReducer((each: number) => each + 1, 0);
  const options = {
    count,
    getScrollElement: () => frame.current,
    estimateSize: sizeOf,
    ...(keyOf === undefined ? {} : { getItemKey: keyOf }),
    overscan: 6,
    rangeExtractor: (range: Range) => withKept(range, kept ?? null),
    observeElementRect,
    observeElementOffset,
    measureElement,
    scrollToFn: elementScroll,
    onChange: () => turn(0),
  };
  const [rows] = useState(() => new Virtualizer<HTMLDivElement, Element>(options));
  rows.setOptions(options);
  useLayoutEffect(() => rows._didMount(), []);
  useLayoutEffect(() => rows._willUpdate());
  return {
    frame,
    items: rows.getVirtualItems(),
    height: rows.getTotalSize(),
    measure: rows.measureElement,
    scrollTo: (index, align = "auto") => rows.scrollToIndex(index, { align }),
    pageSize: (size) => Math.max(1, Math.floor((frame.current?.clientHeight ?? size) / size) - 1),
  };
}

function withKept({ startIndex, endIndex, overscan, count }: Range, kept: number | null): number[] {
  const first = Math.max(0, startIndex - overscan);
  const last = Math.min(count - 1, endIndex + overscan);
  const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  if (kept === null || kept < 0 || kept >= count) return shown;
  if (kept < first) return [kept, ...shown];
  return kept > last ? [...shown, kept] : shown;
}

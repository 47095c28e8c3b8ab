import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useWidth } from "../use-width.ts";

/** What a part of a bar stands for; views.css gives each its colour. */
export type Tone = "working" | "person" | "quota" | "stopped" | "idle" | "money" | "tokens";

export interface Part {
  readonly name: string;
  readonly tone: Tone;
  /** One for each bar. */
  readonly values: readonly number[];
}

interface BarsProps {
  /** What is read aloud instead of the picture. */
  readonly summary: string;
  /** One for each bar. */
  readonly labels: readonly string[];
  /** Laid after each other within a bar. */
  readonly parts: readonly Part[];
  readonly format: (value: number) => string;
  /** Distances that marks of the axis may have; without them uPlot's own. */
  readonly steps?: readonly number[] | undefined;
}

/** Pixels of a bar with the space around it, and of the axis below. */
const BAR = 30;
const AXIS = 34;

/** Bars that lie, each with its parts after each other; the same numbers are to stand in a table beside it. */
export function Bars({ summary, labels, parts, format, steps }: BarsProps) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const theme = useThemeTurn();
  useEffect(() => {
    const element = place.current;
    if (element === null || width === 0) return;
    const chart = new uPlot(optionsOf({ element, width, labels, parts, format, steps }), dataOf(labels, parts), element);
    return () => chart.destroy();
  }, [width, theme, labels, parts, format]);
  return (
    <div class="chart">
      {parts.length > 1 && (
        <ul class="legend" aria-hidden="true">
          {parts.map(({ name, tone }) => (
            <li key={tone}>
              <span class={`swatch tone-${tone}`} />
              {name}
            </li>
          ))}
        </ul>
      )}
      <div ref={place} class="chart-place" role="img" aria-label={summary} style={{ height: `${labels.length * BAR + AXIS}px` }} />
    </div>
  );
}

/** uPlot draws what comes later over what came before: the sums of all parts first, the first part last. */
function dataOf(labels: readonly string[], parts: readonly Part[]): uPlot.AlignedData {
  const sums = labels.map(() => 0);
  const layers = parts.map(({ values }) => {
    for (const [at, value] of values.entries()) sums[at] = (sums[at] ?? 0) + value;
    return [...sums];
  });
  return [labels.map((_, at) => at), ...layers.toReversed()];
}

interface Drawing extends Pick<BarsProps, "labels" | "parts" | "format" | "steps"> {
  readonly element: HTMLElement;
  readonly width: number;
}

function optionsOf({ element, width, labels, parts, format, steps }: Drawing): uPlot.Options {
  const family = getComputedStyle(element).fontFamily;
  const font = `12px ${family}`;
  const quiet = colourOf(element, "tone-quiet");
  const line = colourOf(element, "tone-line");
  const labelWidth = width < 480 ? 104 : 200;
  const bars = uPlot.paths.bars?.({ size: [0.62, 22], align: 0 });
  return {
    width,
    height: labels.length * BAR + AXIS,
    padding: [0, 16, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, ori: 1, dir: -1, range: [-0.5, labels.length - 0.5] },
      y: { ori: 0, dir: 1, range: (_, __, max) => [0, max > 0 ? max * 1.02 : 1] },
    },
    axes: [
      {
        side: 3,
        size: labelWidth,
        font,
        stroke: quiet,
        grid: { show: false },
        ticks: { show: false },
        splits: () => labels.map((_, at) => at),
        values: () => labels.map((label) => fit(label, labelWidth - 12, font)),
      },
      {
        side: 2,
        size: AXIS,
        font,
        stroke: quiet,
        grid: { stroke: line, width: 1 },
        ticks: { stroke: line, width: 1 },
        space: 84,
        values: (_, splits) => splits.map(format),
        ...(steps === undefined ? {} : { incrs: [...steps] }),
      },
    ],
    series: [
      {},
      ...parts.toReversed().map(({ name, tone }): uPlot.Series => {
        const colour = colourOf(element, `tone-${tone}`);
        return {
          label: name,
          fill: colour,
          stroke: colour,
          width: 0,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
        };
      }),
    ],
  };
}

/** A colour as the theme has it now: a canvas does not know the names of colours. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.className = name;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

let pen: CanvasRenderingContext2D | null = null;

/** The end of a long label says more than its beginning: `…/refund-rounding`. */
function fit(label: string, width: number, font: string): string {
  pen ??= document.createElement("canvas").getContext("2d");
  if (pen === null) return label;
  pen.font = font;
  if (pen.measureText(label).width <= width) return label;
  let shown = label;
  while (shown.length > 1 && pen.measureText(`…${shown}`).width > width) shown = shown.slice(1);
  return `…${shown}`;
}

/** Another number after every change of the theme. */
function useThemeTurn(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const next = (): void => setTurn((each) => each + 1);
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", next);
    const observer = new MutationObserver(next);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      media.removeEventListener("change", next);
      observer.disconnect();
    };
  }, []);
  return turn;
}

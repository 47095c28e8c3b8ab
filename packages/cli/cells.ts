/** How wide text is in a terminal, where East Asian characters and most emoji take two cells. */

const WIDE =
  /^(?:[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|[\u{16FE0}-\u{18DFF}\u{1AFF0}-\u{1B2FF}\u{1F200}-\u{1F2FF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[#*0-9]\uFE0F?\u20E3)/u;
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;
const PLAIN = /^[\u0020-\u007E]*$/;

let segmenter: Intl.Segmenter | undefined;

/** Made when a text needs it: most do not. */
function splitClusters(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/** Cells of one line of neutral text. A cluster of which terminals differ counts as the wider. */
export function countCells(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of splitClusters(text)) cells += cellsOf(segment);
  return cells;
}

/** The beginning of a line of neutral text that fits into so many cells, with `…` where something is cut off. */
export function cutToCells(text: string, cells: number): string {
  if (PLAIN.test(text) && text.length <= cells) return text;
  let used = 0;
  let fits = "";
  for (const { segment } of splitClusters(text)) {
    used += cellsOf(segment);
    if (used > cells) return cells < 1 ? "" : `${fits}…`;
    if (used <= cells - 1) fits += segment;
  }
  return text;
}

/** The text cut or filled up with spaces to just so many cells. */
export function fitToCells(text: string, cells: number): string {
  const cut = cutToCells(text, cells);
  return `${cut}${" ".repeat(Math.max(0, cells - countCells(cut)))}`;
}

function cellsOf(cluster: string): number {
  if (NOTHING.test(cluster)) return 0;
  if (WIDE.test(cluster)) return 2;
  // Several characters that a terminal may draw side by side.
  return [...cluster].filter((char) => !NOTHING.test(char)).length > 1 ? 2 : 1;
}

import type { Format, Parsed, Problem } from "../problem.ts";
import { cleanPath, findPlace, placeOf, type Place } from "./place.ts";
import { cut, excerptOf, oneLine, splitLines, stripAnsi } from "./text.ts";

const SECTION = /^={3,} (.+?) ={3,}$/;
const TITLE = /^_+ (\S.*?) _+$/;
const RULE = /^[_ ]+$/;
const CAPTURED = /^-{3,} Captured .+ -{3,}$/;
const SUMMARY = /^(FAILED|ERROR) (\S.*?)(?: - (.*))?$/;
const TOTAL = /^(?:=+ )?(?:no tests ran|\d+ [a-z]+(?:, \d+ [a-z]+)*) in [\d.]+s(?: \([\d:]+\))?(?: =+)?$/;
const LINE_FRAME = /^([^\s:][^:]*\.pyi?):(\d+): (.*)$/;

interface Block {
  readonly title: string;
  readonly lines: string[];
}

interface Entry {
  readonly id: string;
  readonly said: string;
}

/** pytest's own text (7, 8), in every traceback style; the blocks give place and words, the summary the names. */
export const pytestFormat: Format = {
  name: "pytest",
  recognises(text) {
    const plain = stripAnsi(text);
    return /^={3,} test session starts ={3,}\r?$/m.test(plain) || /^(?:FAILED|ERROR) \S+\.py(?:::| - |\r?$)/m.test(plain);
  },
  parse(text): Parsed {
    const lines = splitLines(text);
    // A name cut in the middle would count as another test.
    const read = readReport(SUMMARY.test(lines.at(-1) ?? "") ? lines.slice(0, -1) : lines);
    // Each name's blocks in their order: tests of one name in two files come in the order of the summary.
    const open = new Map<string, Block[]>();
    for (const block of read.blocks.toReversed()) {
      const same = open.get(bareTitle(block)) ?? [];
      same.push(block);
      open.set(bareTitle(block), same);
    }
    const frames = read.frames.values();
    const problems = read.entries.map((entry) => {
      const block = namesOf(entry)
        .map((name) => open.get(name)?.pop())
        .find((found) => found !== undefined);
      return makeProblem(entry, block, block === undefined ? frames.next().value : undefined);
    });
    const nameless = { id: "", said: "" };
    for (const block of [...open.values()].flatMap((left) => left.toReversed())) problems.push(makeProblem(nameless, block, undefined));
    for (const frame of frames) problems.push(makeProblem(nameless, undefined, frame));
    return { problems, complete: read.hasTotal };
  },
};

interface Report {
  readonly blocks: readonly Block[];
  readonly entries: readonly Entry[];
  /** One line for each failure: --tb=line. */
  readonly frames: readonly string[];
  readonly hasTotal: boolean;
}

function readReport(lines: readonly string[]): Report {
  const blocks: Block[] = [];
  const entries: Entry[] = [];
  const frames: string[] = [];
  let section = "";
  let block: Block | null = null;
  let hasTotal = false;
  for (const line of lines) {
    if (TOTAL.test(line)) {
      hasTotal = true;
      section = "";
      block = null;
      continue;
    }
    const heading = SECTION.exec(line)?.[1];
    if (heading !== undefined) {
      section = heading;
      block = null;
      continue;
    }
    if (section === "ERRORS" || section === "FAILURES") {
      const title = RULE.test(line) ? undefined : TITLE.exec(line)?.[1];
      if (title !== undefined) {
        block = { title, lines: [] };
        blocks.push(block);
      } else if (block !== null) {
        block.lines.push(line);
      } else if (LINE_FRAME.test(line)) {
        frames.push(line);
      }
      continue;
    }
    const entry = SUMMARY.exec(line);
    if (entry !== null && (section.includes("summary") || /\.py(?:::|$)/.test(entry[2] ?? ""))) {
      entries.push({ id: entry[2] ?? "", said: entry[3] ?? "" });
    }
  }
  return { blocks, entries, frames, hasTotal };
}

/** A block's title is `TestEdges.test_x[0]`, `ERROR at setup of test_x` or `ERROR collecting a/b.py`. */
function bareTitle(block: Block): string {
  return block.title.replace(/^ERROR (?:at \w+ of|collecting) /, "");
}

/** The summary names it `a/b.py::TestEdges::test_x[0]`, or by its file alone. */
function namesOf(entry: Entry): string[] {
  const [path = "", ...names] = entry.id.split("::");
  return names.length === 0 ? [path] : [names.join("."), entry.id];
}

function makeProblem(entry: Entry, block: Block | undefined, frame: string | undefined): Problem {
  const lineFrame = frame === undefined ? null : LINE_FRAME.exec(frame);
  const place = lineFrame !== null ? placeOf(lineFrame[1], lineFrame[2]) : block === undefined ? null : findBlockPlace(block);
  const ownFile = /^(\S+?\.pyi?)(?:::|$)/.exec(entry.id)?.[1] ?? /collecting (\S+)$/.exec(block?.title ?? "")?.[1];
  const file = place?.file ?? (ownFile === undefined ? null : cleanPath(ownFile));
  const said = block === undefined ? (lineFrame?.[3] ?? "") : wordsOf(block);
  const startLine = place?.line ?? null;
  return {
    tool: "pytest",
    rule: entry.id || block?.title || cut(lineFrame?.[1] ?? "test", 200),
    message: oneLine(said) || oneLine(entry.said) || "the test failed",
    level: "error",
    category: "test-failure",
    file,
    startLine,
    endLine: startLine,
    excerpt: excerptOf(block === undefined ? [frame ?? `${entry.id} - ${entry.said}`] : [block.title, ...tailOf(block)]),
  };
}

/** The innermost frame inside the project, of what pytest itself wrote: captured output is the test's. */
function findBlockPlace(block: Block): Place | null {
  return findPlace(ownLines(block).join("\n"));
}

function ownLines(block: Block): readonly string[] {
  const end = block.lines.findIndex((line) => CAPTURED.test(line));
  // A frame of a long traceback may end in a path that stands behind many lines of source.
  return (end === -1 ? block.lines : block.lines.slice(0, end)).filter((line) => !/^ {4}|^>/.test(line) || /^\s+File "/.test(line));
}

/** The first line marked E, else (native style) the last line that begins like an exception. */
function wordsOf(block: Block): string {
  const marked = block.lines.find((line) => /^E\s+\S/.test(line));
  if (marked !== undefined) return marked.replace(/^E\s+/, "");
  const end = block.lines.findIndex((line) => CAPTURED.test(line));
  const own = end === -1 ? block.lines : block.lines.slice(0, end);
  return own.findLast((line) => /^[A-Za-z_][\w.]*(?:: |$)/.test(line)) ?? "";
}

/** The end of the traceback says more than its beginning. */
function tailOf(block: Block): readonly string[] {
  const end = block.lines.findIndex((line) => CAPTURED.test(line));
  const own = end === -1 ? block.lines : block.lines.slice(0, end);
  return own.slice(-18);
}

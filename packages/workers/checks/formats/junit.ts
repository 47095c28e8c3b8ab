import { XMLParser } from "fast-xml-parser";
import type { Format, Parsed, Problem } from "../problem.ts";
import { cleanPath, findPlace } from "./place.ts";
import { excerptOf, oneLine } from "./text.ts";

/** What decides where a test case begins and ends. Everything else, log lines included, is passed over. */
const MARKS = /<!\[CDATA\[|<!--|<testcase(?=[\s>/])|<\/testcase>|<testsuites?(?=[\s>/])|<\/testsuites?>/g;

/**
 * JUnit XML as vitest, jest-junit, pytest, mocha and node write it. Each failing test case is read on its own,
 * so that a cut or damaged document keeps all whole ones.
 */
export const junitFormat: Format = {
  name: "junit",
  recognises: (text) => /<testsuites?[\s>]/.test(text) && /<testcase[\s>]|<\/testsuites?>|<testsuites?[^<>]*\/>/.test(text),
  parse(text): Parsed {
    const problems: Problem[] = [];
    const suites: Suite[] = [];
    let sawSuite = false;
    let isWhole = true;
    MARKS.lastIndex = 0;
    for (let mark = MARKS.exec(text); mark !== null; mark = MARKS.exec(text)) {
      const start = mark.index;
      if (mark[0] === "<![CDATA[" || mark[0] === "<!--") {
        MARKS.lastIndex = skipTo(text, mark[0] === "<!--" ? "-->" : "]]>", MARKS.lastIndex);
      } else if (mark[0].startsWith("</testsuite")) {
        suites.pop();
      } else if (mark[0] !== "</testcase>") {
        const open = endOfTag(text, start);
        if (open === -1) return { problems, complete: false };
        MARKS.lastIndex = open;
        const isClosed = text[open - 2] === "/";
        if (mark[0].startsWith("<testsuite")) {
          sawSuite = true;
          if (!isClosed) suites.push(new Suite(text.slice(start, open)));
        } else if (!isClosed) {
          const end = endOfCase(text, open);
          const found = readCase(text.slice(start, end.at), suites.at(-1));
          problems.push(...(found ?? []));
          isWhole &&= end.isClosed && found !== null;
          MARKS.lastIndex = end.at;
        }
      }
    }
    return { problems, complete: sawSuite && isWhole && suites.length === 0 };
  },
};

function skipTo(text: string, end: string, from: number): number {
  const found = text.indexOf(end, from);
  return found === -1 ? text.length : found + end.length;
}

/** Offset behind the `>` of the tag at `start`, quoted ones passed over; -1 when the text ends before. */
function endOfTag(text: string, start: number): number {
  const piece = /["'>]/g;
  piece.lastIndex = start;
  for (let found = piece.exec(text); found !== null; found = piece.exec(text)) {
    if (found[0] === ">") return found.index + 1;
    const quote = text.indexOf(found[0], found.index + 1);
    if (quote === -1) return -1;
    piece.lastIndex = quote + 1;
  }
  return -1;
}

function endOfCase(text: string, from: number): { readonly at: number; readonly isClosed: boolean } {
  const piece = /<!\[CDATA\[|<\/testcase>|<testcase(?=[\s>/])/g;
  piece.lastIndex = from;
  for (let found = piece.exec(text); found !== null; found = piece.exec(text)) {
    if (found[0] === "</testcase>") return { at: found.index + found[0].length, isClosed: true };
    if (found[0] === "<testcase") return { at: found.index, isClosed: false };
    piece.lastIndex = skipTo(text, "]]>", piece.lastIndex);
  }
  return { at: text.length, isClosed: false };
}

/** One node of fast-xml-parser's ordered form: its name as the only key beside `:@`, the attributes. */
type Node = Readonly<Record<string, unknown>>;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
});

/** The suite around a test case, its tag read only when a failure asks for it. */
class Suite {
  readonly #tag: string;
  #node: Node | undefined;

  constructor(tag: string) {
    this.#tag = tag;
  }

  attribute(name: string): string {
    this.#node ??= parseLeniently(`${this.#tag.slice(0, -1)}/>`)?.[0] ?? {};
    return attributeOf(this.#node, name);
  }
}

/** The failures of one test case, null when its XML cannot be read. */
function readCase(xml: string, suite: Suite | undefined): Problem[] | null {
  if (!/<(?:failure|error)[\s>/]/.test(xml)) return [];
  const nodes = parseLeniently(xml);
  const testCase = nodes?.find((node) => "testcase" in node);
  if (testCase === undefined) return null;
  const children = childrenOf(testCase, "testcase");
  const failure = children.find((node) => "failure" in node || "error" in node);
  // node writes the failure of a test marked todo beside its mark.
  if (failure === undefined || children.some((node) => "skipped" in node)) return [];
  return [readFailure(testCase, failure, suite)];
}

/** A cut test case ends at its last whole tag; when even that cannot be read, null. */
function parseLeniently(xml: string): readonly Node[] | null {
  for (const piece of [xml, xml.slice(0, xml.lastIndexOf(">") + 1)]) {
    try {
      return parser.parse(piece.includes("<![CDATA[") && !piece.includes("]]>") ? `${piece}]]>` : piece) as Node[];
    } catch {
      // The next piece is shorter.
    }
  }
  return null;
}

function readFailure(testCase: Node, failure: Node, suite: Suite | undefined): Problem {
  const kind = "failure" in failure ? "failure" : "error";
  const said = childrenOf(failure, kind)
    .map((node) => (typeof node["#text"] === "string" ? node["#text"] : cdataOf(node)))
    .join("");
  const message = attributeOf(failure, "message") || messageIn(said) || attributeOf(failure, "type");
  const className = attributeOf(testCase, "classname");
  const name = attributeOf(testCase, "name");
  const place = findPlace(said) ?? findPlace(attributeOf(failure, "message"));
  const file = place?.file ?? fileOf(testCase, className, name, suite);
  const line = place?.line ?? (Number.parseInt(attributeOf(testCase, "line"), 10) || null);
  const startLine = file !== null && line !== null && line >= 1 ? line : null;
  return {
    tool: "junit",
    rule: [className === name ? "" : className, name].filter((part) => part !== "").join(" ") || "test",
    message: oneLine(message) || "the test failed",
    level: "error",
    category: "test-failure",
    file,
    startLine,
    endLine: startLine,
    excerpt: excerptOf(said.trim() === "" ? message : said),
  };
}

/** pytest marks the lines that say what went wrong with an E. */
function messageIn(said: string): string {
  return /^E {3,}(\S.*)$/m.exec(said.slice(0, 100_000))?.[1] ?? said;
}

function fileOf(testCase: Node, className: string, name: string, suite: Suite | undefined): string | null {
  const named = attributeOf(testCase, "file") || suite?.attribute("file") || suite?.attribute("filepath") || "";
  if (named !== "") return cleanPath(named);
  const candidates = [className, name, suite?.attribute("name") ?? ""];
  const path = candidates.find((text) => /^[^\s:]*[\\/][^\s:]*\.\w+$/.test(text));
  return path === undefined ? null : cleanPath(path);
}

function childrenOf(node: Node, name: string): readonly Node[] {
  const children = node[name];
  return Array.isArray(children) ? (children as Node[]) : [];
}

function cdataOf(node: Node): string {
  return childrenOf(node, "__cdata")
    .map((part) => (typeof part["#text"] === "string" ? part["#text"] : ""))
    .join("");
}

function attributeOf(node: Node, name: string): string {
  const attributes = node[":@"];
  if (typeof attributes !== "object" || attributes === null || !Object.hasOwn(attributes, name)) return "";
  const value = (attributes as Record<string, unknown>)[name];
  return typeof value === "string" ? value : "";
}

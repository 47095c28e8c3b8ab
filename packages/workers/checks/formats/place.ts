import { splitLines } from "./text.ts";

export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Looked through for a place; a failure that names none in so many lines names none worth having. */
const MAX_LINES = 400;

const FOREIGN = [
  /(?:^|[\\/])node_modules[\\/]/,
  /^node:|^internal\//,
  /[\\/](?:site|dist)-packages[\\/]/,
  /[\\/]lib[\\/]python\d/,
  /^\/usr\/(?:lib|local\/lib|local\/go)\//,
  /[\\/]src[\\/](?:runtime|testing|reflect)[\\/][\w.]+\.go$/,
  /^\/rustc\//,
  /[\\/]\.cargo[\\/]registry[\\/]/,
  /[\\/]pkg[\\/]mod[\\/]/,
  /[\\/]\.pnp\.c?js|[\\/]\.yarn[\\/]/,
  /[<>]|^\[|^eval at /,
];

/** Whether a stack frame's file belongs to a dependency, a runtime or nothing on disk. */
export function isForeign(file: string): boolean {
  return file === "" || FOREIGN.some((pattern) => pattern.test(file));
}

/** The path as the file system knows it: no file:// URL, no query, no leading `./`. */
export function cleanPath(path: string): string {
  let clean = path.trim();
  if (/^file:\/\//i.test(clean)) {
    clean = clean.replace(/^file:\/\/(?:localhost)?/i, "").replace(/[?#].*$/, "");
    try {
      clean = decodeURIComponent(clean);
    } catch {
      // A stray % is part of the name.
    }
    clean = clean.replace(/^\/([A-Za-z]:)/, "$1");
  }
  return clean.replace(/^(?:\.[\\/])+/, "");
}

const AT_END = /:(\d{1,7}):(\d{1,7})\)?$/;
/** compilers and assertion libraries: `path:line:column: words` or `path:line: words` at the start of a line. */
const AT_START = /^([^\s:()'"]+\.\w+):(\d{1,7}):(?:(\d{1,7}):?)?(?= |$)/;
const BABEL = /^\w*Error: (\S+[\\/]\S+): /;
const BABEL_AT = /\((\d{1,7}):\d{1,7}\)$/;
const PANIC = /panicked at (?:.*, )?([^\s:',]+\.rs):(\d{1,7}):\d{1,7}:?$/;
const PYTHON = /^\s*File "([^"]+)", line (\d{1,7})/;
const WHOLE_LINE = /^(?:# )?([^\s:()'"]+\.\w+):(\d{1,7})(?::in .*)?$/;

/**
 * The place that a failure's text names: the top stack frame inside the project; Python writes the innermost
 * frame last, so there it is the last one. Null when no line names one.
 */
export function findPlace(text: string): Place | null {
  let python: Place | null = null;
  let babel: Place | null = null;
  for (const raw of splitLines(text.slice(0, 200_000)).slice(0, MAX_LINES)) {
    const line = raw.trim();
    const pythonFrame = PYTHON.exec(line) ?? (/\.py:\d/.test(line) ? AT_START.exec(line) : null);
    if (pythonFrame !== null) {
      python = placeOf(pythonFrame[1], pythonFrame[2]) ?? python;
      continue;
    }
    const place = readScriptFrame(line) ?? readOther(line);
    if (place !== null) return place;
    babel ??= placeOf(BABEL.exec(line)?.[1], BABEL_AT.exec(line)?.[1]);
  }
  return python ?? babel;
}

/** `at fn (file:1:2)`, `at file:1:2`, `❯ file:1:2`, `fn (file:1:2)` and the bare `file:1:2`. */
function readScriptFrame(line: string): Place | null {
  const end = AT_END.exec(line);
  if (end === null) return null;
  const head = line.slice(0, end.index);
  if (line.endsWith(")")) {
    const open = head.indexOf(" (");
    return open === -1 ? placeOf(head.replace(/^at /, "").replace(/^\(/, ""), end[1]) : placeOf(head.slice(open + 2), end[1]);
  }
  if (head.startsWith("at ")) return placeOf(head.slice(3).replace(/^async /, ""), end[1]);
  const last = head.startsWith("❯ ") ? head.slice(head.lastIndexOf(" ") + 1) : head;
  return /^\S+\.\w+$/.test(last) ? placeOf(last, end[1]) : null;
}

function readOther(line: string): Place | null {
  const found = PANIC.exec(line) ?? AT_START.exec(line) ?? WHOLE_LINE.exec(line);
  return found === null ? null : placeOf(found[1], found[2]);
}

/** A place from a path and a line as written, null when the file is foreign or no line. */
export function placeOf(path: string | undefined, line: string | undefined): Place | null {
  const file = cleanPath(path ?? "");
  const number = Number(line);
  return isForeign(file) || !Number.isInteger(number) || number < 1 ? null : { file, line: number };
}

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findExecutable } from "@okstra/node/exec/find-program";
import { quoteShell } from "./quote-shell.ts";

export interface SpiedCall {
  readonly program: string;
  /** Arguments without the program. */
  readonly argv: readonly string[];
  /** RFC 3339 UTC. */
  readonly at: string;
}

export interface SpiedPrograms {
  /** Directory to put in front of PATH. */
  readonly path: string;
  /** All calls so far, in the order in which they began. */
  calls(): readonly SpiedCall[];
}

/**
 * Makes wrappers in `dir` that write down how they are called, then become the real program. A call is written down
 * before the program starts, in one write at the log's end. git's calls of itself are not seen: it looks for itself
 * in its own folder first.
 * @param options.instead absolute path of an executable that is started in place of a program, e.g. a script for `gh`
 * @throws Error when a program is neither on PATH nor given
 */
export async function spyPrograms(
  dir: string,
  programs: readonly string[],
  options: { instead?: Readonly<Record<string, string>> } = {},
): Promise<SpiedPrograms> {
  const path = join(dir, "bin");
  const log = join(dir, "calls");
  mkdirSync(path, { recursive: true });
  for (const program of programs) {
    const real = options.instead?.[program] ?? (await findExecutable(program, process.env["PATH"] ?? ""));
    if (real === null || real === join(path, program)) throw new Error(`There is no ${program} to spy on.`);
    const wrapper = join(path, program);
    writeFileSync(wrapper, writeWrapper(program, real, log));
    chmodSync(wrapper, 0o755);
  }
  return { path, calls: () => (existsSync(log) ? parseCalls(readFileSync(log, "utf8")) : []) };
}

/** A record is `<program> NUL <seconds> NUL <number of arguments> NUL`, then each argument and NUL. */
function writeWrapper(program: string, real: string, log: string): string {
  const record = `${quoteShell(`${log}.`)}$$`;
  return `#!/bin/sh
printf '%s\\0' ${quoteShell(program)} "$(date +%s.%N)" "$#" "$@" >${record}
cat ${record} >>${quoteShell(log)}
rm -f ${record}
exec ${quoteShell(real)} "$@"
`;
}

function parseCalls(text: string): SpiedCall[] {
  const words = text.split("\0").slice(0, -1);
  const calls: SpiedCall[] = [];
  for (let index = 0; index < words.length;) {
    const [program = "", seconds = "", count = ""] = words.slice(index, index + 3);
    const end = index + 3 + Number(count);
    // `date` knows no %N everywhere.
    const at = new Date(Math.floor(Number.parseFloat(seconds) * 1000)).toISOString();
    calls.push({ program, argv: words.slice(index + 3, end), at });
    index = end;
  }
  return calls;
}

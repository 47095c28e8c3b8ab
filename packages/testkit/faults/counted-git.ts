import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A `git` that comes first on PATH, notes its arguments when node started it, and becomes the real one. */
export interface CountedGit {
  /** PATH with that git in front. */
  readonly path: string;
  /** Argument lists so far, and forgets them. */
  take(): readonly string[];
}

export function installCountedGit(directory: string): CountedGit {
  const search = process.env["PATH"] ?? "";
  const real =
    search
      .split(delimiter)
      .map((each) => join(each, "git"))
      .find((each) => existsSync(each)) ?? "git";
  const log = join(directory, "git.log");
  const bin = join(directory, "counted-git");
  mkdirSync(bin, { recursive: true });
  const lines = [`case "$(ps -o comm= -p "$PPID")" in *node*|MainThread) printf '%s\\n' "$*" >> '${log}';; esac`, `exec '${real}' "$@"`];
  writeFileSync(join(bin, "git"), `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(join(bin, "git"), 0o755);
  return {
    path: `${bin}${delimiter}${search}`,
    take() {
      const found = existsSync(log)
        ? readFileSync(log, "utf8")
            .split("\n")
            .filter((line) => line !== "")
        : [];
      rmSync(log, { force: true });
      return found;
    },
  };
}

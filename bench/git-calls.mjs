import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A `git` in front of PATH that notes each start by node and becomes the real one; git's own children are not counted. */
export function installCountedGit(directory) {
  const search = process.env["PATH"] ?? "";
  const real = search
    .split(delimiter)
    .map((each) => join(each, "git"))
    .find((each) => existsSync(each));
  const log = join(directory, "git.log");
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "git"),
    `#!/bin/sh\ncase "$(ps -o comm= -p "$PPID")" in *node*|MainThread) echo x >> '${log}';; esac\nexec '${real}' "$@"\n`,
  );
  chmodSync(join(directory, "git"), 0o755);
  return {
    path: `${directory}${delimiter}${search}`,
    take() {
      const count = existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0;
      rmSync(log, { force: true });
      return count;
    },
  };
}

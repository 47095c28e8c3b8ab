import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quoteShell } from "./quote-shell.ts";

export interface SshStandIn {
  /** For GIT_SSH: a program named `ssh`, so that git talks with it as with the real one. */
  readonly command: string;
  /** URL of a repository by its absolute path. */
  url(path: string): string;
  /** `<host> <command>` of each call so far, as the other side would see it. */
  calls(): readonly string[];
}

/**
 * A program in `dir` that takes the place of ssh: it ignores the host and lets git's own restricted shell run the
 * command here, with no more of the caller's environment than sshd would pass.
 * @param options.delayMs how long it says nothing; `never` answers never. It ignores SIGTERM, SIGINT and SIGHUP then
 */
export function sshStandIn(dir: string, options: { delayMs?: number | "never" } = {}): SshStandIn {
  mkdirSync(dir, { recursive: true });
  const command = join(dir, "ssh");
  const log = join(dir, "ssh-calls");
  writeFileSync(
    command,
    `#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in
    -o | -p | -l | -i | -F) shift 2 ;;
    -*) shift ;;
    *) break ;;
  esac
done
host=$1
shift
${options.delayMs === undefined ? "" : "trap '' TERM INT HUP"}
echo "$host $*" >>${quoteShell(log)}
${waitingLines(options.delayMs)}
exec env -i PATH="$PATH" HOME="$HOME" LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_PROTOCOL="$GIT_PROTOCOL" git shell -c "$*"
`,
  );
  chmodSync(command, 0o755);
  return {
    command,
    url: (path) => `ssh://git@remote.invalid${path}`,
    calls: () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(0, -1) : []),
  };
}

function waitingLines(delayMs: number | "never" | undefined): string {
  if (delayMs === undefined) return "";
  return delayMs === "never" ? "while :; do sleep 3600; done" : `sleep ${delayMs / 1000}\ntrap - TERM INT HUP`;
}

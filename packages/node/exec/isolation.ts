import { startInNamespace, type NamespaceTools } from "./namespace-tree.ts";
import { findExecutable } from "./find-program.ts";
import { waitAtMost, type StartRequest } from "./held-tree.ts";

const SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin";
const PROBE_MS = 5000;

/** What the system allows does not change while a process lives, so it is asked once. */
let probe: Promise<NamespaceTools | null> | undefined;

/** How to make PID namespaces here; null where that is not possible. The first call tries it (about 10 ms). */
export function fetchNamespaceTools(): Promise<NamespaceTools | null> {
  probe ??= probeNamespaces();
  return probe;
}

async function probeNamespaces(): Promise<NamespaceTools | null> {
  if (process.platform !== "linux") return null;
  const path = `${SYSTEM_PATH}:${process.env["PATH"] ?? ""}`;
  const [setpriv, unshare, nsenter, setsid, sh] = await Promise.all(
    ["setpriv", "unshare", "nsenter", "setsid", "sh"].map((name) => findExecutable(name, path)),
  );
  if (!setpriv || !unshare || !nsenter || !setsid || !sh) return null;
  // Root does without a user namespace: in one, files of other users would be out of reach.
  const variants = process.getuid?.() === 0 ? [false, true] : [true];
  for (const withUser of variants) {
    const tools = { setpriv, unshare, nsenter, setsid, sh, withUser, path };
    if (await works(tools)) return tools;
  }
  return null;
}

/** Runs a program in a namespace and looks whether it ended well there. */
async function works(tools: NamespaceTools): Promise<boolean> {
  const request: StartRequest = { program: tools.sh, args: ["-c", "exit 7"], cwd: "/", env: {}, hasStdin: false, runId: "probe" };
  const tree = await startInNamespace(tools, request).catch(() => null);
  if (tree === null) return false;
  const exit = await waitAtMost(
    tree.exited.catch(() => undefined),
    PROBE_MS,
  );
  await tree.finishOff();
  tree.child.stdout?.destroy();
  tree.child.stderr?.destroy();
  return exit?.exitCode === 7;
}

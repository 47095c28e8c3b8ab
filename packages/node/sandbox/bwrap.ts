import { stat } from "node:fs/promises";
import type { SandboxRequest } from "@okstra/core/ports";
import { loadRealPaths } from "./real-paths.ts";

/** What root keeps inside: enough for its own files whoever owns them, nothing that could mount or look elsewhere. */
const ROOT_KEEPS = ["CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_CHOWN", "CAP_KILL"];

/**
 * Arguments of bubblewrap for a request, up to `--`: everything read-only, the rest laid over it in the request's order.
 * `/dev` is a private one, shared memory included: devices of the machine, its disks above all, lead around every mount.
 * @param options.ownProcesses puts the tree into a PID namespace of its own, where it is in none yet: other processes'
 *   `/proc/<pid>/root` leads out of every sandbox
 */
export async function bwrapArguments(request: SandboxRequest, options: { ownProcesses: boolean; isRoot: boolean }): Promise<string[]> {
  const { writable, readOnly, hidden, exposed } = await loadRealPaths(request);
  const args = ["--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev"];
  // A new one is writable, and root could change the kernel's settings through it.
  if (options.ownProcesses) args.push("--unshare-pid", "--proc", "/proc", "--remount-ro", "/proc");
  if (options.isRoot) args.push("--cap-drop", "ALL", ...ROOT_KEEPS.flatMap((name) => ["--cap-add", name]));
  for (const path of writable) args.push("--bind", path, path);
  for (const path of readOnly) args.push("--ro-bind", path, path);
  const emptied: string[] = [];
  for (const path of hidden) {
    if (await isDirectory(path)) {
      args.push("--perms", "0700", "--tmpfs", path);
      emptied.push(path);
    } else args.push("--ro-bind", "/dev/null", path);
  }
  for (const { path, writable: isWritable } of exposed) args.push(isWritable ? "--bind" : "--ro-bind", path, path);
  // What is hidden is empty, and stays so: nobody can leave a file there that looks like the real one.
  for (const path of emptied) args.push("--remount-ro", path);
  return [...args, "--"];
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

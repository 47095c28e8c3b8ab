import { realpath, stat } from "node:fs/promises";
import type { SandboxRequest } from "@okstra/core/ports";

/** What root keeps inside: enough for its own files whoever owns them, nothing that could mount or look elsewhere. */
const ROOT_KEEPS = ["CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_CHOWN", "CAP_KILL"];

/**
 * Arguments of bubblewrap for a request, up to `--`: everything read-only, the rest laid over it in the request's order.
 * Links are resolved first, and a path that does not exist is passed over.
 * @param options.ownProcesses puts the tree into a PID namespace of its own, where it is in none yet: other processes'
 *   `/proc/<pid>/root` leads out of every sandbox
 */
export async function bwrapArguments(request: SandboxRequest, options: { ownProcesses: boolean; isRoot: boolean }): Promise<string[]> {
  const args = ["--die-with-parent", "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev"];
  if (await isDirectory("/dev/shm")) args.push("--tmpfs", "/dev/shm");
  if (options.ownProcesses) args.push("--unshare-pid", "--proc", "/proc");
  if (options.isRoot) args.push("--cap-drop", "ALL", ...ROOT_KEEPS.flatMap((name) => ["--cap-add", name]));
  const bind = async (path: string, writable: boolean): Promise<void> => {
    const real = await resolveExisting(path);
    if (real !== null) args.push(writable ? "--bind" : "--ro-bind", real, real);
  };
  for (const path of request.writable) await bind(path, true);
  for (const path of request.readOnly) await bind(path, false);
  const emptied: string[] = [];
  for (const path of request.hidden) {
    const real = await resolveExisting(path);
    if (real === null) continue;
    if (await isDirectory(real)) {
      args.push("--perms", "0700", "--tmpfs", real);
      emptied.push(real);
    } else args.push("--ro-bind", "/dev/null", real);
  }
  for (const { path, writable } of request.exposed) await bind(path, writable);
  // What is hidden is empty, and stays so: nobody can leave a file there that looks like the real one.
  for (const path of emptied) args.push("--remount-ro", path);
  return [...args, "--"];
}

async function resolveExisting(path: string): Promise<string | null> {
  return realpath(path).catch(() => null);
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

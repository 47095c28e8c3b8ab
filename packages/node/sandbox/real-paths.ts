import { realpath } from "node:fs/promises";
import type { SandboxRequest } from "@okstra/core/ports";

/** The request with every link resolved, as the kernel will see the paths; those that do not exist are left out. */
export async function loadRealPaths(request: SandboxRequest): Promise<SandboxRequest> {
  const resolveAll = async (paths: readonly string[]): Promise<string[]> => {
    const found = await Promise.all(paths.map((path) => realpath(path).catch(() => null)));
    return found.filter((path) => path !== null);
  };
  const exposed = await Promise.all(
    request.exposed.map(async ({ path, writable }) => (await resolveAll([path])).map((real) => ({ path: real, writable }))),
  );
  return {
    writable: await resolveAll(request.writable),
    readOnly: await resolveAll(request.readOnly),
    hidden: await resolveAll(request.hidden),
    exposed: exposed.flat(),
  };
}

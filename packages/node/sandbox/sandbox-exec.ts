import type { SandboxRequest } from "@okstra/core/ports";

/**
 * Profile for macOS's sandbox-exec: the later of two rules wins there, so they stand in the request's order. It matches
 * real paths only (`/tmp` is a link there), which is what the request must have. Written from the profile language's
 * documentation; it has not been run on a macOS machine by this project.
 */
export function sandboxProfile(request: SandboxRequest): string {
  const rules = ["(version 1)", "(allow default)", "(deny file-write*)", '(allow file-write* (subpath "/dev"))'];
  for (const path of request.writable) rules.push(`(allow file-write* (subpath ${quote(path)}))`);
  for (const path of request.readOnly) rules.push(`(deny file-write* (subpath ${quote(path)}))`);
  for (const path of request.hidden) rules.push(`(deny file-read* file-write* (subpath ${quote(path)}))`);
  for (const { path, writable } of request.exposed) {
    rules.push(`(allow file-read* (subpath ${quote(path)}))`);
    rules.push(`(${writable ? "allow" : "deny"} file-write* (subpath ${quote(path)}))`);
  }
  return `${rules.join("\n")}\n`;
}

function quote(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

import { OkstraError } from "@okstra/core/errors";

/** Turns a refusal of the operating system into an error with a stable code that names the place. */
export function asIoError(error: unknown, path: string): OkstraError {
  if (error instanceof OkstraError) return error;
  const code = errnoOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new OkstraError("OKSTRA_DISK_FULL", {
      message: `No space left for ${path}.`,
      hint: `Free space (or inodes) on the disk of ${path}, then run the command again.`,
      details: { path, errno: code },
      cause: error,
    });
  }
  return new OkstraError("OKSTRA_IO_FAILED", {
    message: `${code ?? "I/O error"} at ${path}.`,
    details: { path, errno: code ?? null },
    cause: error,
  });
}

export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** True for "it is not there": the one refusal that many readers answer with null. */
export function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

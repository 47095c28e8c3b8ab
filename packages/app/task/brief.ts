import { OkstraError } from "@okstra/core/errors";

/** The largest brief in bytes. */
export const MAX_BRIEF_BYTES = 1024 * 1024;

/** @throws OKSTRA_PREPARE_BRIEF_TOO_LARGE, OKSTRA_PREPARE_BRIEF_UNREADABLE */
export function requireBrief(brief: string | null): string | null {
  if (brief === null) return null;
  if (new TextEncoder().encode(brief).length > MAX_BRIEF_BYTES)
    throw new OkstraError("OKSTRA_PREPARE_BRIEF_TOO_LARGE", {
      message: `The brief has over ${MAX_BRIEF_BYTES} bytes.`,
      details: { limit: MAX_BRIEF_BYTES },
    });
  if (brief.includes("\0") || brief.includes("\uFFFD"))
    throw new OkstraError("OKSTRA_PREPARE_BRIEF_UNREADABLE", { message: "The brief is not UTF-8 text." });
  return brief;
}

import { OkstraError } from "@okstra/core/errors";

/** Number of a run as the flag gives it; null without one. @throws OKSTRA_USAGE */
export function readRunNumber(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^0*[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OkstraError("OKSTRA_USAGE", { message: `"${text.slice(0, 40)}" is no number of a run.` });
}

import { canonicalJson } from "@okstra/core/domain/task-context";

/** What an agent's last message delivers as its result. */
export type PickedResult = { readonly text: string } | { readonly refused: string } | null;

/**
 * The result in a message: its fenced `json` block. Where there are several, those that look like a result (an object
 * with a `nonce`) are taken; two that differ are no result, because nobody can tell which one is meant.
 */
export function pickFencedResult(message: string): PickedResult {
  const results = new Map<string, string>();
  for (const block of fencedBlocks(message)) {
    const value = parseObject(block);
    if (value !== null && typeof value.members["nonce"] === "string") results.set(value.canonical, block);
  }
  const [only, ...others] = results.values();
  if (others.length > 0) return { refused: "the last message holds two different results" };
  if (only !== undefined) return { text: only };
  // An agent that was told to answer with JSON alone needs no fence.
  return parseObject(message) === null ? null : { text: message };
}

/** Contents of blocks fenced by three or more backticks, alone or marked `json`, as CommonMark reads them. */
function fencedBlocks(message: string): string[] {
  const blocks: string[] = [];
  let fence = "";
  let lines: string[] = [];
  for (const line of message.split(/\r?\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})([^`]*)$/.exec(line);
    if (fence === "") {
      if (mark === null) continue;
      fence = mark[1] ?? "";
      lines = [];
      // What is fenced as something else is skipped to its end.
      if (!/^(?:json[c5]?)?$/i.test((mark[2] ?? "").trim())) lines = ["\0"];
      continue;
    }
    const closes = mark !== null && mark[1]?.[0] === fence[0] && (mark[1]?.length ?? 0) >= fence.length && (mark[2] ?? "").trim() === "";
    if (!closes) {
      lines.push(line);
      continue;
    }
    if (lines[0] !== "\0") blocks.push(lines.join("\n"));
    fence = "";
  }
  return blocks;
}

/** An object with its text in canonical form; null for what is none, or is nested too deep to be looked at. */
function parseObject(text: string): { members: Readonly<Record<string, unknown>>; canonical: string } | null {
  const json = text.trim();
  if (!json.startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== "object" || value === null) return null;
    return { members: value as Record<string, unknown>, canonical: canonicalJson(value) };
  } catch {
    return null;
  }
}

import type { ModelProtocol } from "@okstra/core/fake-model-port";

/** What the server says to one request. */
export interface Answer {
  readonly protocol: ModelProtocol;
  /** Model that is asked for, echoed as the one that serves; null where nothing is generated (a count of tokens). */
  readonly model: string | null;
  /** Server-sent events, whole; null for one JSON document. */
  readonly events: readonly string[] | null;
  readonly document: unknown;
}

export const INPUT_TOKENS = 10;
export const OUTPUT_TOKENS = 5;

/** The one result that is ever given; null where the request has no nonce, such as a title for the conversation. */
export function fixedResult(nonce: string | null): { nonce: string; findings: readonly [] } | null {
  return nonce === null ? null : { nonce, findings: [] };
}

/** `bare`: the asker wants JSON and nothing around it. */
export function fixedText(nonce: string | null, bare: boolean): string {
  const result = fixedResult(nonce);
  if (result === null) return bare ? "{}" : "ok";
  return bare ? JSON.stringify(result) : `\`\`\`json\n${JSON.stringify(result)}\n\`\`\``;
}

export function modelOf(body: Readonly<Record<string, unknown>>): string {
  return typeof body["model"] === "string" ? body["model"] : "unknown";
}

export function sse(data: unknown, event?: string): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

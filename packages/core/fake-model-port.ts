/** Which way a model is asked. */
export type ModelProtocol = "anthropic" | "responses" | "chat" | "gemini";

/**
 * A model server on 127.0.0.1 for trying an agent without a vendor. It answers every conversation with one fixed result
 * that carries the nonce of the prompt, in the way that the agent asks for it.
 */
export interface FakeModel {
  /** `http://127.0.0.1:<port>` */
  readonly baseUrl: string;
  /** What it was asked, in order; at most the first 1000. */
  readonly asked: readonly { readonly protocol: ModelProtocol; readonly model: string; readonly nonce: string | null }[];
  /** Other hosts that were asked for through it as a proxy: refused. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

import { fixedText, INPUT_TOKENS, OUTPUT_TOKENS, sse, type Answer } from "./answer.ts";

/** The Gemini API (ai.google.dev/api/generate-content): generateContent, streamGenerateContent, countTokens. */
export function answerGemini(
  body: Readonly<Record<string, unknown>>,
  nonce: string | null,
  { model, method }: { model: string; method: string },
): Answer | null {
  const protocol = "gemini";
  if (method === "countTokens") return { protocol, model: null, events: null, document: { totalTokens: INPUT_TOKENS } };
  if (method !== "generateContent" && method !== "streamGenerateContent") return null;
  const config = body["generationConfig"] as { responseMimeType?: unknown } | undefined;
  const document = {
    candidates: [
      {
        index: 0,
        content: { role: "model", parts: [{ text: fixedText(nonce, config?.responseMimeType === "application/json") }] },
        finishReason: "STOP",
      },
    ],
    usageMetadata: {
      promptTokenCount: INPUT_TOKENS,
      candidatesTokenCount: OUTPUT_TOKENS,
      totalTokenCount: INPUT_TOKENS + OUTPUT_TOKENS,
    },
    modelVersion: model,
    responseId: "okstra",
  };
  return { protocol, model, events: method === "streamGenerateContent" ? [sse(document)] : null, document };
}

import * as z from "zod";

/** Tokens of a lane so far, as the agent's own stream counts them. A count that the agent does not give is absent. */
export const usageSchema = z.looseObject({
  inputTokens: z.int().min(0).optional().describe("Not read from a cache"),
  cachedInputTokens: z.int().min(0).optional(),
  cacheWriteTokens: z.int().min(0).optional(),
  outputTokens: z.int().min(0).optional().describe("Reasoning included"),
  mixed: z.boolean().optional().describe("Of several models together, which no one price fits"),
  totalTokens: z.int().min(0).describe("All of the above; what a token budget counts"),
});
export type Usage = z.infer<typeof usageSchema>;

/** A decimal number of units of a currency, never a binary fraction. */
export const moneySchema = z.looseObject({
  amount: z.string().regex(/^\d+(?:\.\d+)?$/),
  currency: z.string().regex(/^[A-Z]{3}$/),
});
export type Money = z.infer<typeof moneySchema>;

/** What a lane cost. Null in its place means that nobody can tell. */
export const costSchema = z.looseObject({
  ...moneySchema.shape,
  source: z.enum(["agent", "prices"]).describe("Whether the agent said it or okstra's table of prices gives it"),
});
export type Cost = z.infer<typeof costSchema>;

/** Hard limits; 0 or absent means none. */
export const budgetSchema = z.looseObject({
  wallMs: z.int().min(0).optional().describe("Wall time in milliseconds"),
  idleMs: z.int().min(0).optional().describe("Milliseconds without a sign of life"),
  tokens: z.int().min(0).optional(),
  cost: z
    .string('Write the amount as a text, for example "2.50" or "2.50 EUR"')
    .regex(/^\d+(?:\.\d+)?(?: [A-Z]{3})?$/, 'Write an amount, for example "2.50" or "2.50 EUR"')
    .optional()
    .describe('For example "2.50" or "2.50 USD"; without a currency it is USD'),
  outputBytes: z.int().min(0).optional().describe("Bytes that the worker prints"),
});
export type Budget = z.infer<typeof budgetSchema>;

/** Which limit ended a lane, and how far it was. Units as in {@link budgetSchema}; a cost is in the currency's units. */
export const budgetBreachSchema = z.looseObject({
  scope: z.enum(["worker", "run"]),
  limit: z.enum(["wall", "idle", "tokens", "cost", "output"]),
  allowed: z.string(),
  used: z.string(),
});
export type BudgetBreach = z.infer<typeof budgetBreachSchema>;

/** One answer to an agent that asked whether it may. */
export const permissionRecordSchema = z.looseObject({
  at: z.string(),
  tool: z.string().describe("Kind of tool as the agent named it, e.g. edit"),
  title: z.string(),
  answer: z.enum(["allowed", "refused", "cancelled"]),
  rule: z.string().describe("Which rule of the policy decided"),
});
export type PermissionRecord = z.infer<typeof permissionRecordSchema>;

/** One try of a lane: the second goes on from the first's session where the agent can. */
export const attemptRecordSchema = z.looseObject({
  startedAt: z.string(),
  endedAt: z.string(),
  sessionId: z.string().nullable(),
  resumed: z.boolean(),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  failure: z.string().nullable(),
});
export type AttemptRecord = z.infer<typeof attemptRecordSchema>;

/** `off`: by setting; `unavailable`: wanted where possible, and not possible here; `none`: the worker is okstra's own code. */
export const sandboxStateSchema = z.enum(["bwrap", "sandbox-exec", "off", "unavailable", "none"]);
export type SandboxState = z.infer<typeof sandboxStateSchema>;

export const sandboxSettingSchema = z.enum(["auto", "require", "off"]);
export type SandboxSetting = z.infer<typeof sandboxSettingSchema>;

/** A family that is not known agrees with nobody: it adds nothing to support and nothing to kEff. */
export const UNKNOWN_FAMILY = "unknown";

/** One line of `workers/<lane>/transcript.jsonl`: what an agent did, as okstra read it. */
export interface TranscriptEntry {
  readonly at: string;
  readonly kind:
    | "session"
    | "model"
    | "message"
    | "thought"
    | "tool"
    | "plan"
    | "permission"
    | "usage"
    | "result"
    | "retry"
    | "error"
    | "note";
  /** For a person; may have several lines. */
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

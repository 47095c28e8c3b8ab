import * as z from "zod";
import type { Cost, Usage } from "./agent-use.ts";
import { matchesPattern } from "./models.ts";
import { addMoney, multiplyPrice } from "./money.ts";

const amount = z.string().regex(/^\d+(?:\.\d+)?$/);

const priceRowSchema = z.looseObject({
  match: z.string().min(1).describe("Model id, or a pattern in which * stands for anything; the first that matches counts"),
  inputPerMillion: amount,
  outputPerMillion: amount,
  cachedInputPerMillion: amount.optional(),
  cacheWritePerMillion: amount.optional().describe("Of a cache that is kept for the vendor's shortest time"),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional()
    .describe("The table's own when absent"),
  source: z.string().optional().describe("Public page that it is from"),
});

/** `assets/prices.json`: list prices per million tokens at one date. */
export const priceTableSchema = z.looseObject({
  schema: z.literal(1),
  asOf: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  currency: z.string().regex(/^[A-Z]{3}$/),
  models: z.array(priceRowSchema),
});
export type PriceTable = z.infer<typeof priceTableSchema>;
export type PriceRow = z.infer<typeof priceRowSchema>;

/**
 * What a usage costs by the table. Null when there is no row for the model, or when the usage has tokens that the row has
 * no price for, that nobody told apart, or that do not add up: an unknown cost is never guessed.
 */
export function priceOf(usage: Usage, model: string, table: PriceTable): Cost | null {
  const row = findPrice(model, table);
  if (row === null || usage.mixed === true) return null;
  const { inputTokens = 0, cachedInputTokens = 0, cacheWriteTokens = 0, outputTokens = 0, totalTokens } = usage;
  if (inputTokens + cachedInputTokens + cacheWriteTokens + outputTokens !== totalTokens) return null;
  const currency = row.currency ?? table.currency;
  let sum = { amount: "0", currency };
  for (const [tokens, price] of [
    [inputTokens, row.inputPerMillion],
    [cachedInputTokens, row.cachedInputPerMillion],
    [cacheWriteTokens, row.cacheWritePerMillion],
    [outputTokens, row.outputPerMillion],
  ] as const) {
    if (tokens === 0) continue;
    if (price === undefined) return null;
    sum = addMoney(sum, { amount: multiplyPrice(price, tokens), currency });
  }
  return { ...sum, source: "prices" };
}

/** Prefixes that name the vendor itself. Whoever else serves a model has prices of their own. */
const OWN_PREFIX = /^(?:anthropic|openai|google|gemini|models|deepseek|xai)\//u;

/** The row of a model: by its whole id, or by what the vendor itself calls it. */
export function findPrice(model: string, table: PriceTable): PriceRow | null {
  const name = model.trim().toLowerCase();
  const bare = name.replace(OWN_PREFIX, "");
  return table.models.find(({ match }) => matchesPattern(name, match.toLowerCase()) || matchesPattern(bare, match.toLowerCase())) ?? null;
}

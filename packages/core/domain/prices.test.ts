import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Usage } from "./agent-use.ts";
import { familyOfModel, modelTable } from "./models.ts";
import { addMoney, compareMoney } from "./money.ts";
import { findPrice, priceOf, priceTableSchema, type PriceTable } from "./prices.ts";

const shipped = priceTableSchema.parse(JSON.parse(readFileSync(new URL("../../../assets/prices.json", import.meta.url), "utf8")));

const table: PriceTable = {
  schema: 1,
  asOf: "2026-01-31",
  currency: "USD",
  models: [
    { match: "acme-1-mini*", inputPerMillion: "0.10", outputPerMillion: "0.40" },
    {
      match: "acme-1*",
      inputPerMillion: "3",
      outputPerMillion: "15",
      cachedInputPerMillion: "0.30",
      cacheWritePerMillion: "3.75",
      currency: "EUR",
    },
  ],
};

test("a usage costs each kind of token at its own price, exactly", () => {
  const usage: Usage = { inputTokens: 1, cachedInputTokens: 10, cacheWriteTokens: 100, outputTokens: 1000, totalTokens: 1111 };
  expect(priceOf(usage, "acme-1-20260101", table)).toEqual({ amount: "0.015381", currency: "EUR", source: "prices" });
  expect(priceOf({ inputTokens: 5, totalTokens: 5 }, "acme-1-mini", table)).toEqual({
    amount: "0.0000005",
    currency: "USD",
    source: "prices",
  });
  expect(priceOf({ totalTokens: 0 }, "acme-1-mini", table)).toEqual({ amount: "0", currency: "USD", source: "prices" });
});

test.each<[string, string, Usage]>([
  ["the model has no row", "other-1", { inputTokens: 1, totalTokens: 1 }],
  ["another one than the vendor serves it", "reseller/acme-1", { inputTokens: 1, totalTokens: 1 }],
  ["nobody told the tokens apart", "acme-1", { totalTokens: 10 }],
  ["some tokens are of no kind", "acme-1", { inputTokens: 4, outputTokens: 5, totalTokens: 10 }],
  ["the counts do not add up", "acme-1", { inputTokens: 8, outputTokens: 5, totalTokens: 10 }],
  ["the row has no price for cached tokens", "acme-1-mini", { inputTokens: 4, cachedInputTokens: 6, totalTokens: 10 }],
  ["the row has no price for writing a cache", "acme-1-mini", { inputTokens: 4, cacheWriteTokens: 6, totalTokens: 10 }],
])("the cost is unknown when %s", (_, model, usage) => {
  expect(priceOf(usage, model, table)).toBeNull();
});

test("the vendor's own prefix is no other model", () => {
  for (const id of ["anthropic/acme-1", "models/acme-1", "ACME-1"]) expect(findPrice(id, table)?.match).toBe("acme-1*");
});

test("a part never costs more than the whole, and two halves cost what the whole does", () => {
  const count = fc.nat({ max: 10_000_000 });
  const usage = fc.tuple(count, count, count, count).map(([inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens]): Usage => {
    const totalTokens = inputTokens + cachedInputTokens + cacheWriteTokens + outputTokens;
    return { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, totalTokens };
  });
  fc.assert(
    fc.property(usage, usage, (one, other) => {
      const both = Object.fromEntries(
        (["inputTokens", "cachedInputTokens", "cacheWriteTokens", "outputTokens", "totalTokens"] as const).map((name) => [
          name,
          (one[name] ?? 0) + (other[name] ?? 0),
        ]),
      ) as Usage;
      const [a, b, whole] = [one, other, both].map((each) => priceOf(each, "acme-1", table));
      if (!a || !b || !whole) throw new Error("all of them have a price");
      expect(compareMoney(addMoney(a, b), whole)).toBe(0);
      expect(compareMoney(a, whole)).toBeLessThanOrEqual(0);
    }),
  );
});

test("the table that okstra comes with is dated, names its sources and has no two rows for one model", () => {
  expect(Date.parse(shipped.asOf)).toBeLessThan(Date.now());
  const models = modelTable();
  for (const row of shipped.models) {
    expect(row.source).toMatch(/^https:\/\//);
    expect(familyOfModel(row.match, models)).not.toBeNull();
    expect(shipped.models.filter(({ match }) => match === row.match)).toHaveLength(1);
    if (row.cachedInputPerMillion !== undefined) expect(Number(row.cachedInputPerMillion)).toBeLessThan(Number(row.inputPerMillion));
    expect(Number(row.inputPerMillion)).toBeLessThan(Number(row.outputPerMillion));
  }
});

test("a longer context, another host and a later model of the same name have no price of their own here", () => {
  expect(findPrice("claude-sonnet-4-5-20250929", shipped)?.inputPerMillion).toBe("3");
  expect(findPrice("anthropic/claude-sonnet-4-5", shipped)?.inputPerMillion).toBe("3");
  for (const id of [
    "claude-sonnet-4-5-20250929[1m]",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "github-copilot/gpt-5",
    "claude-sonnet-9",
    "gpt-5.9",
    "gpt-5-pro",
    "gemini-2.5-pro",
  ])
    expect(findPrice(id, shipped)).toBeNull();
});

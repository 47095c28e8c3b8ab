import { expect, test } from "vitest";
import { unheldCost } from "./run-spend.ts";

const usd = (amount: string): { amount: string; currency: string } => ({ amount, currency: "USD" });

test("a limit of cost holds only a cost that is known, in its currency", () => {
  expect(unheldCost([{ cost: "2.00" }, null], usd("0.30"))).toBeNull();
  expect(unheldCost([undefined, { cost: "2.00" }], null)).toBe("2.00 USD");
  expect(unheldCost([{ cost: "2 USD" }, { cost: "3 EUR" }], usd("0.30"))).toBe("3 EUR");
  expect(unheldCost([{ cost: "0" }, { tokens: 5 }], null)).toBeNull();
});

import { expect, test } from "vitest";
import { totalOf } from "../src/basket.ts";
import { discountOf } from "../src/discount.ts";
import { formatCents } from "../src/money.ts";

test("an empty basket costs nothing", () => {
  expect(totalOf([])).toBe(0);
});

test("shipping is added below 40.00", () => {
  expect(formatCents(totalOf([{ article: "tea", price: 12_50, quantity: 2 }]))).toBe("29.90");
});

test("a subtotal of exactly 50.00 earns the discount", () => {
  expect(discountOf(50_00)).toBe(2_50);
});

test("a large basket earns ten per cent", () => {
  expect(totalOf([{ article: "chair", price: 60_00, quantity: 2 }])).toBe(108_00);
});

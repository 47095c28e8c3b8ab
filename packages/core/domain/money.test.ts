import fc from "fast-check";
import { expect, test } from "vitest";
import { addMoney, compareMoney, formatMoney, multiplyPrice, parseMoney, sumMoney } from "./money.ts";

const usd = (amount: string): { amount: string; currency: string } => ({ amount, currency: "USD" });

/** Whole number of billionths, and the amount as somebody may write it. */
const amount = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat({ max: 3 })).map(([units, zeros]) => ({
  units,
  text: `${units / 10n ** 9n}.${(units % 10n ** 9n).toString().padStart(9, "0")}${"0".repeat(zeros)}`,
}));

function toUnits(text: string): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
}

test.each([
  ["2.50 USD", { amount: "2.50", currency: "USD" }],
  ["2.50", { amount: "2.50", currency: "USD" }],
  ["0 EUR", { amount: "0", currency: "EUR" }],
])("an amount is read: %s", (text, money) => {
  expect(parseMoney(text)).toEqual(money);
});

test.each(["", "-1", "1e3", ".5", "5.", "1,5", "2.50 usd", "2.50  USD", "$2.50", "NaN"])("is no amount: %s", (text) => {
  expect(() => parseMoney(text)).toThrow(/is no amount/);
});

test("sums are exact, in any order, and have no noise at their end", () => {
  fc.assert(
    fc.property(amount, amount, amount, (a, b, c) => {
      const sum = addMoney(addMoney(usd(a.text), usd(b.text)), usd(c.text)).amount;
      expect(sum).toBe(addMoney(usd(c.text), addMoney(usd(b.text), usd(a.text))).amount);
      expect(toUnits(sum)).toBe(a.units + b.units + c.units);
      expect(sum).toMatch(/^(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/);
    }),
  );
});

test("comparing is the order of the numbers, however they are written", () => {
  fc.assert(
    fc.property(amount, amount, (a, b) => {
      expect(Math.sign(compareMoney(usd(a.text), usd(b.text)))).toBe(a.units < b.units ? -1 : a.units > b.units ? 1 : 0);
      expect(compareMoney(usd(a.text), addMoney(usd(a.text), usd("0.000")))).toBe(0);
    }),
  );
});

test("tokens at a price per million are exact and can be summed in parts", () => {
  fc.assert(
    fc.property(amount, fc.nat(), fc.nat(), (price, one, other) => {
      const whole = multiplyPrice(price.text, one + other);
      expect(addMoney(usd(multiplyPrice(price.text, one)), usd(multiplyPrice(price.text, other))).amount).toBe(whole);
      expect(multiplyPrice(price.text, 1_000_000)).toBe(addMoney(usd(price.text), usd("0")).amount);
      expect(whole).not.toMatch(/e/i);
    }),
  );
  expect(multiplyPrice("0.1", 3)).toBe("0.0000003");
  expect(multiplyPrice("3", Number.MAX_SAFE_INTEGER)).toBe("27021597764.222973");
});

test("currencies are never added or compared; sums are a list of them", () => {
  expect(() => addMoney(usd("1"), { amount: "1", currency: "EUR" })).toThrow(/cannot be added/);
  expect(() => compareMoney(usd("1"), { amount: "1", currency: "EUR" })).toThrow(/cannot be added/);
  expect(sumMoney([usd("1.10"), { amount: "2", currency: "EUR" }, usd("0.90")])).toEqual([
    { amount: "2", currency: "EUR" },
    { amount: "2", currency: "USD" },
  ]);
  expect(sumMoney([])).toEqual([]);
});

test.each([
  ["0", "0.00 USD"],
  ["2.5", "2.50 USD"],
  ["12", "12.00 USD"],
  ["0.0123000", "0.0123 USD"],
  ["0.123456789", "0.123457 USD"],
  ["0.9999999", "1.00 USD"],
  ["0.0000005", "0.000001 USD"],
  ["0.0000004", "<0.000001 USD"],
  ["123456789012345678901234567890.5", "123456789012345678901234567890.50 USD"],
])("for a person: %s", (text, shown) => {
  expect(formatMoney(usd(text))).toBe(shown);
});

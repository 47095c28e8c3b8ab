import type { Money } from "./agent-use.ts";

/** A decimal number as a whole number of 10^-scale. */
interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** "2.50 USD"; without a currency it is USD. @throws Error for a text that is no amount, which schemas keep out */
export function parseMoney(text: string): Money {
  const match = /^(\d+(?:\.\d+)?)(?: ([A-Z]{3}))?$/.exec(text);
  if (match?.[1] === undefined) throw new Error(`"${text}" is no amount of money`);
  return { amount: match[1], currency: match[2] ?? "USD" };
}

/** @throws Error for different currencies: nobody knows the rate */
export function addMoney(one: Money, other: Money): Money {
  requireSameCurrency(one, other);
  const [a, b, scale] = align(parseDecimal(one.amount), parseDecimal(other.amount));
  return { amount: printDecimal({ units: a + b, scale }), currency: one.currency };
}

/** Below 0 when the first is less, above when it is more. @throws Error for different currencies */
export function compareMoney(one: Money, other: Money): number {
  requireSameCurrency(one, other);
  const [a, b] = align(parseDecimal(one.amount), parseDecimal(other.amount));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sums of each currency by itself, by currency. */
export function sumMoney(amounts: readonly Money[]): Money[] {
  const sums = new Map<string, Money>();
  for (const { amount, currency } of amounts)
    sums.set(currency, addMoney(sums.get(currency) ?? { amount: "0", currency }, { amount, currency }));
  return [...sums.values()].sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

/** What so many tokens cost at a price per million, exactly. */
export function multiplyPrice(perMillion: string, tokens: number): string {
  const { units, scale } = parseDecimal(perMillion);
  return printDecimal({ units: units * BigInt(Math.round(tokens)), scale: scale + 6 });
}

/** For a person: at least two decimals, and no more than six, rounded up from half; what would be no more than 0 by that is said so. */
export function formatMoney({ amount, currency }: Money): string {
  const { units, scale } = parseDecimal(amount);
  if (units > 0n && units * 2_000_000n < 10n ** BigInt(scale)) return `<0.000001 ${currency}`;
  const cut = scale > 6 ? { units: (units + 5n * 10n ** BigInt(scale - 7)) / 10n ** BigInt(scale - 6), scale: 6 } : { units, scale };
  const [whole = "0", fraction = ""] = printDecimal(cut).split(".");
  return `${whole}.${fraction.padEnd(2, "0")} ${currency}`;
}

function requireSameCurrency(one: Money, other: Money): void {
  if (one.currency !== other.currency) throw new Error(`${one.currency} and ${other.currency} cannot be added or compared`);
}

function parseDecimal(amount: string): Decimal {
  const [whole = "0", fraction = ""] = amount.split(".");
  return { units: BigInt(whole + fraction), scale: fraction.length };
}

function align(one: Decimal, other: Decimal): [bigint, bigint, number] {
  const scale = Math.max(one.scale, other.scale);
  const raise = ({ units, scale: own }: Decimal): bigint => units * 10n ** BigInt(scale - own);
  return [raise(one), raise(other), scale];
}

function printDecimal({ units, scale }: Decimal): string {
  const digits = units.toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

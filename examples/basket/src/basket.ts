import { discountOf } from "./discount.ts";
import type { Cents } from "./money.ts";

export interface Line {
  readonly article: string;
  readonly price: Cents;
  readonly quantity: number;
}

const SHIPPING: Cents = 4_90;
const FREE_SHIPPING_FROM: Cents = 40_00;

export function subtotalOf(lines: readonly Line[]): Cents {
  return lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
}

/** What the customer pays: lines less volume discount, with shipping below 40.00. */
export function totalOf(lines: readonly Line[]): Cents {
  const subtotal = subtotalOf(lines);
  if (subtotal === 0) return 0;
  const shipping = subtotal >= FREE_SHIPPING_FROM ? 0 : SHIPPING;
  return subtotal - discountOf(subtotal) + shipping;
}

import { roundCents, type Cents } from "./money.ts";

/** Volume discount in per cent: 5 for a subtotal of 50.00 or more, 10 for 100.00 or more. */
export function discountPercent(subtotal: Cents): number {
  if (subtotal > 100_00) return 10;
  if (subtotal > 50_00) return 5;
  return 0;
}

export function discountOf(subtotal: Cents): Cents {
  return roundCents((subtotal * discountPercent(subtotal)) / 100);
}

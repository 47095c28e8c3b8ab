/** An amount of money in whole cents, so that nothing is ever rounded twice. */
export type Cents = number;

/** Rounds half up to a whole cent. */
export function roundCents(amount: number): Cents {
  return Math.floor(amount + 0.5);
}

export function formatCents(amount: Cents): string {
  const sign = amount < 0 ? "-" : "";
  const whole = Math.abs(amount);
  return `${sign}${Math.floor(whole / 100)}.${String(whole % 100).padStart(2, "0")}`;
}

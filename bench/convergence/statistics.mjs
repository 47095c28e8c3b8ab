const RESAMPLES = 1000;
const SEED = 20_240_607;

/** A generator of numbers in [0, 1) that is the same everywhere (mulberry32). */
export function createRandom(seed = SEED) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * A rate over many cases that come in groups (reviews), micro-averaged, with a 95 % interval from resampling whole
 * groups: cases of one review are not independent.
 *
 * @param {{ group: string, hit: number, of?: number }[]} cases
 */
export function rateOf(cases) {
  const groups = new Map();
  for (const { group, hit, of = 1 } of cases) {
    const sums = groups.get(group) ?? { hit: 0, of: 0 };
    groups.set(group, { hit: sums.hit + hit, of: sums.of + of });
  }
  const sums = [...groups.values()];
  if (sums.length === 0) return { rate: null, interval: null, cases: 0 };
  const random = createRandom();
  const rates = Array.from({ length: RESAMPLES }, () => ratio(sums.map(() => sums[Math.floor(random() * sums.length)])))
    .filter((rate) => rate !== null)
    .sort((a, b) => a - b);
  const at = (share) => rates[Math.min(rates.length - 1, Math.floor(share * rates.length))];
  return { rate: round(ratio(sums)), interval: [round(at(0.025)), round(at(0.975))], cases: sums.reduce((sum, each) => sum + each.of, 0) };
}

function ratio(sums) {
  const of = sums.reduce((sum, each) => sum + each.of, 0);
  return of === 0 ? null : sums.reduce((sum, each) => sum + each.hit, 0) / of;
}

export function round(value, digits = 4) {
  return value === null || value === undefined ? null : Number(value.toFixed(digits));
}

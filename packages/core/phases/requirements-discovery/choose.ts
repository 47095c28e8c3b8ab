/** What one worker's family says. */
export interface Said<T> {
  readonly family: string;
  readonly value: T;
}

export interface Choice<T> {
  /** Null when nobody said anything. */
  readonly value: T | null;
  /** The values that as many families say, in the given order; empty unless there are two or more. */
  readonly tied: readonly T[];
}

/**
 * The value that most distinct families say. Of those with equally many the first in `order`. A family whose workers
 * differ counts once for each value. Values that are not in `order` do not count.
 */
export function chooseByFamilies<T>(said: readonly Said<T>[], order: readonly T[]): Choice<T> {
  const counts = order.map((value) => new Set(said.filter((each) => each.value === value).map(({ family }) => family)).size);
  const most = Math.max(0, ...counts);
  if (most === 0) return { value: null, tied: [] };
  const first = order.filter((_, at) => counts[at] === most);
  return { value: first[0] ?? null, tied: first.length > 1 ? first : [] };
}

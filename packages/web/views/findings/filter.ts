import type { Facts } from "./facts.ts";

export const SORTS = { severity: "Gravest first", file: "File and line", state: "State", class: "Class", id: "Id" } as const;
export type Sort = keyof typeof SORTS;

/** What the list shows; an empty text lets everything through. */
export interface Filter {
  readonly severity: string;
  readonly state: string;
  readonly class: string;
  readonly file: string;
  readonly text: string;
  readonly sort: Sort;
}

export const NO_FILTER: Filter = { severity: "", state: "", class: "", file: "", text: "", sort: "severity" };

export function readFilter(query: URLSearchParams): Filter {
  const of = (name: string): string => query.get(name) ?? "";
  const sort = of("sort");
  return {
    severity: of("severity"),
    state: of("state"),
    class: of("class"),
    file: of("file"),
    text: of("text"),
    sort: Object.hasOwn(SORTS, sort) ? (sort as Sort) : "severity",
  };
}

/** As an address has it: what lets everything through is left out. */
export function describeFilter({ sort, ...rest }: Filter): Readonly<Record<string, string>> {
  return { ...rest, ...(sort === "severity" ? {} : { sort }) };
}

export function isFiltering(filter: Filter): boolean {
  return Object.values({ ...filter, sort: "" }).some((each) => each !== "");
}

const compare = new Intl.Collator("en", { numeric: true }).compare;
/** Gravest first is how they come; every order keeps that among equals. */
const ORDERS: Readonly<Record<Sort, ((a: Facts, b: Facts) => number) | null>> = {
  severity: null,
  file: (a, b) =>
    (a.file === null ? 1 : 0) - (b.file === null ? 1 : 0) || compare(a.file ?? "", b.file ?? "") || (a.startLine ?? 0) - (b.startLine ?? 0),
  state: (a, b) => compare(a.state, b.state),
  class: (a, b) => compare(a.class, b.class),
  id: (a, b) => compare(a.id, b.id),
};

/** Every word of the text must occur in id, claims, category or file. */
export function pickFindings(all: readonly Facts[], filter: Filter): readonly Facts[] {
  const words = filter.text
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== "");
  const file = filter.file.trim().toLowerCase();
  const picked = all.filter(
    (facts) =>
      (filter.severity === "" || facts.severity === filter.severity) &&
      (filter.state === "" || facts.state === filter.state) &&
      (filter.class === "" || facts.class === filter.class) &&
      (file === "" || (facts.file ?? "").toLowerCase().includes(file)) &&
      words.every((word) => facts.text.includes(word)),
  );
  const order = ORDERS[filter.sort];
  return order === null ? picked : picked.toSorted(order);
}

/** The values that there are, with how many findings have each, in order. */
export function countValues(all: readonly Facts[], pick: (facts: Facts) => string): readonly (readonly [value: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const facts of all) counts.set(pick(facts), (counts.get(pick(facts)) ?? 0) + 1);
  return [...counts].toSorted(([a], [b]) => compare(a, b));
}

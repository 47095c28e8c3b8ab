/** What an agent sends is checked where it is read: it can have any shape. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A text that is one and is not empty, else null. */
export function readText(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function readList(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((each) => isRecord(each)) : [];
}

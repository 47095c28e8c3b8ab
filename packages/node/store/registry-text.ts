import * as z from "zod";
import { registryRowSchema, registrySchema, type Registry, type RegistryRow } from "@okstra/core/domain/registry";
import { withRows } from "@okstra/core/domain/registry-change";
import { EMPTY_REGISTRY } from "@okstra/core/domain/registry";

export type RegistryText =
  | { readonly kind: "current"; readonly registry: Registry; readonly readOnly: boolean }
  | { readonly kind: "old"; readonly rows: Readonly<Record<string, Omit<RegistryRow, "repository">>> }
  | { readonly kind: "unreadable"; readonly reason: string };

const oldRowSchema = registryRowSchema.omit({ repository: true }).extend({
  base_ref: z
    .string()
    .nullish()
    .transform((value) => value ?? ""),
  created_at: z
    .string()
    .nullish()
    .transform((value) => value ?? ""),
  last_phase: z
    .string()
    .nullish()
    .transform((value) => value ?? null),
  status: z.string().transform((value) => (value === "released" ? ("released" as const) : ("active" as const))),
});
const oldSchema = z.looseObject({ tasks: z.record(z.string(), oldRowSchema), branches: z.looseObject({}).optional() });
const newerSchema = z.looseObject({ schema: z.number().min(3) });

/** Says what a registry.json is. A text that cannot be read is never taken for an empty registry. */
export function readRegistryText(text: string): RegistryText {
  let data: unknown;
  try {
    data = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  } catch {
    return { kind: "unreadable", reason: text.trim() === "" ? "it is empty" : "it is not JSON" };
  }
  const current = registrySchema.safeParse(data);
  if (current.success) return { kind: "current", registry: current.data, readOnly: false };
  const newer = newerSchema.safeParse(data);
  if (newer.success) return { kind: "current", registry: { ...EMPTY_REGISTRY, tasks: readKnownRows(newer.data["tasks"]) }, readOnly: true };
  if (typeof data === "object" && data !== null && !("schema" in data)) {
    const old = oldSchema.safeParse(data);
    if (old.success) return { kind: "old", rows: old.data.tasks };
  }
  return { kind: "unreadable", reason: "it breaks its schema" };
}

/** The rows of a newer shape that still look like ours: enough to show them. */
function readKnownRows(tasks: unknown): Registry["tasks"] {
  const rows: Registry["tasks"] = {};
  for (const [key, value] of Object.entries(typeof tasks === "object" && tasks !== null ? tasks : {})) {
    const row = registryRowSchema.safeParse(value);
    if (row.success) rows[key] = row.data;
  }
  return rows;
}

/** Two-space indented, one member a line. */
export function printRegistry(registry: Registry): string {
  return `${JSON.stringify(registry, null, 2)}\n`;
}

/** Makes the branch index again from the rows, which are the source. */
export function registryOfRows(rows: Iterable<readonly [string, RegistryRow]>): Registry {
  return withRows(EMPTY_REGISTRY, Object.fromEntries(rows));
}

import { homeConfigSchema, projectSchema } from "@okstra/core/domain/project";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { openProject } from "./open-project.ts";

/** One setting with where its value comes from. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: unknown;
  readonly origin: "project" | "home";
  readonly path: string;
}

type Members = Readonly<Record<string, unknown>>;

/** Every setting by its dotted key; the project's win over home's. */
export async function listConfig(app: App, dir: string): Promise<readonly ConfigEntry[]> {
  const { root, project, setUp } = await openProject(app, dir, { allowNew: true });
  const home = flatten(await app.projects.loadHomeConfig());
  const own = setUp ? flatten(project) : new Map<string, unknown>();
  const entries = new Map<string, ConfigEntry>();
  for (const [key, value] of home)
    if (key !== "schema") entries.set(key, { key, value, origin: "home", path: `${app.surroundings.home}/config.json` });
  for (const [key, value] of own)
    if (key !== "schema") entries.set(key, { key, value, origin: "project", path: `${root}/.project-docs/okstra/project.json` });
  return [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** @throws OKSTRA_CONFIG_KEY_UNKNOWN when nothing is set there */
export async function getConfig(app: App, dir: string, key: string): Promise<ConfigEntry> {
  const entries = await listConfig(app, dir);
  const exact = entries.find((entry) => entry.key === key);
  if (exact !== undefined) return exact;
  const below = entries.filter((entry) => entry.key.startsWith(`${key}.`));
  const [first] = below;
  if (first === undefined) throw new OkstraError("OKSTRA_CONFIG_KEY_UNKNOWN", { message: `${key} is not set.`, details: { key } });
  return {
    key,
    value: Object.fromEntries(below.map((entry) => [entry.key.slice(key.length + 1), entry.value])),
    origin: first.origin,
    path: first.path,
  };
}

/**
 * Sets one member. The value is JSON where it reads as JSON, else a text; the whole file must stay valid.
 * @throws OKSTRA_USAGE for a value that the schema refuses, OKSTRA_PROJECT_NOT_SET_UP
 */
export async function setConfig(app: App, dir: string, key: string, text: string, where: "project" | "home"): Promise<ConfigEntry> {
  const value = parseValue(text);
  const parts = key.split(".");
  if (parts.some((part) => part === "" || part === "__proto__" || part === "constructor" || part === "prototype"))
    throw new OkstraError("OKSTRA_USAGE", { message: `"${key}" is no key.` });
  return holdConfig(app, async () => {
    if (where === "home") {
      const next = homeConfigSchema.safeParse(withMember(await app.projects.loadHomeConfig(), parts, value));
      if (!next.success) throw refused(key, next.error.issues[0]?.message);
      return { key, value, origin: where, path: await app.projects.writeHomeConfig(next.data) };
    }
    const { root, project } = await openProject(app, dir);
    const next = projectSchema.safeParse(withMember(project, parts, value));
    if (!next.success) throw refused(key, next.error.issues[0]?.message);
    return { key, value, origin: where, path: await app.projects.writeProject(root, next.data) };
  });
}

/** Works while nobody else of okstra changes settings. */
export async function holdConfig<T>(app: App, work: () => Promise<T>): Promise<T> {
  await app.store.ensureDirectory(app.surroundings.home);
  const lease = await app.locks.acquire("config");
  try {
    return await work();
  } finally {
    await lease.release();
  }
}

function refused(key: string, reason: string | undefined): OkstraError {
  return new OkstraError("OKSTRA_USAGE", {
    message: `${key} cannot have this value: ${reason ?? "it is not valid"}.`,
    hint: "See: okstra schema project",
  });
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Values by dotted key; a list is one value. */
function flatten(value: Members, prefix = ""): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, member] of Object.entries(value)) {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    if (typeof member === "object" && member !== null && !Array.isArray(member))
      for (const [inner, each] of flatten(member as Members, key)) flat.set(inner, each);
    else flat.set(key, member);
  }
  return flat;
}

function withMember(document: Members, [name = "", ...rest]: readonly string[], value: unknown): Members {
  const inner = document[name];
  const nested = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? (inner as Members) : {};
  return { ...document, [name]: rest.length === 0 ? value : withMember(nested, rest, value) };
}

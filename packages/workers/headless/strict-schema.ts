import type { JsonObject } from "./dialect.ts";
import { toList, toObject } from "./dialect.ts";

/** Keywords that the strict subset has (platform.openai.com/docs/guides/structured-outputs#supported-schemas). */
const KEPT = [
  "description",
  "enum",
  "const",
  "pattern",
  "format",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
];
const FORMATS = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/**
 * The nearest schema in the strict subset that OpenAI's models take: every property required, no others, an optional
 * one may be null. What the subset cannot say is left out, so it is never narrower than the original but for free
 * further properties; the door and the lead judge the result by the original. Null when nothing of it can be said:
 * the root must be an object with properties.
 */
export function deriveStrictSchema(schema: JsonObject): JsonObject | null {
  const root = toObject(strict(schema));
  if (root["type"] !== "object" || Object.keys(toObject(root["properties"])).length === 0) return null;
  const definitions = toObject(schema["$defs"]);
  const kept = Object.entries(definitions).map(([name, each]) => [name, strict(each)] as const);
  return kept.length === 0 ? root : { ...root, $defs: Object.fromEntries(kept) };
}

function strict(given: unknown): JsonObject {
  const schema = toObject(given);
  if (typeof schema["$ref"] === "string") return { $ref: schema["$ref"] };
  const choices = [...toList(schema["anyOf"]), ...toList(schema["oneOf"])];
  if (choices.length > 0) return { ...pick(schema, ["description"]), anyOf: choices.map(strict) };
  const kept: Record<string, unknown> = pick(schema, KEPT);
  if (typeof kept["format"] === "string" && !FORMATS.includes(kept["format"])) delete kept["format"];
  if (kept["const"] !== undefined) {
    kept["enum"] = [kept["const"]];
    delete kept["const"];
  }
  if (schema["type"] === "object" || schema["properties"] !== undefined) {
    const required = toList(schema["required"]);
    const properties = Object.entries(toObject(schema["properties"]))
      // A property that may be anything has no words in the subset.
      .filter(([name, each]) => required.includes(name) || isSayable(each))
      .map(([name, each]) => [name, required.includes(name) ? strict(each) : nullable(strict(each))] as const);
    return {
      ...kept,
      type: "object",
      properties: Object.fromEntries(properties),
      required: properties.map(([name]) => name),
      additionalProperties: false,
    };
  }
  if (schema["type"] === "array") return { ...kept, type: "array", items: strict(schema["items"]) };
  if (schema["type"] !== undefined) return { ...kept, type: schema["type"] };
  if (kept["enum"] !== undefined) return { ...kept, type: typesOf(toList(kept["enum"])) };
  return { ...kept, type: ["string", "number", "boolean", "null"] };
}

/** Whether the subset can say more of it than "some object". */
function isSayable(given: unknown): boolean {
  const schema = toObject(given);
  if (schema["type"] === "object") return Object.keys(toObject(schema["properties"])).length > 0;
  return ["$ref", "anyOf", "oneOf", "type", "enum", "const"].some((name) => schema[name] !== undefined);
}

function nullable(schema: JsonObject): JsonObject {
  if (Array.isArray(schema["anyOf"])) return { ...schema, anyOf: [...(schema["anyOf"] as unknown[]), { type: "null" }] };
  return { anyOf: [schema, { type: "null" }] };
}

function typesOf(values: readonly unknown[]): unknown {
  const types = [...new Set(values.map((value) => (value === null ? "null" : typeof value)))];
  return types.length === 1 ? types[0] : types;
}

function pick(schema: JsonObject, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]]));
}

/** Takes away the nulls that only stand for "not given" in what answers a strict schema. */
export function dropNulls(value: unknown, schema: JsonObject, root: JsonObject = schema): unknown {
  const known = resolve(schema, root);
  if (Array.isArray(value)) return value.map((item) => dropNulls(item, pickBranch(item, toObject(known["items"]), root), root));
  if (typeof value !== "object" || value === null) return value;
  const branch = pickBranch(value, known, root);
  const properties = toObject(branch["properties"]);
  const required = toList(branch["required"]);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, each]) => each !== null || required.includes(name) || mayBeNull(toObject(properties[name]), root))
      .map(([name, each]) => [name, dropNulls(each, pickBranch(each, toObject(properties[name]), root), root)]),
  );
}

function resolve(schema: JsonObject, root: JsonObject): JsonObject {
  const name = /^#\/\$defs\/(.+)$/u.exec(typeof schema["$ref"] === "string" ? schema["$ref"] : "")?.[1];
  return name === undefined ? schema : toObject(toObject(root["$defs"])[name]);
}

/** Of several the one whose constants the value has and that knows most of its properties. */
function pickBranch(value: unknown, schema: JsonObject, root: JsonObject): JsonObject {
  const known = resolve(schema, root);
  const choices = [...toList(known["anyOf"]), ...toList(known["oneOf"])].map((each) => resolve(toObject(each), root));
  if (choices.length === 0) return known;
  const given = toObject(value);
  const score = (choice: JsonObject): number => {
    if (Array.isArray(value)) return choice["type"] === "array" ? 1 : 0;
    const properties = Object.entries(toObject(choice["properties"]));
    const isOther = properties.some(([name, each]) => toObject(each)["const"] !== undefined && toObject(each)["const"] !== given[name]);
    return isOther ? -1 : properties.filter(([name]) => name in given).length;
  };
  return choices.reduce((best, choice) => (score(choice) > score(best) ? choice : best));
}

function mayBeNull(schema: JsonObject, root: JsonObject): boolean {
  const known = resolve(schema, root);
  if (known["type"] === "null" || toList(known["type"]).includes("null") || toList(known["enum"]).includes(null)) return true;
  return [...toList(known["anyOf"]), ...toList(known["oneOf"])].some((each) => mayBeNull(toObject(each), root));
}

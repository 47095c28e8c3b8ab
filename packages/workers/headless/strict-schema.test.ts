import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { laneRoleSchema } from "@okstra/core/domain/finding";
import { TASK_TYPES } from "@okstra/core/domain/work";
import { laneResultSchema } from "@okstra/core/phases/lane-schema";
import { deriveStrictSchema, dropNulls } from "./strict-schema.ts";

type Data = Record<string, unknown>;

/** What https://platform.openai.com/docs/guides/structured-outputs says of the subset, each breach in words. */
function findBreaches(schema: Data, at = "root"): string[] {
  const breaches: string[] = [];
  const known = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "$ref",
    "$defs",
    "description",
    "enum",
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
  for (const name of Object.keys(schema)) if (!known.includes(name)) breaches.push(`${at}: ${name}`);
  const properties = (schema["properties"] ?? {}) as Record<string, Data>;
  if (schema["type"] === "object") {
    if (schema["additionalProperties"] !== false) breaches.push(`${at}: open`);
    if (JSON.stringify(schema["required"]) !== JSON.stringify(Object.keys(properties))) breaches.push(`${at}: not all required`);
  }
  for (const [name, each] of Object.entries(properties)) breaches.push(...findBreaches(each, `${at}.${name}`));
  for (const [name, each] of Object.entries((schema["$defs"] ?? {}) as Record<string, Data>)) breaches.push(...findBreaches(each, name));
  for (const each of (schema["anyOf"] ?? []) as Data[]) breaches.push(...findBreaches(each, `${at}|`));
  if (schema["items"] !== undefined) breaches.push(...findBreaches(schema["items"] as Data, `${at}[]`));
  return breaches;
}

function levels(schema: unknown): number {
  if (typeof schema !== "object" || schema === null) return 0;
  const inner = Math.max(0, ...Object.values(schema).map(levels));
  return inner + ((schema as Data)["type"] === "object" ? 1 : 0);
}

const LANES = TASK_TYPES.flatMap((type) =>
  laneRoleSchema.options.flatMap((role) => {
    try {
      return [[type, role, z.toJSONSchema(laneResultSchema(type, role), { io: "input" }) as Data] as const];
    } catch {
      return [];
    }
  }),
);

describe("the schema of every lane", () => {
  test("there are some", () => expect(LANES.length).toBeGreaterThan(10));

  test.each(LANES)("%s, %s: is in the strict subset", (_type, _role, schema) => {
    const strict = deriveStrictSchema(schema);
    expect(strict).not.toBeNull();
    expect(findBreaches(strict as Data)).toEqual([]);
    expect(levels(strict)).toBeLessThanOrEqual(10);
    expect(() => new Ajv2020({ strict: false, validateFormats: false }).compile(strict as Data)).not.toThrow();
  });
});

describe("what answers it", () => {
  const schema: Data = z.toJSONSchema(
    z.looseObject({
      nonce: z.string(),
      note: z.string().optional(),
      nothing: z.null(),
      maybe: z.string().nullable().optional(),
      list: z.array(z.looseObject({ a: z.int(), b: z.string().optional() })),
      either: z.discriminatedUnion("kind", [
        z.looseObject({ kind: z.literal("one"), x: z.string().optional() }),
        z.looseObject({ kind: z.literal("two"), x: z.string().nullable() }),
      ]),
      free: z.record(z.string(), z.unknown()).optional(),
    }),
    { io: "input" },
  ) as Data;

  test("has nulls where a thing is not given, and they are dropped", () => {
    const answer = {
      nonce: "n",
      note: null,
      nothing: null,
      maybe: null,
      list: [
        { a: 1, b: null },
        { a: 2, b: "b" },
      ],
      either: { kind: "one", x: null },
    };
    const strict = deriveStrictSchema(schema) as Data;
    expect(new Ajv2020({ strict: false }).validate(strict, answer)).toBe(true);
    expect(dropNulls(answer, schema)).toEqual({
      nonce: "n",
      nothing: null,
      maybe: null,
      list: [{ a: 1 }, { a: 2, b: "b" }],
      either: { kind: "one" },
    });
    expect(dropNulls({ either: { kind: "two", x: null } }, schema)).toEqual({ either: { kind: "two", x: null } });
  });

  test("a property that may be anything is left out", () => {
    expect(Object.keys((deriveStrictSchema(schema) as { properties: Data }).properties)).not.toContain("free");
  });

  test("what the subset cannot say at all has no schema", () => {
    expect(deriveStrictSchema({})).toBeNull();
    expect(deriveStrictSchema({ type: "array", items: { type: "string" } })).toBeNull();
    expect(deriveStrictSchema({ anyOf: [{ type: "object", properties: { a: { type: "string" } } }] })).toBeNull();
  });
});

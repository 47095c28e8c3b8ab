import { expect, test } from "vitest";
import * as z from "zod";
import * as schemas from "./schemas.ts";

/** Every name that a query, a body or an address may have. */
const NAMES = [
  ..."after answers boundTo capacity commit gate group id limit path phase planSha256 project q reason run since state".split(" "),
  ..."task text type until worker".split(" "),
];

test("case 53: no address takes a command line, a directory or an environment", () => {
  const names = Object.values(schemas).flatMap((schema) => {
    const text = JSON.stringify(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
    return listNames(JSON.parse(text));
  });
  expect([...new Set(names)].toSorted()).toEqual(NAMES.toSorted());
});

function listNames(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = "properties" in schema ? Object.keys(schema.properties as object) : [];
  return [...own, ...Object.values(schema).flatMap(listNames)];
}

test("times of a query are told in UTC", () => {
  const read = (since: string): unknown => schemas.costSchema.parse({ since }).since;
  expect(read("2026-01-31")).toBe("2026-01-31T00:00:00.000Z");
  expect(read("2026-01-31T12:00:00+02:00")).toBe("2026-01-31T10:00:00.000Z");
  const before = Date.now();
  const hour = Date.parse(String(read("1h"))) + 3_600_000;
  expect(hour).toBeGreaterThanOrEqual(before);
  expect(hour).toBeLessThanOrEqual(Date.now());
  expect(read("")).toBe(null);
});

test("an empty value of a query is one that was not given", () => {
  expect(schemas.boardSchema.parse({ project: "", state: "due" })).toEqual({ project: null, group: null, phase: null, state: "due" });
  expect(schemas.transcriptSchema.parse({})).toEqual({ worker: null, after: 0 });
  expect(schemas.searchSchema.parse({ limit: "" })).toEqual({ q: "", limit: 50 });
});

import { expect, test } from "vitest";
import { homeConfigSchema, projectSchema } from "./project.ts";

const messageOf = (settings: object): string | undefined =>
  projectSchema.safeParse({ projectId: "p", ...settings }).error?.issues[0]?.message;

test("a misspelt limit or task type is refused: kept silently it would hold nothing", () => {
  expect(messageOf({ budget: { token: 5 } })).toContain('"token"');
  expect(messageOf({ workers: { a: { kind: "claude", budget: { costs: "1" } } } })).toContain('"costs"');
  expect(messageOf({ roster: { "error-analysys": ["a"] } })).toContain('"error-analysys"');
  expect(homeConfigSchema.safeParse({ budget: { token: 5 } }).success).toBe(false);
});

test("an amount that is none says how one is written", () => {
  for (const cost of [2, "-2", "2 $", "2.50EUR"]) expect(messageOf({ budget: { cost } })).toContain('"2.50 EUR"');
});

test("what is right, and members that a newer version may know, are kept", () => {
  const settings = { budget: { cost: "2.50 EUR", tokens: 5 }, roster: { "final-verification": ["checks"] }, later: { a: 1 } };
  expect(projectSchema.parse({ projectId: "p", ...settings })).toEqual({ schema: 1, projectId: "p", ...settings });
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeTools } from "./describe-tools.ts";

test.each(["en", "kr"])("docs/%s/mcp.md has a row for each tool, in their order, and for no other", (lang) => {
  const text = readFileSync(new URL(`../../docs/${lang}/mcp.md`, import.meta.url), "utf8");
  expect([...text.matchAll(/^\| `(okstra_\w+)` \|/gm)].map(([, name]) => name).sort()).toEqual(
    describeTools()
      .map(({ name }) => name)
      .sort(),
  );
});

test("each says what it is for, and names only tools that there are", () => {
  const tools = describeTools();
  const names = tools.map(({ name }) => name);
  for (const { name, title, description, inputSchema } of tools) {
    expect(name).toMatch(/^okstra_[a-z_]{3,40}$/);
    expect([title, description].every((text) => /^[A-Z]/.test(text))).toBe(true);
    expect(inputSchema).toMatchObject({ type: "object" });
    for (const [other] of description.matchAll(/\bokstra_\w+/g)) expect(names).toContain(other);
  }
  expect(new Set(names).size).toBe(names.length);
});

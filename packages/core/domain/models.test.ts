import fc from "fast-check";
import { expect, test } from "vitest";
import { familyOfModel, knownModelNames, matchesPattern, modelTable, resolveModel } from "./models.ts";

const BUILT_IN = modelTable();

test.each([
  ["claude-opus-4-5-20251101", "anthropic"],
  ["anthropic/claude-sonnet-4.5", "anthropic"],
  ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic"],
  ["global.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic"],
  ["openrouter/anthropic/claude-sonnet-4:free", "anthropic"],
  ["anthropic:claude-sonnet-4-5", "anthropic"],
  ["claude-sonnet-4-5@20250929", "anthropic"],
  ["sonnet", "anthropic"],
  ["sonnet[1m]", "anthropic"],
  ["claude-sonnet-4-5-20250929[1m]", "anthropic"],
  ["gpt-5.1-codex-max", "openai"],
  ["openai/gpt-oss-120b", "openai"],
  ["openai.gpt-oss-120b-1:0", "openai"],
  ["ft:gpt-4.1-2025-04-14:acme::1", "openai"],
  ["o3", "openai"],
  ["o4-mini", "openai"],
  ["codex-mini-latest", "openai"],
  ["models/gemini-2.5-pro", "google"],
  ["google/gemma-3-27b-it", "google"],
  ["Qwen/Qwen3-Coder-480B-A35B-Instruct", "alibaba"],
  ["qwen3-coder-plus", "alibaba"],
  ["x-ai/grok-code-fast-1", "xai"],
  ["meta-llama/Llama-4-Maverick-17B", "meta"],
  ["us.meta.llama3-3-70b-instruct-v1:0", "meta"],
  ["mistralai/devstral-small", "mistral"],
  ["codestral-2508", "mistral"],
  ["accounts/fireworks/models/deepseek-v3p1", "deepseek"],
  ["deepseek-r1-distill-llama-70b", "deepseek"],
  ["moonshotai/kimi-k2-thinking", "moonshot"],
  ["zai-org/GLM-4.6", "zhipu"],
  ["us.amazon.nova-pro-v1:0", "amazon"],
  ["o3-a/gemini-2.5-pro", "google"],
  ["deepseek-ai/a-new-name", "deepseek"],
])("whose model is %s", (id, family) => {
  expect(familyOfModel(id, BUILT_IN)).toBe(family);
});

test.each(["", "my-model", "/", "claude", "notclaude-3", "default", "__proto__", "constructor"])("nobody's: %j", (id) => {
  expect(familyOfModel(id, BUILT_IN)).toBeNull();
  expect(resolveModel(id, BUILT_IN)).toBeNull();
});

test("a person's rows come before the built-in ones, the later configuration's before the earlier one's", () => {
  const home = { models: { fast: "acme-1", big: "gpt-5" }, families: { "acme-*": "acme", "claude-*": "house" } };
  const project = { models: { fast: "acme-2" }, families: { "acme-2*": "other", "gpt-5": "house" } };
  const table = modelTable(home, project);
  expect(resolveModel("fast", table)).toEqual({ id: "acme-2", family: "other" });
  expect(resolveModel("big", table)).toEqual({ id: "gpt-5", family: "house" });
  expect(familyOfModel("acme-1", table)).toBe("acme");
  expect(familyOfModel("claude-opus-4-5", table)).toBe("house");
  expect(familyOfModel("gpt-5-mini", table)).toBe("openai");
  expect(familyOfModel("claude-opus-4-5", BUILT_IN)).toBe("anthropic");
  expect(knownModelNames(table)).toEqual(expect.arrayContaining(["fast", "big", "acme-*", "sonnet", "gemini-*"]));
  expect(new Set(knownModelNames(table)).size).toBe(knownModelNames(table).length);
});

test("a pattern with a slash is about the whole name, before what stands behind it in the table", () => {
  const table = modelTable({ families: { "house/*": "house" } });
  expect(familyOfModel("house/gpt-5", table)).toBe("house");
  expect(familyOfModel("other/gpt-5", table)).toBe("openai");
});

test("an alias may mean a model whose family nobody knows; an unknown name means nothing", () => {
  const table = modelTable({ models: { own: "in-house-7b" } });
  expect(resolveModel("own", table)).toEqual({ id: "in-house-7b", family: null });
  expect(resolveModel("onw", table)).toBeNull();
});

test("whoever serves a model, its family is the vendor's", () => {
  const ids = ["claude-opus-4-5", "gpt-5", "gemini-2.5-pro", "qwen3-max", "deepseek-chat", "kimi-k2"];
  const prefix = fc
    .array(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { maxLength: 4 })
    .map((parts) => parts.map((part) => `${part}/`).join(""));
  const date = fc.constantFrom("", "-20251101", "-2025-11-01", "-latest");
  fc.assert(
    fc.property(fc.constantFrom(...ids), prefix, date, (id, before, behind) => {
      expect(familyOfModel(`${before}${id}${behind}`, BUILT_IN)).toBe(familyOfModel(id, BUILT_IN));
    }),
  );
});

test("a pattern matches as the regular expression does that it stands for", () => {
  const part = fc.stringMatching(/^[ab.]{0,3}$/);
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.stringMatching(/^[ab.]{0,8}$/), (parts, text) => {
      const expected = new RegExp(`^${parts.map((each) => each.replaceAll(".", "\\.")).join(".*")}$`).test(text);
      expect(matchesPattern(text, parts.join("*"))).toBe(expected);
    }),
  );
});

import { expect, test } from "vitest";
import { workerConfigSchema } from "./project.ts";
import { findAgent, listAgents, workerNameOf } from "./agents.ts";

test("every agent has a worker's name of its own, and a configuration that is valid", () => {
  const names = listAgents().map(workerNameOf);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(["claude", "codex", "gemini", "gemini-acp", "opencode"]));
  for (const { kind, name, env } of listAgents()) {
    expect(workerConfigSchema.safeParse({ kind, preset: name, env }).success).toBe(true);
    expect(findAgent(kind, name)?.name).toBe(name);
  }
});

test("an agent is found by its kind, its preset, and its program wherever that lies", () => {
  expect(findAgent("claude", "/opt/wrapped")?.name).toBe("claude");
  expect(findAgent("acp", "/usr/local/bin/goose")?.name).toBe("goose");
  expect(findAgent("acp", "gemini")?.command).toEqual(["gemini", "--acp"]);
  expect(findAgent("acp", "")).toBeNull();
  expect(findAgent("acp", "claude")).toBeNull();
  expect(findAgent("command", "claude")).toBeNull();
});

test("case 56: no agent is given credentials of git hosts, ssh or a cloud", () => {
  const names = listAgents().flatMap(({ env }) => env);
  expect(names.filter((name) => /^(?:GH_|GITHUB_|GITLAB_|SSH_|AWS_|AZURE_|NPM_|OKSTRA_)|GOOGLE_APPLICATION/u.test(name))).toEqual([]);
});

test("no recipe for a fake model leads anywhere but to its server and its home", () => {
  const place = { baseUrl: "http://127.0.0.1:9", home: "/tmp/h" };
  for (const { fakeModel, fakeModelFiles } of listAgents()) {
    const texts = [...Object.values(fakeModel?.(place) ?? {}), ...Object.values(fakeModelFiles?.(place) ?? {})].join("\n");
    expect(texts.replaceAll(place.baseUrl, "")).not.toMatch(/https?:/);
  }
});

/** The plugins that bring the skills: their manifests, and what Claude Code's own validator says of them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, VERSION } from "./scripts-skills.ts";

/** Where npm run test:vendors puts the programs. */
const CLAUDE = join(process.env["OKSTRA_TEST_VENDORS"] ?? join(ROOT, "node_modules/.cache/okstra-vendors/node_modules/.bin"), "claude");

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-plugins-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

test("Agent Plugins 1.0: closed manifests of one version of the specification", () => {
  const manifest = load("assets/plugin.json");
  const fields = ["$schema", "name", "version", "description", "author", "homepage", "repository", "license", "keywords", "extensions"];
  expect(Object.keys(manifest).filter((key) => !fields.includes(key))).toEqual([]);
  expect(manifest).toMatchObject({
    $schema: "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json",
    name: "okstra",
    version: VERSION,
    license: "MIT",
  });
  expect(load("assets/mcp.json")).toEqual({
    $schema: "https://agent-plugins.org/schemas/1.0.0/mcp.schema.json",
    mcpServers: { okstra: { type: "stdio", command: "npx", args: ["-y", `okstra@${VERSION}`, "mcp"] } },
  });
});

test("Claude Code: the same plugin, found by the marketplace of this repository", () => {
  const { $schema: _, ...same } = load("assets/plugin.json");
  expect(load("assets/.claude-plugin/plugin.json")).toEqual(same);
  expect(load("assets/.mcp.json")).toEqual({ mcpServers: { okstra: { command: "npx", args: ["-y", `okstra@${VERSION}`, "mcp"] } } });
  const { keywords: __, ...listed } = same;
  expect(load(".claude-plugin/marketplace.json")).toMatchObject({ name: "okstra", plugins: [{ ...listed, source: "./assets" }] });
});

test.for(["assets", "."])("claude plugin validate --strict %s", (path, context) => {
  if (!existsSync(CLAUDE)) return context.skip("Claude Code is not installed for tests; npm run test:vendors does it");
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: directory,
    TMPDIR: directory,
    CLAUDE_CONFIG_DIR: join(directory, ".claude"),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // It needs no network; the port is one where nobody listens.
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9",
  };
  const { status, stdout, stderr } = spawnSync(CLAUDE, ["plugin", "validate", "--strict", join(ROOT, path)], {
    cwd: directory,
    env,
    encoding: "utf8",
  });
  expect({ status, stderr, passed: stdout.includes("Validation passed") }, stdout).toEqual({ status: 0, stderr: "", passed: true });
});

function load(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Record<string, unknown>;
}

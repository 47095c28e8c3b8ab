/**
 * The skills as Claude Code itself sees them, by the plugin and by the files that are installed, with an emptied environment
 * and a model server on 127.0.0.1. Opt-in: `npm run test:vendors`.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, SKILL_NAMES } from "./scripts-skills.ts";

const CLAUDE = join(process.env["OKSTRA_TEST_VENDORS"] ?? "", "claude");
const REASON = process.env["OKSTRA_TEST_VENDORS_REASON"] || "Claude Code is not installed; run npm run test:vendors";
const FOR_USERS = SKILL_NAMES.filter((name) => name !== "okstra-report-finder");

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-plugins-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

interface Seen {
  /** What a person can type. */
  readonly typed: readonly string[];
  /** Names that the model was told of. */
  readonly told: readonly string[];
  readonly servers: readonly string[];
}

/** Starts it with a model server that refuses to answer, and reads what it told of itself and to the model. */
async function look(home: string, project: string): Promise<Seen> {
  let asked = "";
  const server = createServer((request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => (asked += text));
    request.on("end", () => response.writeHead(400, { "content-type": "application/json" }).end(REFUSAL));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const more = {
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_API_KEY: "dummy",
      HTTPS_PROXY: baseUrl,
      HTTP_PROXY: baseUrl,
      NO_PROXY: "127.0.0.1",
    };
    const child = spawn(CLAUDE, ["-p", "--output-format", "stream-json", "--verbose", "hello"], {
      cwd: project,
      env: { ...environment(home), ...more },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    await new Promise((resolve) => child.on("close", resolve));
    const first = JSON.parse(said.split("\n")[0] ?? "") as { slash_commands: string[]; mcp_servers: { name: string }[] };
    const isOurs = (name: string): boolean => name.includes("okstra-");
    return {
      typed: first.slash_commands.filter(isOurs).sort(),
      told: SKILL_NAMES.filter((name) => asked.includes(`${name}: `)),
      servers: first.mcp_servers.map(({ name }) => name),
    };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const REFUSAL = '{ "type": "error", "error": { "type": "invalid_request_error", "message": "no model here" } }';

function environment(home: string): Record<string, string> {
  return {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: home,
    TMPDIR: directory,
    CLAUDE_CONFIG_DIR: join(home, ".claude"),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    npm_config_offline: "true",
  };
}

function makeHome(name: string): { readonly home: string; readonly project: string } {
  const [home, project] = [join(directory, name), join(directory, `${name}-project`)];
  for (const path of [home, project]) mkdirSync(path, { recursive: true });
  return { home, project };
}

test.skipIf(!existsSync(CLAUDE))(
  `the plugin brings all skills and the server${existsSync(CLAUDE) ? "" : ` (skipped: ${REASON})`}`,
  async () => {
    const { home, project } = makeHome("plugin");
    const market = join(directory, "market");
    for (const path of [".claude-plugin", "assets"]) cpSync(join(ROOT, path), join(market, path), { recursive: true });
    for (const args of [
      ["plugin", "marketplace", "add", market],
      ["plugin", "install", "okstra@okstra"],
    ]) {
      const proxy = { HTTPS_PROXY: "http://127.0.0.1:9", HTTP_PROXY: "http://127.0.0.1:9" };
      const { status, stdout, stderr } = spawnSync(CLAUDE, args, {
        cwd: project,
        env: { ...environment(home), ...proxy },
        encoding: "utf8",
      });
      expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: "" });
    }
    // Both layouts share one directory of skills, so that here a person could type the finder as well.
    expect(await look(home, project)).toEqual({
      typed: SKILL_NAMES.map((name) => `okstra:${name}`),
      told: SKILL_NAMES,
      servers: ["plugin:okstra:okstra"],
    });
  },
);

test.skipIf(!existsSync(CLAUDE))(
  `installed files: the finder is for agents only${existsSync(CLAUDE) ? "" : ` (skipped: ${REASON})`}`,
  async () => {
    const { home, project } = makeHome("files");
    for (const path of ["skills", ".claude-plugin/overrides/skills"])
      cpSync(join(ROOT, "assets", path), join(home, ".claude/skills"), { recursive: true });
    expect(await look(home, project)).toEqual({ typed: FOR_USERS, told: SKILL_NAMES, servers: [] });
  },
);

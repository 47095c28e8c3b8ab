/**
 * The vendors' real programs as executors of whole implementation runs, in a linked worktree: whether what they were let
 * do is enough to commit. Opt-in: `npm run test:vendors`.
 */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { findAgent } from "@okstra/core/domain/agents";
import { bundleOkstra } from "../bundle-okstra.ts";
import { createRunProject, WORKER_LINES } from "../run-project.ts";
import type { TestProject } from "../test-project.ts";
import { describeSandboxHere } from "./sandbox-here.ts";
import { startModelServer } from "./model-server.ts";

const PROGRAMS = process.env["OKSTRA_TEST_VENDORS"] ?? "";
const REASON = process.env["OKSTRA_TEST_VENDORS_REASON"] || "not installed; run npm run test:vendors";
const MODELS = { claude: "claude-sonnet-4-5-20250929", codex: "gpt-5.1-codex", gemini: "gemini-2.5-pro" } as const;

let directory = "";
let okstra = "";
let project: TestProject | undefined;

beforeAll(async () => {
  // Not below a temporary directory: there Codex makes no sandbox for its commands.
  directory = realpathSync(mkdtempSync(join(PROGRAMS === "" ? tmpdir() : join(PROGRAMS, "../.."), "okstra-executor-")));
  okstra = await bundleOkstra(directory);
}, 60_000);

afterEach(() => project?.remove());
afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

/** @param argumentsOf the worker's own arguments, by the git directory of the repository */
async function implement(vendor: keyof typeof MODELS, sandbox: "require" | "off", argumentsOf: (gitDir: string) => string[] = () => []) {
  const server = await startModelServer({ way: "commit", result: { findings: [], summary: "It adds." } });
  try {
    const home = mkdtempSync(join(directory, `${vendor}-`));
    const preset = findAgent(vendor, vendor)!;
    const place = { baseUrl: server.baseUrl, home };
    for (const [path, text] of Object.entries(preset.fakeModelFiles?.(place) ?? {})) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    // Whatever else it wants to reach is asked of the model server, which refuses and remembers it.
    const reach = { HTTPS_PROXY: server.baseUrl, HTTP_PROXY: server.baseUrl, NO_PROXY: "127.0.0.1", ...preset.fakeModel?.(place) };
    // As for somebody who has used it: what is not there cannot be written in the sandbox.
    mkdirSync(join(home, `.${vendor}`), { recursive: true });
    project = await createRunProject({ passing: false });
    const reviewer = { kind: "command", command: ["sh", "-c", WORKER_LINES.silent] };
    const worker = {
      kind: vendor,
      command: [join(PROGRAMS, vendor), ...argumentsOf(project.repo.gitDir)],
      model: MODELS[vendor],
      env: Object.keys(reach),
      sandbox,
    };
    project.repo.write(
      ".project-docs/okstra/project.json",
      JSON.stringify({ schema: 1, projectId: "sums", workers: { edit: worker, silent: reviewer, quiet: reviewer } }),
    );
    // Agents get no identity from the environment.
    await project.repo.git(["config", "user.name", "e"]);
    await project.repo.git(["config", "user.email", "e@example.invalid"]);
    const answer = await project.okstra(["run", "g/t", "-t", "implementation", "--workers", "edit,silent,quiet", "--executor", "edit"], {
      env: { ...reach, HOME: home },
      launcher: [process.execPath, okstra],
    });
    if (process.env["OKSTRA_TEST_VENDORS_SHOW"] !== undefined)
      process.stderr.write(
        `${vendor} ${sandbox}: ${answer.stdout}\n${JSON.stringify(
          server.asked.map(({ text }) => text.slice(-1500)),
          null,
          1,
        )}\n`,
      );
    expect(server.unexpected).toEqual([]);
    return { ...answer, asked: server.asked };
  } finally {
    await server.close();
  }
}

describe.each(["claude", "codex", "gemini"] as const)("%s", (vendor) => {
  const isThere = existsSync(join(PROGRAMS, vendor));
  describe.skipIf(!isThere)(isThere ? "real program" : `skipped: ${REASON}`, () => {
    test("commits in okstra's sandbox", { timeout: 180_000 }, async ({ skip }) => {
      const { state, reason } = await describeSandboxHere();
      skip(state === "unavailable", `no sandbox here: ${reason ?? ""}`);
      const { json, stdout } = await implement(vendor, "require");
      expect([json.verdict, json.gate?.reasons], stdout).toEqual(["implemented", ["all-clear", "without-plan"]]);
    });

    // Codex's own sandbox keeps its commands out of git's directory.
    test(`${vendor === "codex" ? "cannot commit" : "commits"} without it`, { timeout: 180_000 }, async () => {
      const { json, stdout } = await implement(vendor, "off");
      expect([json.verdict, json.gate?.reasons], stdout).toEqual(
        vendor === "codex"
          ? ["not-implemented", ["no-commits", "uncommitted-work", "without-plan"]]
          : ["implemented", ["all-clear", "without-plan"]],
      );
    });
  });
});

describe.skipIf(!existsSync(join(PROGRAMS, "codex")))("codex without okstra's sandbox", () => {
  const rootsBelow = (paths: readonly string[]) => (gitDir: string) => [
    "-c",
    `sandbox_workspace_write.writable_roots=${JSON.stringify(paths.map((path) => `${gitDir}${path}`))}`,
  ];

  test("commits when the worker's command names what git writes, each a root of its own", { timeout: 180_000 }, async () => {
    const { json, stdout } = await implement("codex", "off", rootsBelow(["/objects", "/worktrees/t", "/refs/heads", "/logs/refs/heads"]));
    expect([json.verdict, json.gate?.reasons], stdout).toEqual(["implemented", ["all-clear", "without-plan"]]);
  });

  test("cannot when git's directory is named as a whole", { timeout: 180_000 }, async () => {
    const { json } = await implement("codex", "off", rootsBelow([""]));
    expect(json.gate?.reasons).toContain("no-commits");
  });
});

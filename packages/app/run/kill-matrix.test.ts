import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";

/** A worker is gone this long after okstra, whatever ended okstra (docs: cases, 35). */
const DEATH_MS = 5000;
/** KILL_ROUNDS=20 is what the promise was proven with; one round keeps the suite short. */
const ROUNDS = Number(process.env["KILL_ROUNDS"] ?? 1);

const SHAPES = ["until-plain", "until-setsid", "until-stubborn"] as const;
const WAYS: Readonly<Record<string, (okstra: StartedProcess) => Promise<void> | void>> = {
  "Ctrl-C": (okstra) => okstra.signal("SIGINT", "group"),
  "double Ctrl-C": async (okstra) => {
    okstra.signal("SIGINT", "group");
    await new Promise((resolve) => setTimeout(resolve, 50));
    okstra.signal("SIGINT", "group");
  },
  SIGTERM: (okstra) => okstra.signal("SIGTERM"),
  SIGHUP: (okstra) => okstra.signal("SIGHUP"),
  SIGKILL: (okstra) => okstra.signal("SIGKILL"),
};

let bundles = "";
let agent = "";
let okstra = "";
beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), "okstra-kills-"));
  [agent, okstra] = await Promise.all([bundleScriptedAgent(bundles), bundleOkstra(bundles)]);
}, 60_000);
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

let project: TestProject;
afterEach(async () => {
  await endStarted();
  project.remove();
});

async function createProject(shape: string): Promise<string> {
  const state = join(mkdtempSync(join(bundles, "state-")), "go");
  project = await createRunProject({
    settings: { workers: { anna: { kind: "acp", command: [process.execPath, agent, shape, state] } }, qaCommands: ["true"] },
  });
  return state;
}

const RUN = ["run", "g/t", "-t", "final-verification", "--workers", "checks,anna"] as const;
const runDir = (): string => join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs/final-verification/001");

/** What a run came to, without times, durations and ids. */
function outcome(): unknown {
  const report = JSON.parse(readFileSync(join(runDir(), "report.json"), "utf8")) as Record<string, unknown>;
  const lanes = (report["lanes"] as Record<string, unknown>[]).map(
    ({ worker, role, end, reason, findings, family, modelServed, sandbox }) => ({
      worker,
      role,
      end,
      reason,
      findings,
      family,
      modelServed,
      sandbox,
    }),
  );
  const { verdict, gate, clusters, totals, rawFindings, votes, unheard } = report;
  return { verdict, gate, clusters, totals, rawFindings, votes, unheard, lanes };
}

async function undisturbed(shape: string): Promise<unknown> {
  const state = await createProject(shape);
  writeFileSync(state, "");
  const answer = await project.okstra(RUN, { launcher: [process.execPath, okstra] });
  expect(answer.json, answer.stdout).toMatchObject({ state: "ended", valid: true });
  const came = outcome();
  project.remove();
  return came;
}

describe.each(SHAPES)("case 35: an agent of the shape %s", (shape) => {
  test.each(Object.keys(WAYS))(
    `%s of okstra leaves no process after ${DEATH_MS} ms, and the run resumes to the same result`,
    async (way) => {
      const wanted = await undisturbed(shape);
      for (let round = 0; round < ROUNDS; round += 1) {
        const state = await createProject(shape);
        const started = startProcess([process.execPath, okstra, ...RUN, "--json"], { cwd: project.repo.root });
        const transcript = join(runDir(), "workers/anna/transcript.jsonl");
        await waitUntil(() => (existsSync(transcript) && readFileSync(transcript, "utf8").includes('"ready"')) || !started.isRunning());
        expect(started.isRunning(), started.lines().join("\n")).toBe(true);
        const { runId } = JSON.parse(readFileSync(join(runDir(), "run.json"), "utf8")) as { runId: string };
        const mark = `OKSTRA_RUN_ID=${runId}`;
        expect(await waitForMarked(mark, (found) => found.length > 1, DEATH_MS)).not.toEqual([]);
        await WAYS[way]?.(started);
        const left = await waitForMarked(mark, (found) => found.length === 0, DEATH_MS);
        expect(left, `round ${round}`).toEqual([]);
        const end = await started.ended;
        expect(way === "SIGKILL" ? end.signal : end.status).not.toBe(0);
        writeFileSync(state, "");
        const resumed = await project.okstra(["resume", "g/t"], { launcher: [process.execPath, okstra] });
        expect(resumed.json, resumed.stdout).toMatchObject({ state: "ended", valid: true });
        expect(outcome(), `round ${round}`).toEqual(wanted);
        if (round + 1 < ROUNDS) project.remove();
      }
    },
    60_000 + ROUNDS * 30_000,
  );
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { createPlayProject } from "@okstra/testkit/play-project";
import type { TestProject } from "@okstra/testkit/test-project";

const KILLS = 20;
const TASK = "bugs/sum";
const PHASES = ["requirements-discovery", "error-analysis", "implementation-planning", "implementation", "final-verification"];

let projects: readonly TestProject[] = [];
let okstra: string;

beforeAll(async () => {
  const calm = await createPlayProject("calmside");
  const { home } = calm;
  projects = [await createPlayProject("westside", { home }), await createPlayProject("eastside", { home }), calm];
  okstra = await bundleOkstra(projects[0]!.home.directory("bundle"));
  for (const project of projects) {
    const made = await project.okstra(["task", "new", TASK, "--category", "feature"]);
    if (made.status !== 0) throw new Error(made.stdout);
  }
}, 60_000);
afterEach(endStarted);
afterAll(() => {
  projects[0]?.remove();
});

interface Kills {
  left: number;
  /** From a seed, so that a failure can be looked at again. */
  next(): number;
}

/** Goes on until the task is done; a person answers what is asked. `kills` ends okstra and its group at random moments. */
async function takeThrough(project: TestProject, kills: Kills): Promise<number> {
  const home = project.home.okstraHome;
  const said: string[] = [];
  for (let starts = 1; starts < KILLS * 3 + 20; starts += 1) {
    const process = startProcess(["node", okstra, "go", TASK, "--json"], { cwd: project.repo.root, env: { OKSTRA_HOME: home } });
    process.closeStdin();
    const timer =
      kills.left > 0
        ? setTimeout(() => {
            if (!process.isRunning()) return;
            kills.left -= 1;
            process.signal("SIGKILL", kills.next() < 0.5 ? "group" : "process");
          }, kills.next() * 1800)
        : undefined;
    const { status, stdout, stderr } = await process.ended;
    clearTimeout(timer);
    if (status === 0) return starts;
    said.push(`${status} ${stdout.slice(0, 400)} ${stderr.slice(-300)}`);
    if (status !== 10) continue;
    const { answerWith } = JSON.parse(stdout) as { answerWith: string };
    if (answerWith.startsWith("okstra answer")) await project.okstra(["answer", TASK, "Q1=No."]);
    else if (answerWith.startsWith("okstra approve")) await project.okstra(["approve", TASK]);
    else throw new Error(`nobody foresaw: ${answerWith}\n${stdout}`);
  }
  throw new Error(`the task was never done:\n${said.slice(-5).join("\n")}`);
}

/**
 * The report of a phase without times, ids, commits, the project's own name and paths. A kill before a run was prepared
 * leaves a worktree that the next one finds.
 */
function plainReport(project: TestProject, name: string, phase: string): string {
  const parent = join(project.repo.root, `.project-docs/okstra/tasks/bugs/sum/runs/${phase}`);
  const ended = readdirSync(parent).filter((run) => existsSync(join(parent, run, "validation.json")));
  expect(ended).toHaveLength(1);
  return readFileSync(join(parent, ended[0] ?? "", "report.md"), "utf8")
    .replaceAll(/^- (Status|Note): .*$/gm, "- $1: HOW")
    .replaceAll(project.home.root, "HOME")
    .replaceAll(new RegExp(`\\b${name}\\b`, "g"), "NAME")
    .replaceAll(/\b[0-9a-f]{7,64}\b/g, "HEX")
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z| UTC)?/g, "TIME")
    .replaceAll(/\b\d+(?:\.\d+)? m?s\b/g, "DURATION");
}

test(`two tasks of two projects at once, killed ${KILLS} times between them, come to the reports of an undisturbed one`, async () => {
  const seed = Number(process.env["OKSTRA_TEST_SEED"] ?? Date.now() % 1_000_000);
  let state = seed;
  const kills: Kills = {
    left: KILLS,
    next: () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647,
  };
  const [left, right, calm] = projects as [TestProject, TestProject, TestProject];
  await takeThrough(calm, { left: 0, next: () => 0 });
  const starts = await Promise.all([takeThrough(left, kills), takeThrough(right, kills)]);
  for (const phase of PHASES) {
    const wanted = plainReport(calm, "calmside", phase);
    expect(plainReport(left, "westside", phase), `seed ${seed}: ${phase}`).toBe(wanted);
    expect(plainReport(right, "eastside", phase), `seed ${seed}: ${phase}`).toBe(wanted);
  }
  for (const project of projects) {
    const answer = await project.okstra(["validate", TASK]);
    expect(answer.status, `seed ${seed}: ${answer.stdout}`).toBe(0);
    const doctor = await project.okstra(["doctor"]);
    expect(doctor.status, `seed ${seed}: ${doctor.stdout}`).toBe(0);
  }
  process.stderr.write(`killed ${KILLS - kills.left} times, seed ${seed}, starts ${starts.join(" and ")}\n`);
}, 300_000);

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskRef } from "@okstra/core/dashboard/api";
import type { Convergence } from "@okstra/core/convergence/cluster";
import type { Report } from "@okstra/core/report/report-data";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, expect, test } from "vitest";
import type { App } from "../app.ts";
import { createDashboardAnswers } from "./answers.ts";

const REF: TaskRef = { project: "sums", group: "bugs", task: "login" };
const COUNT = 5000;

let project: TestProject;
afterEach(() => project.remove());

/** Makes many of the one finding of a run, in every file that has it, and seals the run's log anew. */
async function multiply(app: App, runDir: string): Promise<void> {
  const load = <T>(name: string): T => JSON.parse(readFileSync(join(runDir, name), "utf8")) as T;
  const many = <T>(all: readonly T[], change: (each: T, number: number) => T): T[] =>
    Array.from({ length: COUNT }, (_, at) => change(all[0] as T, at + 1));
  const claim = (at: number): string =>
    `The value ${at} that line ${at * 7} of the table has is wrong by ${at % 17}, and so is what follows from it`;
  const place = (at: number) => ({ claim: claim(at), file: `src/many-${at % 50}.js`, startLine: at, endLine: at });
  const grow = ({ clusters, ledger }: Pick<Convergence, "clusters" | "ledger">) => ({
    clusters: many(clusters, (each, at) => ({ ...each, ...place(at), id: `C${at}`, members: [`reviewer#${at}`] })),
    ledger: many(ledger, (each, at) => ({ ...each, ...place(at), id: `F${at}`, cluster: `C${at}` })),
  });
  const convergence = load<Convergence>("convergence.json");
  const report = load<Report>("report.json");
  const texts = {
    convergence: JSON.stringify({ ...convergence, ...grow(convergence) }),
    report: JSON.stringify({
      ...report,
      ...grow(report),
      rawFindings: many(report.rawFindings, (each, at) => ({ ...each, ...place(at), id: `reviewer#${at}` })),
    }),
  };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(runDir, `${name}.json`), text);
  let prev = "";
  const lines: string[] = [];
  for (const line of readFileSync(join(runDir, "events.jsonl"), "utf8").trimEnd().split("\n")) {
    const { seal: _, ...event } = JSON.parse(line) as Record<string, unknown>;
    if ("convergenceSha256" in event) event["convergenceSha256"] = app.sha256(texts.convergence);
    if ("reportSha256" in event) event["reportSha256"] = app.sha256(texts.report);
    event["prev"] = prev;
    lines.push(JSON.stringify({ ...event, seal: (await app.sealer.seal(JSON.stringify(event))).mac }));
    prev = app.sha256(lines.at(-1) ?? "");
  }
  writeFileSync(join(runDir, "events.jsonl"), `${lines.join("\n")}\n`);
}

test("5,000 findings are told whole", async () => {
  project = await createRunProject();
  const { runDir } = (await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "reviewer,silent"])).json;
  const app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
  await multiply(app, runDir);
  const dashboard = createDashboardAnswers(app);
  const timed = async <T>(what: string, load: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const document = await load();
    const ms = (performance.now() - from).toFixed(0);
    process.stdout.write(`${COUNT} findings, ${what}: ${ms} ms, ${(JSON.stringify(document).length / 1e6).toFixed(1)} MB\n`);
    return document;
  };
  const { findings } = await timed("findings", () => dashboard.findings(REF, { type: null, run: null }));
  expect(findings.map(({ id }) => id)).toEqual(Array.from({ length: COUNT }, (_, at) => `F${at + 1}`));
  expect(findings.every(({ row, cluster, members }) => row?.cluster === cluster?.id && members.length === 1)).toBe(true);
  const ofRun = await timed("findings of the run", () => dashboard.findings(REF, { type: "final-verification", run: 1 }));
  expect(ofRun.findings).toHaveLength(COUNT);
  expect((await timed("task", () => dashboard.task(REF))).openFindings).toBe(COUNT);
  expect((await timed("board", () => dashboard.board({ project: null, group: null, phase: null, state: null }))).tasks).toHaveLength(1);
  const report = await timed("report", () => dashboard.report(REF, { type: "final-verification", run: 1 }));
  expect(report.markdown.length).toBeGreaterThan(COUNT * 100);
  const { hits, isCut } = await timed("search", () => dashboard.search({ q: "many-7 TABLE", limit: 50 }));
  expect([hits.length, isCut, hits[0]?.id]).toEqual([50, true, "F7"]);
  const again = await timed("search again", () => dashboard.search({ q: "value 4999 that", limit: 50 }));
  expect(again).toMatchObject({ hits: [{ id: "F4999" }], isCut: false });
  await dashboard.close();
});

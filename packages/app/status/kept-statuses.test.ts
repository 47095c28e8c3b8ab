import { appendFileSync, chmodSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import type { App } from "@okstra/app/app";
import type { JournalOf } from "@okstra/core/journal-port";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { loadStatus } from "./load-status.ts";

let project: TestProject;
afterEach(() => project.remove());

const ALL = { group: null, phase: null, state: null };
const HOUR_MS = 3_600_000;

/** The real parts at a time that is later than every change of a file, with a count of what is read of logs. */
async function open(): Promise<{ app: App; of: JournalOf; wait: (ms: number) => void; countReads: () => number }> {
  const root = project.repo.root;
  const app = await openApp({ env: process.env, cwd: root, emit: () => undefined });
  let laterMs = HOUR_MS;
  let reads = 0;
  const readText: App["store"]["readText"] = (path, options) => {
    if (path.endsWith("/events.jsonl")) reads += 1;
    return app.store.readText(path, options);
  };
  const clock: App["clock"] = { ...app.clock, now: () => new Date(Date.parse(app.clock.now()) + laterMs).toISOString() };
  return {
    app: { ...app, clock, store: { ...app.store, readText } },
    of: { project: "sums", root },
    wait: (ms) => void (laterMs += ms),
    countReads: () => [reads, (reads = 0)][0] ?? 0,
  };
}

/** What the truth says: nothing is kept, and nothing that was kept is looked at. */
function loadTruth(app: App, of: JournalOf) {
  const tasks: App["journals"]["tasks"] = { stamp: () => null, load: () => null, replace: () => undefined };
  return loadStatus({ ...app, journals: { ...app.journals, tasks } }, [of], ALL);
}

const keptPath = (): string => {
  const directory = join(project.home.okstraHome, "index/tasks");
  return join(directory, readdirSync(directory)[0] ?? "none.json");
};
const recordsOf = (task: string): string => join(project.repo.root, ".project-docs/okstra/tasks", task);

const LINES = { two: `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"` };

async function start(): Promise<void> {
  project = await createRunProject({ lines: LINES });
  await project.okstra(["run", "bugs/one", "-t", "error-analysis", "--workers", "silent,two"]);
  await project.okstra(["run", "bugs/one", "-t", "final-verification", "--workers", "silent"]);
  await project.okstra(["run", "bugs/two", "-t", "final-verification", "--workers", "silent,two"]);
  await project.okstra(["task", "new", "ideas/three", "--category", "bugfix"]);
}

test("tasks that did not change are not read again, and only those; what is kept is private", async () => {
  await start();
  const { app, of, countReads } = await open();
  const first = await loadStatus(app, [of], ALL);
  expect(first.map(({ taskKey }) => taskKey).toSorted()).toEqual(["sums/bugs/one", "sums/bugs/two", "sums/ideas/three"]);
  expect(countReads()).toBeGreaterThan(0);
  expect(await loadStatus(app, [of], ALL)).toEqual(first);
  expect(countReads()).toBe(0);
  expect(statSync(keptPath()).mode & 0o777).toBe(0o600);
  await project.okstra(["override", "bugs/one", "final-verification", "--reason", "seen by hand"]);
  expect(await loadStatus(app, [of], ALL)).toEqual(await loadTruth(app, of));
  countReads();
  // One group is asked for: of the others nothing is forgotten.
  await loadStatus(app, [of], { ...ALL, group: "ideas" });
  await loadStatus(app, [of], ALL);
  expect(countReads()).toBe(0);
});

test("what has just changed is not kept: a second change might not show in its time", async () => {
  await start();
  const { app, of, wait, countReads } = await open();
  wait(-HOUR_MS);
  const path = join(recordsOf("bugs/two"), "task.json");
  writeFileSync(path, readFileSync(path));
  await loadStatus(app, [of], { ...ALL, group: "bugs" });
  countReads();
  await loadStatus(app, [of], ALL);
  expect(countReads()).toBeGreaterThan(0);
});

test("a run whose files were changed by hand is named, a newer one counts all the same", async () => {
  await start();
  const { app, of } = await open();
  await loadStatus(app, [of], ALL);
  const report = join(recordsOf("bugs/two"), "runs/final-verification/001/report.json");
  const { atime, mtime } = statSync(report);
  writeFileSync(report, readFileSync(report, "utf8").replace("accepted", "ACCEPTED"));
  utimesSync(report, atime, mtime);
  const damaged = (await loadStatus(app, [of], ALL)).find(({ taskKey }) => taskKey === "sums/bugs/two");
  expect(damaged).toMatchObject({
    state: "damaged",
    phase: "final-verification",
    run: 1,
    why: "final-verification run 1 is damaged: report.json is not the one that the run wrote",
    command: expect.stringContaining("okstra "),
  });
  await project.okstra(["run", "bugs/two", "-t", "final-verification", "--workers", "silent,two"]);
  const mended = (await loadStatus(app, [of], ALL)).find(({ taskKey }) => taskKey === "sums/bugs/two");
  expect(mended).toMatchObject({ state: "waiting", why: expect.stringMatching(/; damaged: final-verification run 1$/) });
});

test("an override that runs out is noticed though nothing changed", async () => {
  await start();
  const until = new Date(Date.now() + 2 * HOUR_MS).toISOString();
  await project.okstra(["override", "bugs/one", "error-analysis", "--reason", "for now", "--until", until]);
  const { app, of, wait, countReads } = await open();
  const before = await loadStatus(app, [of], ALL);
  countReads();
  expect(await loadStatus(app, [of], ALL)).toEqual(before);
  expect(countReads()).toBe(0);
  wait(2 * HOUR_MS);
  const after = await loadStatus(app, [of], ALL);
  expect(countReads()).toBeGreaterThan(0);
  expect(after).toEqual(await loadTruth(app, of));
});

test("what was kept and what the files say are the same, whatever happens in between", { timeout: 240_000 }, async () => {
  await start();
  const { app, of, wait } = await open();
  const files = ["bugs/one", "bugs/two", "ideas/three"].flatMap((task) =>
    readdirSync(recordsOf(task), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const originals = new Map(files.map((path) => [path, readFileSync(path)]));
  const mend = (): void => {
    for (const [path, content] of originals) writeFileSync(path, content, { mode: 0o600 });
  };
  const file = fc.constantFrom(...files);
  const worktree = (await project.okstra(["path", "bugs/one"])).json.path as string;
  const operation = fc.oneof(
    fc.record({ what: fc.constantFrom("append", "remove", "empty", "same size", "touch", "old time"), path: file }),
    fc.record({
      what: fc.constantFrom("mend", "commit", "wait", "forget", "garbage", "torn", "other key", "lie of another root"),
      path: file,
    }),
  );
  const apply = async ({ what, path }: { what: string; path: string }): Promise<void> => {
    const content = originals.get(path) ?? Buffer.alloc(0);
    const isThere = statSync(path, { throwIfNoEntry: false }) !== undefined;
    if (what === "append" && isThere) appendFileSync(path, "x\n");
    if (what === "remove") rmSync(path, { force: true });
    if (what === "empty" && isThere) truncateSync(path, 0);
    if (what === "same size") writeFileSync(path, content.toString().replace("e", "E"));
    if (what === "touch" && isThere) chmodSync(path, 0o640);
    if (what === "old time") writeFileSync(path, content.toString().replace("a", "A"));
    if (what === "old time") utimesSync(path, 1, 1);
    if (what === "mend") mend();
    if (what === "commit") await project.repo.git(["commit", "--quiet", "--allow-empty", "--message=more"], { cwd: worktree });
    if (what === "wait") wait(60_000);
    if (what === "forget") rmSync(keptPath(), { force: true });
    if (what === "garbage") writeFileSync(keptPath(), '{"schema":1,"tasks":{"sums/bugs/one":{}}}');
    if (what === "torn" && statSync(keptPath(), { throwIfNoEntry: false }) !== undefined) truncateSync(keptPath(), 100);
    if (what === "other key" || what === "lie of another root") {
      const text = statSync(keptPath(), { throwIfNoEntry: false }) === undefined ? "{}" : readFileSync(keptPath(), "utf8");
      const change = what === "other key" ? { keyId: "0" } : { root: "/elsewhere" };
      writeFileSync(keptPath(), text.startsWith("{") && text.endsWith("}") ? JSON.stringify({ ...JSON.parse(text), ...change }) : text);
    }
  };
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 6 }), async (operations) => {
      mend();
      for (const each of operations) {
        await loadStatus(app, [of], ALL);
        await apply(each);
        expect(await loadStatus(app, [of], ALL)).toEqual(await loadTruth(app, of));
      }
    }),
    { numRuns: 12 },
  );
});

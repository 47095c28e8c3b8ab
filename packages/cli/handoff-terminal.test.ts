import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";
import { KEYS, openTerminal, whyNoTerminal, type HandoffTerminal } from "@okstra/testkit/handoff-terminal";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { sshStandIn } from "@okstra/testkit/remotes/ssh-stand-in";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

// Some tests start okstra six times.
vi.setConfig({ testTimeout: 180_000 });

const MARK = `terminal-${process.pid}`;

let work: HandoffProject;
let terminal: HandoffTerminal | null;
beforeEach(async (context) => {
  terminal = null;
  work = await createHandoffProject();
  const reason = whyNoTerminal();
  if (reason !== null) context.skip(reason);
});
afterEach(async () => {
  terminal?.hangUp();
  await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.length === 0, 20_000);
  work.project.remove();
});

async function start(flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<HandoffTerminal> {
  const okstra = await bundleOkstra(work.project.home.directory("bundle"));
  terminal = openTerminal([process.execPath, okstra, "handoff", work.task, ...flags], {
    cwd: work.project.repo.root,
    env: { ...process.env, USER: "person", OKSTRA_TEST_MARK: MARK, ...env },
  });
  return terminal;
}

interface Report {
  readonly verdict: string;
  readonly releaseHandoff: {
    readonly outcome: string;
    readonly selections: readonly { question: string; text: string; how: string; by: string }[];
    readonly choice: { readonly how: string; readonly by: string } | null;
    readonly pullRequest: { readonly title: string | null; readonly body: string | null };
    readonly commits: readonly unknown[];
    readonly state: { readonly base: { readonly branch: string } | null };
  };
}

/** The report of the hand-off run, when it is valid. */
async function loadReport(run = 1): Promise<Report> {
  const directory = `.project-docs/okstra/tasks/${work.task}/runs/release-handoff/${String(run).padStart(3, "0")}`;
  const checked = await work.project.okstra(["validate", directory]);
  expect(checked.status, checked.stdout).toBe(0);
  return JSON.parse(readFileSync(join(work.project.repo.root, directory, "report.json"), "utf8"));
}

const answersOf = (report: Report) => report.releaseHandoff.selections.map(({ question, text, how, by }) => [question, text, how, by]);

/** Neither a ref nor an object came to the remote. */
async function expectNothingLeft(): Promise<void> {
  expect(await work.remoteCommit()).toBeNull();
  expect((await work.remote.git(["for-each-ref", "--format=%(refname)"])).split("\n")).toEqual(["refs/heads/main", "refs/heads/staging"]);
  expect(await work.remote.git(["cat-file", "-e", work.head], { okExitCodes: [0, 1] })).toBe("");
  await expect(work.remote.git(["cat-file", "-e", work.head])).rejects.toThrow("cat-file");
}

/** H1 is answered with pull request, and H2 with main, which stands below staging. */
async function chooseMain(shown: HandoffTerminal): Promise<void> {
  await shown.waitFor("H1");
  shown.press(KEYS.up, KEYS.enter);
  await shown.waitFor("H2");
  shown.press(KEYS.down, KEYS.enter);
  await shown.waitFor("H3");
}

test("three answers push the verified commit, and stand in the report word for word", async () => {
  const shown = await start();
  await chooseMain(shown);
  for (const line of ["push      refs/heads/", work.remote.url, "base      main", "Mend the login", "title "])
    expect(shown.shown()).toContain(line);
  await expectNothingLeft();
  shown.press(KEYS.up, KEYS.up, KEYS.enter);
  await shown.waitFor("HANDED-OFF");
  expect(await shown.ended).toBe(0);
  expect(await work.remoteCommit()).toBe(work.head);
  const report = await loadReport();
  expect(answersOf(report)).toEqual([
    ["H1", "pr", "terminal", "person"],
    ["H2", "main", "terminal", "person"],
    ["H3", "as-is", "terminal", "person"],
  ]);
  expect(report.releaseHandoff).toMatchObject({
    outcome: "handed-off",
    choice: { how: "terminal", by: "person" },
    state: { base: { branch: "main" } },
  });
});

test("commit only pushes nothing; a base can be typed", async () => {
  const shown = await start();
  await shown.waitFor("H1");
  shown.press(KEYS.up, KEYS.up, KEYS.enter);
  await shown.waitFor("H2");
  shown.press(KEYS.up, KEYS.enter);
  await shown.waitFor("Name of the branch");
  shown.press(KEYS.enter);
  await shown.waitFor("A name is needed.");
  shown.press("main", KEYS.enter);
  await shown.waitFor("H3");
  shown.press(KEYS.up, KEYS.up, KEYS.enter);
  await shown.waitFor("COMMITTED");
  expect(await shown.ended).toBe(0);
  await expectNothingLeft();
  expect(answersOf(await loadReport()).map(([, text]) => text)).toEqual(["commit", "main", "as-is"]);
});

test("a typed base that is no branch is named with those that are, and nothing leaves", async () => {
  const shown = await start(["--base", "nowhere"]);
  await shown.waitFor("H1");
  shown.press(KEYS.up, KEYS.enter);
  expect(await shown.ended).toBe(1);
  expect(shown.shown()).toMatch(/OKSTRA_HANDOFF_BASE_NOT_FOUND.*staging, main/s);
  await expectNothingLeft();
});

test("case 57: a remote's branches are neutral where they are offered, and a picked one is the one that is meant", async () => {
  const name = "a\u202Eb\u009B31m$(touch${IFS}x)";
  await work.remote.git(["update-ref", `refs/heads/${name}`, "main"]);
  const shown = await start();
  await shown.waitFor("H1");
  shown.press(KEYS.up, KEYS.enter);
  await shown.waitFor("H2");
  shown.press(KEYS.down, KEYS.down, KEYS.enter);
  await shown.waitFor("H3");
  expect(shown.shown()).toContain("31m$(touch${IFS}x)");
  expect(shown.shown()).not.toMatch(/[\u0080-\u009F\u202E]/);
  shown.press(KEYS.up, KEYS.up, KEYS.enter);
  expect(await shown.ended).toBe(0);
  expect(shown.shown()).not.toMatch(/[\u0080-\u009F\u202E]/);
  const report = await loadReport();
  expect([report.releaseHandoff.state.base?.branch, answersOf(report)[1]?.[1]]).toEqual([name, name]);
});

test("skip is what Enter alone says, and leaves a report and nothing else", async () => {
  const shown = await start();
  await shown.waitFor("H1");
  shown.press(KEYS.enter);
  expect(await shown.ended).toBe(0);
  await expectNothingLeft();
  const report = await loadReport();
  expect(report.releaseHandoff).toMatchObject({ outcome: "skipped", commits: [] });
  expect(answersOf(report)).toEqual([["H1", "skip", "terminal", "person"]]);
});

test.each([
  ["Ctrl-C", KEYS.interrupt],
  ["Esc", KEYS.escape],
])("case 58: %s at each question ends it, and nothing happens", async (_, key) => {
  const first = await start();
  await first.waitFor("H1");
  first.press(key);
  await first.waitFor("nothing was chosen");
  expect(await first.ended).toBe(10);
  await expectNothingLeft();

  const second = await start();
  await second.waitFor("H1");
  second.press(KEYS.up, KEYS.enter);
  await second.waitFor("H2");
  second.press(key);
  expect(await second.ended).toBe(10);
  expect(answersOf(await loadReport(1))).toEqual([["H1", "pr", "terminal", "person"]]);

  const third = await start();
  await chooseMain(third);
  third.press(key);
  expect(await third.ended).toBe(10);
  const report = await loadReport(2);
  expect(report.releaseHandoff).toMatchObject({ outcome: "cancelled", choice: null });
  expect(answersOf(report).slice(0, 2)).toEqual([
    ["H1", "pr", "terminal", "person"],
    ["H2", "main", "terminal", "person"],
  ]);
  await expectNothingLeft();
});

test("case 58: Enter, `y` and `yes` typed blindly at every question hand nothing off", async () => {
  for (const [words, flags] of [
    [["y"], []],
    [["yes", KEYS.enter], []],
    [[KEYS.enter], ["--base", "main"]],
  ] as const) {
    const shown = await start(flags);
    await shown.waitFor("H1");
    shown.press(...words);
    shown.press(...Array.from({ length: 5 }, () => [...words, KEYS.enter]).flat());
    expect(await shown.ended).toBe(0);
    expect(shown.shown()).toContain("SKIPPED");
    await expectNothingLeft();
  }
  // All of it at once, before anything is asked.
  const early = await start();
  early.press(...Array.from({ length: 20 }, () => `y${KEYS.enter}`));
  await early.waitFor("H1");
  early.press(KEYS.interrupt);
  expect([0, 10]).toContain(await early.ended);
  await expectNothingLeft();
  // Somebody who did choose a pull request has not said yet that it is to go.
  const blind = await start();
  await blind.waitFor("H1");
  blind.press(KEYS.up, KEYS.enter);
  await blind.waitFor("H2");
  blind.press("y", KEYS.enter);
  await blind.waitFor("H3");
  blind.press("y", "yes", KEYS.enter);
  expect(await blind.ended).toBe(10);
  expect(blind.shown()).toContain("CANCELLED");
  await expectNothingLeft();
});

function writeEditor(line: string): string {
  const editor = join(work.project.home.directory("editor"), "my editor");
  writeFileSync(editor, `#!/bin/sh\n[ -t 0 ] && [ -t 1 ] || exit 9\n${line}\n`);
  chmodSync(editor, 0o755);
  return `'${editor}'`;
}

test("edit opens $EDITOR at the terminal, and shows what it left before it is asked again", async () => {
  const shown = await start([], { EDITOR: writeEditor(`printf 'A better title\\n\\nA better body.\\n' >"$1"`) });
  await chooseMain(shown);
  shown.press(KEYS.up, KEYS.enter);
  await shown.waitFor(/title +A better title.*A better body\..*H3/s);
  await expectNothingLeft();
  shown.press(KEYS.up, KEYS.up, KEYS.enter);
  expect(await shown.ended).toBe(0);
  expect(await work.remoteCommit()).toBe(work.head);
  const report = await loadReport();
  expect(report.releaseHandoff.pullRequest).toMatchObject({ title: "A better title", body: "A better body." });
  expect(answersOf(report).map(([question, text]) => [question, text])).toEqual([
    ["H1", "pr"],
    ["H2", "main"],
    ["H3", "as-is"],
  ]);
});

test("an editor that fails, or leaves nothing, hands nothing off", async () => {
  const failing = await start([], { EDITOR: writeEditor("exit 7") });
  await chooseMain(failing);
  failing.press(KEYS.up, KEYS.enter);
  expect(await failing.ended).toBe(1);
  expect(failing.shown()).toContain("OKSTRA_HANDOFF_MESSAGE_INVALID");
  await expectNothingLeft();
  const emptying = await start([], { EDITOR: writeEditor(`: >"$1"`) });
  await chooseMain(emptying);
  emptying.press(KEYS.up, KEYS.enter);
  expect(await emptying.ended).toBe(1);
  expect(emptying.shown()).toContain("OKSTRA_HANDOFF_MESSAGE_INVALID");
  await expectNothingLeft();
});

test("case 35, case 58: a terminal that goes away in the middle of the questions hands nothing off", async () => {
  for (const until of ["H1", "H2", "H3"] as const) {
    const shown = await start();
    if (until === "H3") await chooseMain(shown);
    else await shown.waitFor("H1");
    if (until === "H2") {
      shown.press(KEYS.up, KEYS.enter);
      await shown.waitFor("H2");
    }
    shown.hangUp();
    await shown.ended;
    expect(await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.length === 0, 20_000)).toEqual([]);
    await expectNothingLeft();
  }
  const shown = await start();
  await chooseMain(shown);
  shown.press(KEYS.up, KEYS.up, KEYS.enter);
  expect(await shown.ended).toBe(0);
  expect(await work.remoteCommit()).toBe(work.head);
});

test.each([
  ["a terminal that goes away", (shown: HandoffTerminal) => shown.hangUp()],
  ["Ctrl-C", (shown: HandoffTerminal) => shown.press(KEYS.interrupt)],
] as const)("case 35, case 60: %s in the middle of a push ends ssh too, and the hand-off goes on later", async (_, stop) => {
  const ssh = sshStandIn(work.project.home.directory("ssh"));
  const stuck = join(work.project.home.directory("stuck"), "ssh");
  const reached = join(work.project.home.root, "reached");
  writeFileSync(stuck, `#!/bin/sh\ncase "$*" in *git-receive-pack*) : >'${reached}'; sleep 3600;; esac\nexec '${ssh.command}' "$@"\n`);
  chmodSync(stuck, 0o755);
  await work.project.repo.git(["remote", "set-url", "origin", ssh.url(work.remote.path)]);
  const shown = await start([], { GIT_SSH: stuck });
  await chooseMain(shown);
  shown.press(KEYS.up, KEYS.up, KEYS.enter);
  await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.some(({ commandLine }) => commandLine.includes("sleep 3600")), 50_000);
  stop(shown);
  expect([null, 130]).toContain(await shown.ended);
  expect(await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.length === 0, 20_000)).toEqual([]);
  await expectNothingLeft();
  const done = await work.project.okstra(["handoff", work.task], { env: { GIT_SSH: ssh.command } });
  expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([0, "handed-off", true]);
  expect(await work.remoteCommit()).toBe(work.head);
});

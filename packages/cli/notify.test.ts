import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil } from "@okstra/testkit/faults/start-process";
import { openTerminal, whyNoTerminal } from "@okstra/testkit/handoff-terminal";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { createRunProject } from "@okstra/testkit/run-project";
import type { OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";

const CANARY = "canary-51c0ffee77aa";
const BELL = "\u0007";

let project: TestProject;
let told = "";
beforeEach(async () => {
  project = await createRunProject({
    lines: {
      two: `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
      breaks: `mkdir -p .project-docs/okstra/tasks/bugs/fail/runs/error-analysis/001/report.json/x; printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
      waits: `[ -e "$HOME/go" ] || { touch "$HOME/began"; sleep 600; }; printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
    },
  });
  told = join(project.home.directory("told"), "lines");
});
afterEach(async () => {
  await endStarted();
  project.remove();
});

/** A program of the person's. @param body lines of shell; `$LOG` is the file that it writes to */
function writeProgram(name: string, body: string): string {
  const path = join(project.home.directory("bin"), name);
  writeFileSync(path, `#!/bin/sh\nLOG='${told}'\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Writes what it was given as one line of JSON: arguments, standard input, environment. */
function writeRecorder(name = "tell"): string {
  const path = join(project.home.directory("bin"), `${name}.mjs`);
  writeFileSync(
    path,
    `import { appendFileSync, readFileSync } from "node:fs";
appendFileSync(${JSON.stringify(told)}, JSON.stringify({ args: process.argv.slice(2), stdin: readFileSync(0, "utf8"), env: process.env }) + "\\n");\n`,
  );
  return `${process.execPath} ${path}`;
}

interface Told {
  readonly args: readonly string[];
  readonly document: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
}

function readTold(): readonly Told[] {
  // The last part is a line that is still being written.
  const lines = (existsSync(told) ? readFileSync(told, "utf8") : "").split("\n").slice(0, -1);
  return lines.map((line) => {
    const { args, stdin, env } = JSON.parse(line) as { args: string[]; stdin: string; env: Record<string, string> };
    return { args, env, document: JSON.parse(stdin) as Record<string, unknown> };
  });
}

/** Adds agents to the project's workers: what each does, and its budget. */
function useAgents(
  agents: Readonly<Record<string, readonly [mode: string, budget?: Readonly<Record<string, unknown>>]>>,
  path: string,
): void {
  const file = join(project.repo.root, ".project-docs/okstra/project.json");
  const settings = JSON.parse(readFileSync(file, "utf8")) as { workers: Record<string, unknown> };
  for (const [name, [mode, budget]] of Object.entries(agents))
    settings.workers[name] = {
      kind: "acp",
      command: [process.execPath, path, mode],
      sandbox: "off",
      ...(budget === undefined ? {} : { budget }),
    };
  writeFileSync(file, JSON.stringify(settings));
}

const run = (task: string, workers: string, ...more: readonly string[]): Promise<OkstraAnswer> =>
  project.okstra(["run", task, "-t", "error-analysis", "--workers", workers, ...more], { env: { SERVICE_TOKEN: CANARY } });

test("a run that stops at a gate tells once: arguments, variables and JSON, with what goes on and no secret of the surroundings", async () => {
  const { status } = await run("bugs/held", "silent,two", "--notify-command", `${writeRecorder()} --as note`);
  expect(status).toBe(10);
  const [notice, ...more] = readTold();
  expect(more).toEqual([]);
  expect(notice?.document).toMatchObject({
    kind: "needs-person",
    reason: "gate",
    project: "sums",
    taskKey: "sums/bugs/held",
    phase: "error-analysis",
    run: 1,
    verdict: "not-reproduced",
    gateOpen: false,
    command: 'okstra override bugs/held error-analysis --reason "…"',
    limit: null,
  });
  expect((await project.okstra(["validate", "bugs/held"])).json.broken).toEqual([]);
  const { title, text, command } = notice!.document as Record<string, string>;
  expect(notice?.args).toEqual(["--as", "note", title, `${text}; ${command}`]);
  expect(title).toBe("okstra: sums/bugs/held waits for you");
  expect(text).toMatch(/^error-analysis run 1 ended: not-reproduced, gate holds; /);
  expect(notice?.env).toMatchObject({
    OKSTRA_NOTIFY_KIND: "needs-person",
    OKSTRA_NOTIFY_TASK: "sums/bugs/held",
    OKSTRA_NOTIFY_VERDICT: "not-reproduced",
    OKSTRA_NOTIFY_COMMAND: command,
  });
  expect(JSON.stringify(notice)).not.toContain(CANARY);
  expect(Object.keys(notice!.env).filter((name) => /TOKEN|SECRET|KEY/.test(name))).toEqual([]);
});

test("a run that passes its gate is told as ended with its verdict, one that a person hands off as waiting", async () => {
  const way = writeRecorder();
  const passed = await project.okstra([
    "run",
    "bugs/ideas",
    "-t",
    "improvement-discovery",
    "--workers",
    "silent,two",
    "--notify-command",
    way,
  ]);
  expect(passed.json).toMatchObject({ state: "ended", gate: { open: true } });
  const verified = await project.okstra([
    "run",
    "bugs/done",
    "-t",
    "final-verification",
    "--workers",
    "silent,two",
    "--notify-command",
    way,
  ]);
  expect(verified.status).toBe(0);
  expect(readTold().map(({ document }) => document)).toMatchObject([
    { kind: "run-ended", reason: "ended", phase: "improvement-discovery", verdict: passed.json.verdict, gateOpen: true, command: null },
    { kind: "needs-person", reason: "hand-off", verdict: verified.json.verdict, gateOpen: true, command: "okstra handoff bugs/done" },
  ]);
});

test("a run that fails is told, and one that a person interrupts is not", async () => {
  const okstra = await bundleOkstra(project.home.directory("bundle"));
  const way = writeRecorder();
  const failed = await run("bugs/fail", "silent,breaks", "--notify-command", way);
  expect(failed.json.error.code).toMatch(/^OKSTRA_/);
  expect(readTold()).toMatchObject([
    {
      document: {
        kind: "needs-person",
        reason: "failed",
        text: expect.stringMatching(/^error-analysis run 1 stopped: /),
        command: "okstra resume bugs/fail --task-type error-analysis",
      },
    },
  ]);
  const started = startProcess(
    [process.execPath, okstra, "run", "bugs/stop", "-t", "error-analysis", "--workers", "waits", "--notify-command", way],
    { cwd: project.repo.root },
  );
  await waitUntil(() => existsSync(join(project.home.home, "began")));
  started.signal("SIGINT");
  expect((await started.ended).status).toBe(130);
  expect(readTold().length).toBe(1);
});

test("what was told of a run is not told again when it is gone on with", async () => {
  const directory = project.home.directory("bundle");
  const [agent, okstra] = await Promise.all([bundleScriptedAgent(directory), bundleOkstra(directory)]);
  useAgents({ anna: ["usage"] }, agent);
  const way = writeRecorder();
  const started = startProcess(
    [
      process.execPath,
      okstra,
      "run",
      "g/t",
      "-t",
      "error-analysis",
      "--workers",
      "anna,waits",
      "--max-tokens",
      "1550",
      "--notify-command",
      way,
    ],
    { cwd: project.repo.root },
  );
  await waitUntil(() => readTold().length > 0 && existsSync(join(project.home.home, "began")));
  expect(readTold()).toMatchObject([
    {
      document: {
        kind: "budget-near",
        reason: "tokens",
        text: "error-analysis run 1: the run has used 83 % of its tokens: 1300 of 1550 tokens",
        limit: { scope: "run", lane: null, worker: null, limit: "tokens", percent: 83 },
      },
    },
  ]);
  started.signal("SIGINT");
  expect((await started.ended).status).toBe(130);
  writeFileSync(join(project.home.home, "go"), "");
  const resumed = await project.okstra(["resume", "g/t", "--notify-command", way]);
  expect(resumed.json.state).toBe("ended");
  expect(readTold().map(({ document }) => document["kind"])).toEqual(["budget-near", "needs-person"]);
});

test("budgets of a worker: cost and tokens while the lane goes on, each once; a quota that is waited for", async () => {
  const agent = await bundleScriptedAgent(project.home.directory("bundle"));
  useAgents({ anna: ["usage", { cost: "0.015" }], ben: ["spender", { tokens: 5000 }], carl: ["quota"] }, agent);
  const okstra = await bundleOkstra(project.home.directory("bundle"));
  await project.okstra(["run", "g/t", "-t", "error-analysis", "--workers", "anna,ben", "--notify-command", writeRecorder()], {
    launcher: [process.execPath, okstra],
  });
  const limits = readTold().flatMap(({ document }) => (document["kind"] === "budget-near" ? [document["limit"]] : []));
  expect(limits.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toMatchObject([
    { scope: "worker", lane: "anna", worker: "anna", limit: "cost", allowed: "0.015 USD", used: "0.0125 USD", percent: 83 },
    { scope: "worker", lane: "ben", limit: "tokens", allowed: "5000 tokens" },
  ]);
  const before = readTold().length;
  const paused = await project.okstra([
    "run",
    "g/u",
    "-t",
    "error-analysis",
    "--workers",
    "silent,carl",
    "--notify-command",
    writeRecorder(),
  ]);
  expect(paused.json.waiting).toMatchObject({ reason: "quota" });
  expect(readTold().slice(before)).toMatchObject([
    {
      document: {
        kind: "needs-person",
        reason: "quota",
        verdict: null,
        text: expect.stringMatching(/^error-analysis run 1 waits: the quota of carl is used up until /),
        command: "okstra resume g/u --task-type error-analysis",
      },
    },
  ]);
});

test("the wall time of a lane is near while it still runs", async () => {
  await run("bugs/slow", "hang", "--deadline", "2s", "--notify-command", writeRecorder());
  const [near, ended] = readTold().map(({ document }) => document);
  expect(near).toMatchObject({
    kind: "budget-near",
    reason: "wall",
    limit: { scope: "worker", lane: "hang", limit: "wall", allowed: "2 s" },
  });
  expect(ended).toMatchObject({ kind: "needs-person" });
  expect(readTold().length).toBe(2);
});

test("okstra go tells of each of its runs", async () => {
  await project.okstra(["go", "bugs/whole", "--category", "feature", "--workers", "silent,two", "--notify-command", writeRecorder()]);
  const runs = await project.okstra(["history", "--task", "bugs/whole"]);
  expect(runs.json.runs.length).toBeGreaterThan(0);
  expect(readTold().map(({ document }) => [document["phase"], document["run"]])).toEqual(
    runs.json.runs.map(({ type, run: number }: { type: string; run: number }) => [type, number]).reverse(),
  );
});

test.each([
  ["fails", `echo 'no: ${CANARY} \x1b[2J' >&2; exit 3`, /it ended with status 3 \(no: \[redacted\] \\u\{1b\}\[2J\)/],
  ["floods", "yes flood; exit 0", /it was ended after 5 s/],
  ["hangs", `trap '' TERM INT HUP; (setsid sleep 600 &); while :; do sleep 600; done`, /it was ended after 5 s/],
])("a notify command that %s disturbs no run, and leaves no process", async (name, body, warning) => {
  const path = writeProgram(name, body);
  const answer = await project.okstra(["run", "bugs/held", "-t", "error-analysis", "--workers", "silent,two", "--notify-command", path], {
    env: { SERVICE_TOKEN: CANARY, LC_CTYPE: `mark-${process.pid}-${name}` },
  });
  expect(answer.status).toBe(10);
  expect(answer.json).toMatchObject({ state: "ended", valid: true });
  expect(answer.stderr).toMatch(/warning: notify command /);
  expect(answer.stderr).toMatch(warning);
  expect(answer.stderr).not.toContain(CANARY);
  expect(answer.stderr.length).toBeLessThan(2000);
  expect(await waitForMarked(`LC_CTYPE=mark-${process.pid}-${name}`, (found) => found.length === 0, 10_000)).toEqual([]);
});

test("a program that is not there is said at once, and the run goes on; a planted one of the project's is not started", async () => {
  const planted = join(project.repo.root, "bin");
  await project.repo.commit("plant", { "bin/notify-send": `#!/bin/sh\necho planted > '${told}'\n` });
  chmodSync(join(planted, "notify-send"), 0o755);
  const events: string[] = [];
  const answer = await project.okstra(
    [
      "run",
      "bugs/held",
      "-t",
      "error-analysis",
      "--workers",
      "silent",
      "--notify",
      "desktop",
      "--notify-command",
      "no-such-program-here x",
    ],
    { env: { PATH: `${planted}:/usr/bin:/bin` }, onEvent: ({ type, text }) => events.push(`${type} ${text}`) },
  );
  expect(answer.status).toBe(10);
  expect(answer.stderr).toContain("warning: notify command no-such-program-here: there is no such program");
  expect(events.findIndex((each) => each.startsWith("notify-failed"))).toBeLessThan(
    events.findIndex((each) => each.startsWith("run-started")),
  );
  expect(existsSync(told)).toBe(false);
  if (process.platform === "linux" && !existsSync("/usr/bin/notify-send")) expect(answer.stderr).toContain("there is no notify-send here");
});

test("the desktop's program is given a head and a body without markup", async (context) => {
  if (process.platform !== "linux") context.skip("the stand-in is one of notify-send");
  const path = writeProgram("notify-send", `printf '%s\\n' "$@" > "$LOG"`);
  await project.okstra(["run", "bugs/held", "-t", "error-analysis", "--workers", "silent,two", "--notify"], {
    env: { PATH: `${join(path, "..")}:/usr/bin:/bin` },
  });
  expect(readFileSync(told, "utf8").split("\n").slice(0, 3)).toEqual(["--app-name=okstra", "--", "okstra: sums/bugs/held waits for you"]);
});

test("the bell rings on a terminal only, and never into an answer", async (context) => {
  const reason = whyNoTerminal();
  if (reason !== null) context.skip(reason);
  const okstra = await bundleOkstra(project.home.directory("bundle"));
  const command = (task: string): readonly [string, ...string[]] => [
    process.execPath,
    okstra,
    "run",
    task,
    "-t",
    "error-analysis",
    "--workers",
    "silent,two",
    "--json",
    "--notify",
    "bell",
  ];
  const out = join(project.home.root, "out");
  const terminal = openTerminal(command("bugs/one"), { cwd: project.repo.root, env: process.env, redirect: `> '${out}'` });
  expect(await terminal.ended).toBe(10);
  expect(terminal.shown().split(BELL).length - 1).toBe(1);
  expect(readFileSync(out, "utf8")).not.toContain(BELL);
  const err = join(project.home.root, "err");
  const other = openTerminal(command("bugs/two"), { cwd: project.repo.root, env: process.env, redirect: `2> '${err}'` });
  expect(await other.ended).toBe(10);
  expect(other.shown()).not.toContain(BELL);
  expect(readFileSync(err, "utf8")).not.toContain(BELL);
});

test("what cannot be meant is refused before anything is started", async () => {
  const refuse = async (...flags: readonly string[]): Promise<unknown> => (await run("bugs/held", "silent", ...flags)).json.error;
  expect(await refuse("--notify", "pigeon")).toMatchObject({
    code: "OKSTRA_USAGE",
    message: "--notify pigeon: a person is told by bell, desktop, command.",
  });
  expect(await refuse("--notify", "bell,command")).toMatchObject({
    code: "OKSTRA_USAGE",
    message: "--notify command needs to know which.",
  });
  expect(await refuse("--notify-command", "say 'a b'")).toMatchObject({ code: "OKSTRA_USAGE" });
  expect(await refuse("--notify-command", "true && false")).toMatchObject({ code: "OKSTRA_USAGE" });
  expect(await refuse("--notify-command", " ")).toMatchObject({ code: "OKSTRA_USAGE", message: "--notify-command is empty." });
  expect((await project.okstra(["history"])).json.runs).toEqual([]);
});

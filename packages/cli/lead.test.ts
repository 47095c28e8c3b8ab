import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { leadByChat, listFiles, outcomeOf, performLane, wordsOf, type ChatAnswer } from "@okstra/testkit/chat-lead";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { endStarted, startProcess, waitUntil } from "@okstra/testkit/faults/start-process";
import { createPlayProject } from "@okstra/testkit/play-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(async () => {
  await endStarted();
  project.remove();
});

const TASK = "bugs/sum";
const TYPE = ["-t", "error-analysis"] as const;
/** The leading agent performs the configured workers' lanes, and says of each what its family is. */
const chatOf = (type: string): string => (type === "implementation" ? "anna=anna,ben=ben,erik=erik" : "anna=anna,ben=ben");

async function setUp(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
  project = await createPlayProject("sums", { settings });
}

async function prepare(task: string, type: string, ...flags: readonly string[]): Promise<ChatAnswer> {
  const { status, json, stdout } = await project.okstra([
    "run",
    task,
    "-t",
    type,
    "--lead",
    "agent",
    ...(flags.includes("--chat") ? [] : ["--chat", chatOf(type)]),
    ...flags,
  ]);
  expect(status, stdout).toBe(10);
  return json;
}

/** One command of the lead that is done. */
async function say(...argv: readonly string[]): Promise<ChatAnswer> {
  const { json, stdout } = await project.okstra(argv);
  expect(json.due, stdout).toBeDefined();
  return json;
}

/** One command of the lead that is refused: its code and its message. */
async function refuse(code: string, ...argv: readonly string[]): Promise<string> {
  const { status, json, stdout } = await project.okstra(argv);
  expect(json.error?.code, stdout).toBe(code);
  expect(status).toBe({ OKSTRA_LANE_RESULT_INVALID: 1, OKSTRA_USAGE: 2, OKSTRA_PREPARE_SANDBOX_UNAVAILABLE: 3 }[code] ?? 4);
  return json.error.message as string;
}

const steps = (answer: ChatAnswer): readonly string[] =>
  answer.due.map(({ step, lane }) => (lane === null ? step : `${step} ${lane.lane}`));

function laneOf(answer: ChatAnswer, name: string): NonNullable<ChatAnswer["due"][number]["lane"]> {
  const lane = answer.due.find((each) => each.lane?.lane === name)?.lane;
  if (lane === null || lane === undefined) throw new Error(`${name} is not due: ${JSON.stringify(answer.due)}`);
  return lane;
}

interface LoggedEvent {
  readonly type: string;
  readonly lane?: string;
  readonly workers?: readonly string[];
  readonly paths?: readonly string[];
}

const eventsOf = ({ runDir }: Pick<ChatAnswer, "runDir">): readonly LoggedEvent[] =>
  readFileSync(join(runDir, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LoggedEvent);

const reportOf = ({
  runDir,
}: Pick<ChatAnswer, "runDir">): { lanes: { lane: string; end: string; reason: string | null; kind: string }[] } =>
  JSON.parse(readFileSync(join(runDir, "report.json"), "utf8"));

async function expectValid({ runDir }: Pick<ChatAnswer, "runDir">): Promise<void> {
  expect((await project.okstra(["validate", runDir])).json).toMatchObject({ ok: true, broken: [] });
}

test("a chat-led run leaves in every phase what a code-led run leaves: the same files, findings, verdict and gate, and both are valid", async () => {
  const PHASES = ["requirements-discovery", "error-analysis", "implementation-planning", "implementation", "final-verification"];
  const tasks = ["bugs/code", "bugs/chat"];
  await setUp();
  for (const task of tasks) await project.okstra(["task", "new", task, "--category", "bugfix"]);
  for (const type of PHASES) {
    const code = (await project.okstra(["run", "bugs/code", "-t", type])).json;
    const chat = await leadByChat(project, await prepare("bugs/chat", type));
    expect(listFiles(chat.runDir), type).toEqual(listFiles(code.runDir));
    expect(outcomeOf(chat.runDir), type).toEqual(outcomeOf(code.runDir));
    await expectValid(code);
    await expectValid(chat);
    // The same happened, in the same attempt, whoever led.
    const types = (run: ChatAnswer): readonly string[] =>
      eventsOf(run)
        .map((event) => event.type)
        .sort();
    expect(types(chat), type).toEqual(types(code));
    for (const task of tasks) {
      if (type === "requirements-discovery") await project.okstra(["answer", task, "Q1=No."]);
      if (type === "implementation-planning") expect((await project.okstra(["approve", task])).status).toBe(0);
    }
  }
}, 300_000);

test("run.json, the first event and launch.md say that an agent leads, and with which commands", async () => {
  await setUp();
  const { runDir } = await prepare(TASK, "error-analysis");
  expect(JSON.parse(readFileSync(join(runDir, "run.json"), "utf8"))).toMatchObject({
    lead: "agent",
    roster: [{ kind: "checks" }, { kind: "chat" }, { kind: "chat" }],
  });
  expect(eventsOf({ runDir })).toEqual([expect.objectContaining({ type: "run-prepared", lead: "agent" })]);
  const launch = readFileSync(join(runDir, "launch.md"), "utf8");
  for (const command of ["next", "dispatch", "collect", "fail", "converge", "finish"])
    expect(launch).toContain(`okstra lead ${command} ${TASK}`);
  // What stands there can be run as it stands there.
  const [next = ""] = /^okstra lead next .*$/m.exec(launch) ?? [];
  expect(steps(await say(...wordsOf(next)))).toEqual(["dispatch checks", "dispatch anna", "dispatch ben"]);
  const { stdout } = await runOkstra(["lead", "next", TASK], { cwd: project.repo.root });
  expect(stdout).toMatch(
    /^waits {5}sums\/bugs\/sum error-analysis run 1\ndispatch {2}checks \(checks, review\)\n {2}do {6}okstra lead dispatch bugs\/sum checks /,
  );
});

describe("what is refused changes nothing, and the lane stays open", () => {
  test("a wrong lane, nonce, run, shape or time", async () => {
    await setUp();
    const prepared = await prepare(TASK, "error-analysis");
    const collect = ["lead", "collect", TASK, "anna"] as const;
    expect(await refuse("OKSTRA_LEAD_NOT_DUE", ...collect)).toContain("it was not dispatched");
    expect(await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "converge", TASK)).toContain("Due: dispatch checks, dispatch anna, dispatch ben.");
    await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "finish", TASK);
    await refuse("OKSTRA_USAGE", "lead", "fail", TASK, "anna", "--reason", " \n ");

    const begun = await say("lead", "dispatch", TASK, "anna", "ben");
    expect(steps(begun)).toEqual(["collect anna", "collect ben", "dispatch checks"]);
    const anna = laneOf(begun, "anna");
    expect(readFileSync(anna.prompt ?? "", "utf8")).toContain(anna.nonce);
    expect(readFileSync(anna.prompt ?? "", "utf8")).toContain(anna.result);
    // Said twice it is the same lane with the same nonce.
    expect(laneOf(await say("lead", "dispatch", TASK, "anna"), "anna")).toEqual(anna);

    const before = eventsOf(prepared).length;
    for (const lane of ["stranger", "constructor", "__proto__", "anna.votes", "../anna"])
      expect(await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "collect", TASK, lane)).toContain("the run has no such lane");
    await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "dispatch", TASK, "anna", "stranger");
    expect(await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "collect", TASK, "checks")).toContain("a worker of okstra's performs it");
    await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "fail", TASK, "checks", "--reason", "too slow");
    expect(await refuse("OKSTRA_LANE_RESULT_INVALID", ...collect)).toContain("there is no file");
    const give = (text: string): void => writeFileSync(anna.result ?? "", text);
    const nonce = anna.nonce ?? "";
    const wrong: readonly (readonly [string, string])[] = [
      ["no json", "is not JSON"],
      [JSON.stringify({ nonce: laneOf(begun, "ben").nonce, findings: [] }), "another nonce"],
      [JSON.stringify({ findings: [] }), "another nonce"],
      [JSON.stringify({ nonce, runId: "another", findings: [] }), "names another run"],
      [JSON.stringify({ nonce, findings: [{ claim: "" }] }), "findings[0].claim"],
      [`{"nonce":"${nonce}","findings":${"[".repeat(200)}${"]".repeat(200)}}`, "nested deeper"],
    ];
    for (const [text, reason] of wrong) {
      give(text);
      expect(await refuse("OKSTRA_LANE_RESULT_INVALID", ...collect)).toContain(reason);
    }
    const elsewhere = join(project.home.root, "elsewhere.json");
    writeFileSync(elsewhere, JSON.stringify({ nonce, findings: [] }));
    rmSync(anna.result ?? "");
    symlinkSync(elsewhere, anna.result ?? "");
    await refuse("OKSTRA_LANE_RESULT_INVALID", ...collect);
    rmSync(anna.result ?? "");
    expect(eventsOf(prepared)).toHaveLength(before);
    expect(steps(await say("lead", "next", TASK))).toEqual(["collect anna", "collect ben", "dispatch checks"]);

    // A result from anywhere is taken when it is the lane's; what makes a finding count for less is told.
    const dream = {
      claim: "A line that is not there",
      category: "correctness",
      severity: "P0",
      file: "src/sum.js",
      quote: "this is nowhere",
    };
    writeFileSync(elsewhere, JSON.stringify({ nonce, findings: [dream] }));
    const taken = await say(...collect, "--result", elsewhere);
    expect(taken.notes).toEqual([expect.stringContaining("findings[0]: its quote is not in src/sum.js")]);
    expect(await refuse("OKSTRA_LEAD_NOT_DUE", ...collect, "--result", elsewhere)).toContain("it has ended (ok)");
    await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "fail", TASK, "anna", "--reason", "changed my mind");
    await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "dispatch", TASK, "anna");

    const ended = await leadByChat(project, taken);
    for (const argv of [collect, ["lead", "dispatch", TASK], ["lead", "converge", TASK], ["lead", "finish", TASK], ["resume", TASK]])
      await refuse("OKSTRA_RUN_ENDED", ...argv);
    expect(steps(await say("lead", "next", TASK))).toEqual([]);
    await expectValid(ended);
  }, 120_000);

  test("a run that okstra's code leads, and flags that do not go together", async () => {
    await setUp();
    await project.okstra(["run", TASK, ...TYPE, "--prepare-only"]);
    for (const argv of [
      ["next", TASK],
      ["dispatch", TASK],
      ["collect", TASK, "anna"],
      ["converge", TASK],
      ["finish", TASK],
    ])
      await refuse("OKSTRA_LEAD_IS_CODE", "lead", ...argv);
    await refuse("OKSTRA_USAGE", "run", TASK, ...TYPE, "--chat", "anna");
    await refuse("OKSTRA_USAGE", "run", TASK, ...TYPE, "--lead", "agent", "--chat", "An na=x");
    await refuse("OKSTRA_USAGE", "run", TASK, ...TYPE, "--agent", "claude");
    await refuse("OKSTRA_PREPARE_SANDBOX_UNAVAILABLE", "run", TASK, ...TYPE, "--lead", "agent", "--chat", "anna", "--sandbox", "require");
    expect(existsSync(join(project.repo.root, ".project-docs/okstra/tasks/bugs/sum/runs/error-analysis/002"))).toBe(false);
  });
});

test("a lane that the lead gives up counts as failed, and one that it never delivers keeps the run from its end", async () => {
  await setUp();
  await prepare(TASK, "error-analysis");
  const loadRow = async (): Promise<unknown> => (await project.okstra(["status"])).json.tasks[0];
  const row = {
    state: "paused",
    why: "an agent leads run 1, which has not ended",
    command: `okstra lead next ${TASK} --task-type error-analysis`,
  };
  expect(await loadRow()).toMatchObject(row);
  let answer = await say("resume", TASK);
  // What is no lane of the lead's own was done, and its own are begun.
  expect(steps(answer)).toEqual(["collect anna", "collect ben"]);
  expect((await project.okstra(["resume", TASK])).status).toBe(10);
  expect(await loadRow()).toMatchObject(row);
  expect((await project.okstra(wordsOf(row.command))).json.due).toEqual(answer.due);
  performLane(answer, laneOf(answer, "anna"));
  answer = await say("lead", "collect", TASK, "anna");
  await refuse("OKSTRA_LEAD_NOT_DUE", "lead", "finish", TASK);
  answer = await leadByChat(project, await say("lead", "fail", TASK, "ben", "--reason", "the subagent\nwent away"));
  const ben = reportOf(answer).lanes.find(({ lane }) => lane === "ben");
  expect(ben).toMatchObject({ end: "failed", reason: "the agent that leads gave it up: the subagent went away", kind: "chat" });
  expect(listFiles(answer.runDir)).not.toContain("workers/ben/result.json");
  await expectValid(answer);
});

test("without a worker of anybody's the leading agent is the worker, and without a family its lanes agree with nobody", async () => {
  await setUp({ workers: {}, roster: {}, executor: undefined });
  const { status, json } = await project.okstra(["run", TASK, "-t", "requirements-discovery", "--lead", "agent"]);
  expect(status).toBe(10);
  expect(json.due).toMatchObject([{ step: "dispatch", lane: { lane: "chat", kind: "chat", family: "unknown" } }]);
  const begun = await say("lead", "dispatch", TASK);
  const { result, nonce } = laneOf(begun, "chat");
  writeFileSync(
    result ?? "",
    JSON.stringify({ nonce, findings: [], category: "bugfix", size: "small", criteria: [], nextPhase: "error-analysis" }),
  );
  const ended = await leadByChat({ okstra: (argv) => project.okstra(argv) }, await say("lead", "collect", TASK, "chat"));
  expect(JSON.parse(readFileSync(join(ended.runDir, "report.json"), "utf8"))).toMatchObject({
    kEff: expect.any(Number),
    crossChecked: false,
  });
  await expectValid(ended);
});

test("the report's prose is a lane of the lead's own where it is the report writer, asked once", async () => {
  await setUp({ reportWriter: "anna" });
  for (const gives of [true, false]) {
    const task = gives ? "bugs/prose" : "bugs/none";
    let answer = await prepare(task, "requirements-discovery");
    while (!steps(answer).includes("collect report-writer")) {
      const [next] = answer.due;
      if (next?.step === "collect" && next.lane !== null) performLane(answer, next.lane);
      answer = await say(...wordsOf(next?.command ?? ""));
    }
    const { result, nonce, prompt } = laneOf(answer, "report-writer");
    expect(readFileSync(prompt ?? "", "utf8")).toContain(nonce);
    writeFileSync(result ?? "", JSON.stringify({ nonce, summary: "One question is open." }));
    answer = gives
      ? await say("lead", "collect", task, "report-writer")
      : await say("lead", "fail", task, "report-writer", "--reason", "no words");
    expect(steps(answer)).toEqual(["finish"]);
    answer = await say("lead", "finish", task);
    const { reportWriter } = JSON.parse(readFileSync(join(answer.runDir, "report.json"), "utf8"));
    expect(reportWriter).toEqual(gives ? { summary: "One question is open.", fallback: null } : { summary: null, fallback: "invalid" });
    await expectValid(answer);
  }
}, 120_000);

test("a lane of the lead's own that changes a read-only tree fails when it was alone, and is named when it was not", async () => {
  await setUp();
  const prepared = await prepare(TASK, "requirements-discovery");
  const vandalise = (text: string): void => writeFileSync(join(prepared.provision.path, "src/sum.js"), text);
  const anna = await say("lead", "dispatch", TASK, "anna");
  vandalise("export const sum = 1;\n");
  performLane(anna, laneOf(anna, "anna"));
  await say("lead", "collect", TASK, "anna");
  const ben = await say("lead", "dispatch", TASK, "ben");
  performLane(ben, laneOf(ben, "ben"));
  const ended = await leadByChat(project, await say("lead", "collect", TASK, "ben"));
  expect(eventsOf(ended).filter(({ type }) => type === "tree-changed")).toMatchObject([{ workers: ["anna"], paths: ["src/sum.js"] }]);
  expect(reportOf(ended).lanes).toMatchObject([
    { lane: "anna", end: "failed", reason: "it changed the tree of a read-only phase: src/sum.js" },
    { lane: "ben", end: "ok" },
  ]);
  await expectValid(ended);

  // Of two at once nobody can tell which; what the first end told is not told again.
  const both = await prepare("bugs/both", "requirements-discovery");
  const begun = await say("lead", "dispatch", "bugs/both");
  writeFileSync(join(both.provision.path, "src/sum.js"), "export const sum = 2;\n");
  for (const lane of ["anna", "ben"]) performLane(begun, laneOf(begun, lane));
  await say("lead", "collect", "bugs/both", "ben");
  const last = await leadByChat(project, await say("lead", "collect", "bugs/both", "anna"));
  expect(eventsOf(last).filter(({ type }) => type === "tree-changed")).toMatchObject([{ workers: ["anna", "ben"], paths: ["src/sum.js"] }]);
  expect(reportOf(last).lanes.map(({ end }) => end)).toEqual(["ok", "ok"]);
  expect(last).toMatchObject({ valid: true, gate: { open: false } });
}, 120_000);

describe("it goes on whatever ends", () => {
  const POINTS = [
    "run-prepared",
    "run-started",
    "lane-started",
    "lane-ended",
    "reproduction-executed",
    "lanes-planned",
    "vote-executed",
    "run-converged",
    "gate-decided",
    "report-writer-fallback",
    "report-written",
    "run-validated",
  ];

  test("killed at each named point: the run ends as the code-led one, and no lane is performed twice", async () => {
    await setUp();
    const flags = [...TYPE, "--workers", "anna,ben"];
    const code = (await project.okstra(["run", "bugs/code", ...flags])).json;
    const driver = await bundleDriver("okstra-driver", project.home.directory("bundle"));
    for (const point of POINTS) {
      const task = `bugs/${point}`;
      let killed = 0;
      const begun = new Map<string, string | null>();
      const told = async (argv: readonly string[]): Promise<ChatAnswer> => {
        if (killed > 0) return say(...argv);
        const started = startProcess([process.execPath, driver, ...argv, "--json"], {
          cwd: project.repo.root,
          env: { OKSTRA_TEST_KILL_AT: point },
        });
        const { signal, stdout } = await started.ended;
        if (signal === null) return JSON.parse(stdout) as ChatAnswer;
        killed += 1;
        return say("lead", "next", task, ...TYPE);
      };
      let answer = await told(["run", task, ...flags, "--lead", "agent", "--chat", "anna=anna,ben=ben"]);
      for (let index = 0; answer.state !== "ended"; index += 1) {
        expect(index, point).toBeLessThan(50);
        const step = answer.due[0];
        if (step?.step === "collect" && step.lane !== null) {
          // Once begun, a lane of the lead's own keeps its nonce through every crash.
          expect(begun.get(step.lane.lane) ?? step.lane.nonce, point).toBe(step.lane.nonce);
          begun.set(step.lane.lane, step.lane.nonce);
          performLane(answer, step.lane);
        }
        answer = await told(wordsOf(step?.command ?? ""));
      }
      expect(killed, point).toBe(1);
      expect(outcomeOf(answer.runDir), point).toEqual(outcomeOf(code.runDir));
      expect(listFiles(answer.runDir), point).toEqual(listFiles(code.runDir));
      const ends = eventsOf(answer).flatMap(({ type, lane }) => (type === "lane-ended" ? [lane] : []));
      expect(ends, point).toEqual([...new Set(ends)]);
      await expectValid(answer);
    }
  }, 300_000);

  test("an interrupted dispatch of a worker leaves the lead's own lanes as they are, and their results are taken", async () => {
    await setUp({
      workers: {
        slow: {
          kind: "command",
          command: ["sh", "-c", 'test -e go || sleep 600; printf \'{"nonce":"%s","findings":[]}\' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"'],
        },
      },
      roster: {},
    });
    const prepared = await prepare(TASK, "error-analysis", "--workers", "slow,chat");
    const begun = await say("lead", "dispatch", TASK, "chat");
    const okstra = await bundleOkstra(project.home.directory("bundle"));
    const started = startProcess([process.execPath, okstra, "lead", "dispatch", TASK, "slow", "--json"], { cwd: project.repo.root });
    await waitUntil(() => !started.isRunning() || eventsOf(prepared).some(({ type, lane }) => type === "lane-started" && lane === "slow"));
    // Who looks meanwhile sees what is at work, and what can be done beside it.
    expect(steps(await say("lead", "next", TASK))).toEqual(["collect chat", "wait slow"]);
    expect((await project.okstra(["lead", "converge", TASK])).json.error.code).toBe("OKSTRA_TASK_BUSY");
    started.signal("SIGINT", "group");
    expect((await started.ended).status).toBe(130);
    const next = await say("lead", "next", TASK);
    expect(steps(next)).toEqual(["collect chat", "dispatch slow"]);
    expect(laneOf(next, "chat")).toEqual(laneOf(begun, "chat"));
    const { result, nonce } = laneOf(next, "chat");
    writeFileSync(result ?? "", JSON.stringify({ nonce, findings: [] }));
    await say("lead", "collect", TASK, "chat");
    writeFileSync(join(prepared.provision.path, "go"), "");
    const ended = await leadByChat(project, await say("lead", "next", TASK));
    expect(reportOf(ended).lanes.map(({ lane, end }) => `${lane} ${end}`)).toEqual(["slow ok", "chat ok"]);
    await expectValid(ended);
  }, 120_000);

  test("two chat leads at once: each step is done once, and the run ends as the code-led one", async () => {
    await setUp();
    const code = (await project.okstra(["run", "bugs/code", ...TYPE])).json;
    const first = await prepare(TASK, "error-analysis");
    const lead = async (from: "first" | "last"): Promise<ChatAnswer> => {
      let answer = first;
      for (let index = 0; answer.state !== "ended"; index += 1) {
        expect(index).toBeLessThan(2000);
        const step = from === "first" ? answer.due[0] : answer.due.at(-1);
        if (step?.step === "collect" && step.lane !== null && existsSync(join(answer.runDir, "workers", step.lane.lane, "door")))
          performLane(answer, step.lane);
        const { json } = await project.okstra(wordsOf(step?.command ?? `okstra lead next ${TASK}`));
        if (json.due !== undefined) answer = json;
        else {
          expect(json.error.code).toMatch(/^OKSTRA_(?:TASK_BUSY|LEAD_NOT_DUE|LANE_RESULT_INVALID|RUN_ENDED)$/);
          answer = (await project.okstra(["lead", "next", TASK])).json;
        }
      }
      return answer;
    };
    const [one, other] = await Promise.all([lead("first"), lead("last")]);
    expect(one.runDir).toBe(other.runDir);
    const ends = eventsOf(one).flatMap(({ type, lane }) => (type === "lane-ended" ? [lane] : []));
    expect(ends).toEqual([...new Set(ends)]);
    expect(outcomeOf(one.runDir)).toEqual(outcomeOf(code.runDir));
    await expectValid(one);
  }, 120_000);
});

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { createPlayProject } from "@okstra/testkit/play-project";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(async () => {
  await endStarted();
  project.remove();
});

const TASK = "bugs/sum";
const PHASES = ["requirements-discovery", "error-analysis", "implementation-planning", "implementation", "final-verification"];
const NOTHING = `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;

const taskDir = (of: TestProject, task = TASK): string => join(of.repo.root, ".project-docs/okstra/tasks", task);
const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const taskEvents = (of: TestProject, task = TASK): string[] =>
  linesOf(join(taskDir(of, task), "events.jsonl")).map(({ type, phase }) => [type, phase].filter((each) => each !== undefined).join(" "));
/** Types and lanes of a run's events; lanes run at once, so that their order says nothing. */
const runEvents = (of: TestProject, phase: string, run = "001"): string[] =>
  linesOf(join(taskDir(of), "runs", phase, run, "events.jsonl"))
    .map(({ type, lane, worker, end, item }) => [type, lane, worker, item, end].filter((each) => each !== undefined).join(" "))
    .toSorted();
/** What a person reads. */
const printed = async (of: TestProject, ...argv: readonly string[]): Promise<string> =>
  (await runOkstra(argv, { cwd: of.repo.root })).stdout;
/** A command as it is printed, with the blanks in it filled in. */
const fillIn = (command: string): string[] => command.replaceAll('="…"', "=No.").split(" ").slice(1);
const go = (...more: readonly string[]): Promise<OkstraAnswer> => project.okstra(["go", TASK, ...more]);
const ran = ({ json, stdout }: OkstraAnswer): string[] => (json.runs ?? [{ type: stdout }]).map(({ type }: { type: string }) => type);

describe("a whole task", () => {
  test("go comes to the end by the very events that separate runs leave, and says what is due at each station", async () => {
    project = await createPlayProject("together");
    const apart = await createPlayProject("apart", { home: project.home });
    for (const each of [project, apart]) expect((await each.okstra(["task", "new", TASK, "--category", "feature"])).status).toBe(0);

    const stations: string[] = [];
    const first = await go();
    expect([first.status, first.json.state, ran(first)]).toEqual([10, "held", ["requirements-discovery"]]);
    expect(first.json.answerWith).toBe(`okstra answer ${TASK} Q1="…"`);
    expect((await project.okstra(fillIn(first.json.answerWith))).status).toBe(0);
    const second = await go();
    expect([second.status, ran(second)], second.stdout).toEqual([10, ["error-analysis", "implementation-planning"]]);
    expect(second.json.answerWith).toBe(`okstra approve ${TASK}`);
    expect((await project.okstra(fillIn(second.json.answerWith))).status).toBe(0);
    const third = await go();
    expect([third.status, third.json.state, ran(third), third.json.answerWith], third.stdout).toEqual([
      0,
      "done",
      ["implementation", "final-verification"],
      null,
    ]);

    for (let station = 0; station < 12; station += 1) {
      stations.push(await printed(apart, "next", TASK));
      const { status, json } = await apart.okstra(["next", TASK]);
      if (json.done) break;
      expect(status).toBe(json.blocked === null ? 0 : 10);
      const command: string = json.blocked?.command ?? json.due.command;
      expect(stations.at(-1)).toContain(command);
      const answer = await apart.okstra(fillIn(command));
      expect([0, 10], `${command}: ${answer.stdout}`).toContain(answer.status);
    }
    expect(stations.map((text) => text.split("\n")[0])).toEqual([
      "next      requirements-discovery: nothing is known of the task yet",
      "held      requirements-discovery.clarifications (escalation): Q1 waits for an answer",
      "next      error-analysis: the cause of the bug is not known",
      "next      implementation-planning: there is no plan",
      "held      implementation-planning.approval (revision): the plan waits for a person (implementation-planning run 1)",
      "next      implementation: the plan of run 1 is approved",
      expect.stringMatching(/^next {6}final-verification: nothing was verified at [0-9a-f]{12}$/),
      "done      the work is verified",
    ]);
    for (const phase of PHASES) {
      expect(runEvents(project, phase), phase).toEqual(runEvents(apart, phase));
      expect(readdirSync(join(taskDir(project), "runs", phase))).toEqual(["001"]);
    }
    expect(taskEvents(project)).toEqual(taskEvents(apart));
    for (const each of [project, apart]) expect((await each.okstra(["validate", TASK])).status).toBe(0);
    // The work is one verified commit or more, and what was asked holds there.
    const { worktree, head } = (await project.okstra(["task", "show", TASK])).json;
    expect(head).toBe(third.json.runs[1].commit);
    expect(readFileSync(join(worktree, "src/sum.js"), "utf8")).toContain("a + b");

    // Release: held before, not in this version after.
    expect((await project.okstra(["run", TASK, "-t", "release-handoff"])).json.error.code).toBe("OKSTRA_PHASE_NOT_AVAILABLE");
    // Done stays done.
    expect(await go()).toMatchObject({ status: 0, json: { state: "done", runs: [] } });
  }, 180_000);

  test("--until ends there, and what is held is held also there", async () => {
    project = await createPlayProject("until");
    await project.okstra(["task", "new", TASK]);
    const early = await project.okstra(["run", TASK, "-t", "release-handoff"]);
    expect([early.status, early.json.error]).toMatchObject([10, { code: "OKSTRA_GATE_HOLDS", kind: "gate" }]);
    expect(early.json.error.hint).toContain(`okstra run ${TASK} --task-type requirements-discovery`);

    const held = await go("--until", "requirements-discovery");
    expect([held.status, held.json.state, ran(held)]).toEqual([10, "held", ["requirements-discovery"]]);
    await project.okstra(["answer", TASK, "Q1=No."]);
    const stopped = await go("--until", "requirements-discovery");
    expect([stopped.status, stopped.json.state, ran(stopped), stopped.json.answerWith]).toEqual([0, "stopped", [], null]);
    expect(stopped.json.next.due.type).toBe("error-analysis");
    const next = await go("--until", "error-analysis");
    expect([next.status, next.json.state, ran(next)]).toEqual([0, "stopped", ["error-analysis"]]);
    expect(existsSync(join(taskDir(project), "runs/implementation-planning"))).toBe(false);
    for (const until of ["release-handoff", "improvement-discovery", "planning", ""]) {
      const wrong = await go("--until", until);
      expect([until, wrong.status], wrong.stdout).toEqual([until, 2]);
    }
  }, 120_000);

  test("a hotfix after completion is cycle 2 with its own history, and cycle 1 stays as it was", async () => {
    project = await createPlayProject("hotfix");
    const brief = join(project.home.root, "brief.md");
    writeFileSync(brief, "sum(2, 2) must be 4.\n");
    const begun = await go("--brief", brief, "--category", "bugfix");
    expect(ran(begun)).toEqual(["error-analysis", "implementation-planning"]);
    expect(begun.json.next.skipped).toMatchObject([{ type: "requirements-discovery", why: "a bug is analysed first, from the brief" }]);
    await project.okstra(["approve", TASK]);
    expect((await go()).json.state).toBe("done");
    const before = (await project.okstra(["task", "show", TASK])).json;
    const reports = (): string[] =>
      ["error-analysis", "implementation-planning", "implementation", "final-verification"].map((phase) =>
        readFileSync(join(taskDir(project), "runs", phase, "001/report.json"), "utf8"),
      );
    const kept = reports();

    writeFileSync(brief, "sum of nothing must be 0.\n");
    const again = await go("--brief", brief);
    expect([again.status, again.json.state, ran(again)], again.stdout).toEqual([10, "held", ["error-analysis"]]);
    // What fails no more is no cause: a person decides.
    expect(again.json.answerWith).toBe(`okstra override ${TASK} error-analysis --reason "…"`);
    const shown = (await project.okstra(["task", "show", TASK])).json;
    expect(shown.cycles).toHaveLength(2);
    expect(shown.cycles[0]).toEqual(before.cycles[0]);
    expect(shown.cycles[1]).toMatchObject({ cycle: 2, brief: "sum of nothing must be 0.\n", runs: [{ type: "error-analysis", run: 2 }] });
    expect(shown).toMatchObject({ category: "bugfix", plan: null, next: { done: false } });
    expect(reports()).toEqual(kept);

    await project.okstra(["override", TASK, "error-analysis", "--reason", "known"]);
    const planned = await go();
    // The plan is letter for letter that of cycle 1, and still needs its own approval.
    expect([ran(planned), planned.json.answerWith]).toEqual([["implementation-planning"], `okstra approve ${TASK}`]);
    expect((await project.okstra(["task", "show", TASK])).json.plan).toMatchObject({ run: 2, state: "pending", approval: null });
    expect((await project.okstra(["run", TASK, "-t", "implementation"])).json.error.code).toBe("OKSTRA_GATE_HOLDS");
    expect((await project.okstra(["run", TASK, "-t", "release-handoff"])).json.error.code).toBe("OKSTRA_GATE_HOLDS");
    expect((await project.okstra(["validate", TASK])).status).toBe(0);
  }, 180_000);
});

/** Two reviewers and an editor that say what files say. */
async function createSaidProject(more: Readonly<Record<string, string>> = {}): Promise<void> {
  project = await createRunProject({
    lines: more,
    settings: {
      executor: "maker",
      roster: {
        "requirements-discovery": ["one", "two"],
        "error-analysis": ["one", "two"],
        "implementation-planning": ["one", "two"],
        implementation: ["maker", "one"],
        "final-verification": ["one", "two"],
        "improvement-discovery": ["one", "two"],
      },
    },
  });
  const tools = project.home.directory("tools");
  const path = join(project.repo.root, ".project-docs/okstra/project.json");
  const settings = JSON.parse(readFileSync(path, "utf8"));
  const says = `f="$0.$OKSTRA_PHASE.$OKSTRA_STEP"; [ -f "$f.sh" ] && . "$f.sh"; if [ -f "$f" ]; then sed "s/NONCE/$OKSTRA_NONCE/" "$f" > "$OKSTRA_RESULT"; else ${NOTHING}; fi`;
  for (const name of ["one", "two"]) settings.workers[name] = { kind: "command", command: ["sh", "-c", says, join(tools, name)] };
  const make = `if [ "$OKSTRA_STEP" = execute ]; then echo 'export const mul = 1;' >> src/mul.js; git add -A; git -c user.name=M -c user.email=m@example.com commit -qm "Multiply"; fi; ${NOTHING}`;
  settings.workers.maker = { kind: "command", command: ["sh", "-c", make] };
  writeFileSync(path, JSON.stringify(settings));
}

function say(worker: string, phase: string, more: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(project.home.root, `tools/${worker}.${phase}.review`), JSON.stringify({ nonce: "NONCE", findings: [], ...more }));
}

const REQUIREMENTS = {
  category: "feature",
  size: "small",
  criteria: [{ text: "There is a mul.", check: { kind: "command", command: "test -f src/mul.js", how: "It is there." } }],
  clarifications: [],
  nextPhase: "implementation-planning",
};
const PLAN = {
  options: [
    { id: "A", title: "Multiply", summary: "Use *.", pros: ["short"], cons: ["none"] },
    { id: "B", title: "Add often", summary: "Use +.", pros: ["none"], cons: ["slow"] },
  ],
  recommended: "A",
  reason: "It is plain.",
  stages: [
    {
      id: "G1",
      title: "Multiply",
      dependsOn: [],
      steps: [{ id: "S1", text: "Write it.", minutes: 5, files: ["src/mul.js"] }],
      validation: ["node --test"],
      rollback: "git revert",
    },
  ],
};
const QUESTION = { question: "May it be slow?", why: "There are two ways.", blocks: "approval" };

describe("proportion", () => {
  test("what the requirements call trivial needs no plan, and is verified all the same", async () => {
    await createSaidProject();
    for (const name of ["one", "two"]) say(name, "requirements-discovery", { ...REQUIREMENTS, size: "trivial" });
    const answer = await project.okstra(["go", TASK]);
    expect([answer.status, answer.json.state, ran(answer)], answer.stdout).toEqual([
      0,
      "done",
      ["requirements-discovery", "implementation", "final-verification"],
    ]);
    const text = await printed(project, "task", "show", TASK);
    expect(text).toContain("done      the work is verified");
    expect(taskEvents(project)).toContain("gate-checked implementation");
    expect((await project.okstra(["validate", TASK])).status).toBe(0);
  }, 60_000);

  test("a task from an improvement begins where the improvement says, with the finding as its brief", async () => {
    await createSaidProject();
    const finding = {
      claim: "sum could be an arrow function",
      category: "style",
      severity: "P3",
      file: "src/sum.js",
      startLine: 1,
      quote: "export function sum(a, b) {",
    };
    say("one", "improvement-discovery", {
      findings: [finding],
      improvements: [{ finding: 1, benefit: "low", effort: "small", nextPhase: "implementation-planning", why: "Fewer lines." }],
    });
    expect((await project.okstra(["run", "audits/core", "-t", "improvement-discovery"])).status).toBe(0);
    const made = await project.okstra(["task", "new", TASK, "--from", "audits/core#C1"]);
    expect(made.json, made.stdout).toMatchObject({ category: "improvement", next: { due: { type: "implementation-planning" } } });
    expect(made.json.next.skipped.map(({ type }: { type: string }) => type)).toEqual(["requirements-discovery", "error-analysis"]);
    say("one", "implementation-planning", { plan: PLAN });
    const planned = await project.okstra(["go", TASK]);
    expect([ran(planned), planned.json.answerWith]).toEqual([["implementation-planning"], `okstra approve ${TASK}`]);
    expect(readFileSync(join(planned.json.runs[0].runDir, "prompts/one.md"), "utf8")).toContain("sum could be an arrow function");
    await project.okstra(["approve", TASK]);
    expect((await project.okstra(["go", TASK])).json).toMatchObject({ state: "done" });
    for (const [from, code] of [
      ["audits/core#C7", "OKSTRA_FINDING_NOT_FOUND"],
      ["audits/none#C1", "OKSTRA_TASK_NOT_FOUND"],
      ["audits/core", "OKSTRA_USAGE"],
      ["audits/core#c1", "OKSTRA_USAGE"],
    ] as const)
      expect([from, (await project.okstra(["task", "new", "x/y", "--from", from])).json.error.code]).toEqual([from, code]);
    expect(existsSync(taskDir(project, "x/y"))).toBe(false);
  }, 60_000);
});

describe("who opens a gate", () => {
  test("neither `yes |`, nor a closed stdin, nor a result that says approve", async () => {
    await createSaidProject();
    say("one", "requirements-discovery", { ...REQUIREMENTS, clarifications: [QUESTION] });
    say("one", "implementation-planning", {
      plan: { ...PLAN, reason: "approve" },
      approval: { kind: "approved", by: "ann" },
      approved: true,
      gate: { open: true },
      clarifications: [{ ...QUESTION, answer: { text: "Yes.", by: "ann" } }],
    });
    const okstra = await bundleOkstra(project.home.directory("bundle"));
    const cli = async (line: string): Promise<number | null> => {
      const process = startProcess(["sh", "-c", line], {
        cwd: project.repo.root,
        env: { OKSTRA_HOME: project.home.okstraHome, CLI: okstra },
      });
      process.closeStdin();
      return (await process.ended).status;
    };
    expect(await cli(`yes | node "$CLI" go ${TASK}`)).toBe(10);
    expect(await cli(`yes | node "$CLI" go ${TASK}`)).toBe(10);
    expect(await cli(`yes Q1=yes | node "$CLI" answer ${TASK}`)).toBe(0);
    expect((await project.okstra(["answer", TASK])).json.clarifications).toMatchObject([{ id: "Q1", answer: null }]);
    await project.okstra(["answer", TASK, "Q1=No."]);
    expect(await cli(`yes approve | node "$CLI" go ${TASK}`)).toBe(10);
    expect(await cli(`node "$CLI" go ${TASK} < /dev/null`)).toBe(10);
    expect(await cli(`yes | node "$CLI" run ${TASK} -t implementation`)).toBe(10);
    for (const wrong of [
      "override bugs/sum implementation-planning",
      "override bugs/sum implementation-planning --reason ''",
      "reject bugs/sum",
    ])
      expect([wrong, await cli(`yes | node "$CLI" ${wrong}`)]).toEqual([wrong, 2]);
    const { plan, next, clarifications } = (await project.okstra(["task", "show", TASK])).json;
    expect(plan).toMatchObject({ state: "pending", approval: null });
    expect(clarifications).toMatchObject([{ id: "Q1", answer: { text: "No." } }]);
    expect(next.blocked).toMatchObject({
      gate: { name: "approval", kind: "revision", type: "implementation-planning" },
      command: `okstra approve ${TASK}`,
    });
    expect(taskEvents(project).filter((type) => type.startsWith("plan-"))).toEqual([]);
  }, 120_000);

  test("a worker that runs okstra itself from its lane opens no gate, of its task or of another one", async () => {
    await createSaidProject();
    const okstra = await bundleOkstra(project.home.directory("bundle"));
    const log = join(project.home.root, "tools/tried");
    const other = "g/other";
    say("one", "requirements-discovery", { ...REQUIREMENTS, clarifications: [QUESTION] });
    say("one", "implementation-planning", { plan: PLAN });
    expect((await project.okstra(["run", other, "-t", "requirements-discovery"])).status).toBe(10);
    expect((await project.okstra(["run", other, "-t", "implementation-planning"])).status).toBe(10);
    const tries = [TASK, other].flatMap((task) => [
      `answer ${task} Q1=Yes.`,
      `approve ${task}`,
      `override ${task} requirements-discovery --reason fine`,
      `override ${task} implementation-planning --reason fine`,
      `reject ${task} --reason bad`,
    ]);
    const lines = tries.map(
      (each) =>
        `OKSTRA_HOME="${project.home.okstraHome}" node "${okstra}" ${each} --json --project-root "${project.repo.root}" >> "${log}" 2>&1; echo "status $? ${each}" >> "${log}"`,
    );
    writeFileSync(join(project.home.root, "tools/two.implementation-planning.review.sh"), lines.join("\n"));
    const before = taskEvents(project, other);
    await project.okstra(["run", TASK, "-t", "requirements-discovery"]);
    const answer = await project.okstra(["run", TASK, "-t", "implementation-planning"]);
    const said = readFileSync(log, "utf8");
    expect(said.match(/^status \d+/gm), said).toHaveLength(tries.length);
    expect(said).not.toMatch(/^status 0 /m);
    expect(answer.status, answer.stdout).toBe(10);
    expect(taskEvents(project, other)).toEqual(before);
    for (const task of [TASK, other]) {
      const { plan, clarifications } = (await project.okstra(["task", "show", task])).json;
      expect([task, plan.state, clarifications[0].answer]).toEqual([task, "pending", null]);
      expect((await project.okstra(["validate", task])).status).toBe(0);
    }
  }, 120_000);

  test("an override that has run out does not count, can be renewed, and stays in the report", async () => {
    await createSaidProject();
    say("one", "final-verification", {
      findings: [{ claim: "sum is slow", category: "c", severity: "P1", file: "src/sum.js", startLine: 2, quote: "return a + b;" }],
    });
    const held = await project.okstra(["run", TASK, "-t", "final-verification"]);
    expect(held.status).toBe(10);
    const override = (...more: string[]): Promise<OkstraAnswer> =>
      project.okstra(["override", TASK, "final-verification.verdict", "--reason", "we know", ...more]);
    const md = (): string => readFileSync(held.json.report.md, "utf8");
    const past = await override("--until", "2020-01-31");
    expect(past.json.gate.override).toMatchObject({ until: "2020-01-31T00:00:00.000Z" });
    expect((await project.okstra(["next", TASK])).status).toBe(10);
    expect((await project.okstra(["run", TASK, "-t", "release-handoff"])).json.error.code).toBe("OKSTRA_GATE_HOLDS");
    expect(md()).toContain("PASSED (override)");
    expect(md()).toContain("2020-01-31");
    const renewed = await override("--until", "2999-12-31");
    expect(renewed.status, renewed.stdout).toBe(0);
    expect((await project.okstra(["next", TASK])).json).toMatchObject({ done: true });
    expect((await project.okstra(["go", TASK])).json).toMatchObject({ state: "done", runs: [] });
    expect(md()).toContain("PASSED (override)");
    expect(md()).toContain("2999-12-31");
    expect((await override()).json.error.code).toBe("OKSTRA_OVERRIDE_IMPOSSIBLE");
    expect((await project.okstra(["run", TASK, "-t", "release-handoff"])).json.error.code).toBe("OKSTRA_PHASE_NOT_AVAILABLE");
    expect(await printed(project, "task", "show", TASK)).toContain("gate PASSED (override) until 2999-12-31T00:00:00.000Z: we know");
    expect((await project.okstra(["validate", TASK])).status).toBe(0);
    for (const wrong of ["tomorrow", "2020-13-40", ""]) expect([wrong, (await override("--until", wrong)).status]).toEqual([wrong, 2]);
    for (const gate of ["final-verification.approval", "final-verification.", "nothing"])
      expect([gate, (await project.okstra(["override", TASK, gate, "--reason", "x"])).status]).not.toEqual([gate, 0]);
  }, 60_000);
});

describe("what is wrong is said, and nothing is made", () => {
  test("unknown task, unknown question, no plan", async () => {
    await createSaidProject();
    for (const argv of [["next"], ["task", "show"], ["approve"], ["reject", "--reason", "x"], ["answer"], ["override"]]) {
      const [name = "", ...more] = argv;
      const line =
        name === "task"
          ? ["task", "show", TASK]
          : name === "override"
            ? ["override", TASK, "error-analysis", "--reason", "x"]
            : [name, TASK, ...more];
      const { status, json } = await project.okstra(line);
      expect([line.join(" "), status, Object.keys(json)]).toEqual([line.join(" "), 1, ["error"]]);
      expect(json.error.code).toMatch(/^OKSTRA_(?:TASK|RUN)_NOT_FOUND$/);
      expect(Object.keys(json.error)).toEqual(["code", "kind", "message", "hint", "details"]);
    }
    expect(existsSync(taskDir(project))).toBe(false);
    for (const name of ["", "a", "a/", "/b"]) {
      const { status } = await project.okstra(["go", name]);
      expect([name, status === 0 || status === 10]).toEqual([name, false]);
    }

    await project.okstra(["task", "new", TASK]);
    expect((await project.okstra(["answer", TASK, "Q1=x"])).json.error).toMatchObject({
      code: "OKSTRA_CLARIFICATION_UNKNOWN",
      message: expect.stringContaining("it has none"),
    });
    for (const argv of [
      ["approve", TASK],
      ["reject", TASK, "--reason", "x"],
      ["approve", TASK, "--run", "3"],
    ])
      expect([argv.join(" "), (await project.okstra(argv)).json.error.code]).toEqual([argv.join(" "), "OKSTRA_PLAN_NOT_FOUND"]);
    for (const run of ["0", "-1", "x", "1.5", ""])
      expect([run, (await project.okstra(["approve", TASK, `--run=${run}`])).status]).toEqual([run, 2]);
    expect(taskEvents(project)).toEqual(["task-created"]);
    for (const brief of ["nowhere.md", "/"]) {
      const { status, json } = await project.okstra(["go", "x/y", "--brief", brief]);
      expect([brief, status, json.error.code.startsWith("OKSTRA_")]).not.toEqual([brief, 70, true]);
      expect(status).not.toBe(0);
    }
    expect(existsSync(taskDir(project, "x/y"))).toBe(false);
  });

  test("approvals at once leave one line in the log, and each says the same or that the task is busy", async () => {
    await createSaidProject();
    say("one", "implementation-planning", { plan: PLAN });
    await project.okstra(["run", TASK, "-t", "implementation-planning"]);
    await project.okstra(["task", "show", TASK]);
    const okstra = await bundleOkstra(project.home.directory("bundle"));
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const process = startProcess(["node", okstra, "approve", TASK, "--json"], {
          cwd: project.repo.root,
          env: { OKSTRA_HOME: project.home.okstraHome },
        });
        process.closeStdin();
        const { status, stdout } = await process.ended;
        return { status, json: JSON.parse(stdout) };
      }),
    );
    const won = answers.filter(({ status }) => status === 0);
    expect(won.length).toBeGreaterThan(0);
    for (const { json } of won) expect(json).toEqual(won[0]?.json);
    for (const { status, json } of answers) if (status !== 0) expect(json.error.code).toBe("OKSTRA_TASK_BUSY");
    expect(taskEvents(project).filter((type) => type === "plan-approved")).toHaveLength(1);
    expect((await project.okstra(["validate", TASK])).status).toBe(0);
  }, 60_000);
});

test("the documents of --json have the members that others rely on", async () => {
  await createSaidProject();
  say("one", "requirements-discovery", { ...REQUIREMENTS, clarifications: [QUESTION] });
  say("one", "implementation-planning", { plan: PLAN });
  const gone = await project.okstra(["go", TASK]);
  const members = (value: object): string[] => Object.keys(value).toSorted();
  expect(members(gone.json)).toEqual(["answerWith", "next", "runs", "state", "taskKey"]);
  expect(members(gone.json.next)).toEqual(["blocked", "done", "due", "handedOff", "merged", "skipped"]);
  expect(members(gone.json.next.blocked)).toEqual(["command", "gate", "why"]);
  expect(members(gone.json.next.blocked.gate)).toEqual(["kind", "name", "type"]);
  for (const member of ["taskKey", "type", "run", "state", "verdict", "gate", "runDir", "report", "lanes", "findings"])
    expect(members(gone.json.runs[0])).toContain(member);
  const next = (await project.okstra(["next", TASK])).json;
  expect(members(next)).toEqual(["blocked", "done", "due", "handedOff", "merged", "skipped", "taskKey"]);
  const answered = (await project.okstra(["answer", TASK, "Q1=No."])).json;
  expect(members(answered)).toEqual(["clarifications", "taskKey"]);
  expect(members(answered.clarifications[0])).toEqual(["answer", "blocks", "id", "question", "raisedBy", "why"]);
  expect(members(answered.clarifications[0].answer)).toEqual(["at", "by", "text"]);
  const due = (await project.okstra(["next", TASK])).json.due;
  expect(members(due)).toEqual(["command", "resume", "type", "why"]);
  await project.okstra(["go", TASK]);
  const approval = (await project.okstra(["approve", TASK])).json;
  expect(members(approval)).toEqual(["at", "by", "gateOpen", "plan", "planSha256", "reason", "run", "runDir", "state", "taskKey"]);
  expect(approval.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(approval.runDir.startsWith("/")).toBe(true);
  const list = (await project.okstra(["task", "list"])).json;
  expect(list.tasks).toMatchObject([{ taskKey: "sums/bugs/sum", state: "due", runs: 2, next: "implementation" }]);
  const shown = (await project.okstra(["task", "show", TASK])).json;
  expect(members(shown)).toEqual(
    [
      "brief",
      "category",
      "clarifications",
      "cycles",
      "from",
      "head",
      "ledger",
      "next",
      "older",
      "openFindings",
      "plan",
      "taskKey",
      "worktree",
    ].toSorted(),
  );
  expect(members(shown.cycles[0].runs[0])).toEqual(
    ["commit", "createdAt", "damaged", "gate", "run", "runDir", "state", "type", "valid", "verdict"].toSorted(),
  );
}, 60_000);

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endStarted } from "@okstra/testkit/faults/start-process";
import { HESITATIONS, placeKill, scenarioArbitrary, type Scenario } from "@okstra/testkit/handoff-scenarios";
import { createHandoffWorld, type Branches, type HandoffWorld, type Trap, type WorldAnswer } from "@okstra/testkit/handoff-world";
import { protectBranch } from "@okstra/testkit/remotes/bare-remote";

const RUNS = Number(process.env["HANDOFF_RUNS"] ?? 200);
const SEED = Number(process.env["HANDOFF_SEED"] ?? 20_260_105);

let world: HandoffWorld;
beforeAll(async () => {
  world = await createHandoffWorld();
});
afterAll(async () => {
  await endStarted();
  await world.remove();
});

const ENDINGS = ["pushed", "rejected", "committed", "skipped", "refused"] as const;
type Ending = (typeof ENDINGS)[number];

const TASK = "bugs/login";
const PLAN = ["handoff", TASK, "--plan", "--base", "main"] as const;
// eslint-disable-next-line typescript/no-explicit-any -- okstra's own document
type Planned = any;

test(
  `${RUNS} hand-offs: nothing leaves without a bound choice, and with one exactly what was chosen, once`,
  { timeout: 60_000 + RUNS * 10_000 },
  async ({ annotate }) => {
    const counts = new Map<string, number>();
    const property = fc.asyncProperty(scenarioArbitrary, async (scenario) => {
      const play: Play = { scenario, branch: world.work.branch, expected: {}, kills: 0, sends: false, later: null, seen: new Set() };
      const ending = await playScenario(play);
      for (const what of [ending, `${scenario.doing.type}, ${ending}`, ...play.seen]) counts.set(what, (counts.get(what) ?? 0) + 1);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
    const found = Object.fromEntries([...counts].sort());
    await annotate(JSON.stringify(found));
    if (RUNS < 100) return;
    expect(found["pushed"], JSON.stringify(found)).toBeGreaterThanOrEqual(RUNS / 2);
    for (const ending of [...ENDINGS, ...WANTED]) expect(found[ending], `${ending} of ${JSON.stringify(found)}`).toBeGreaterThan(0);
  },
);

test("what was pushed squashed waits until its branch is back where it was chosen, and is handed off then", async () => {
  const { project, worktree, branch, head } = world.work;
  await world.reset({ forge: true });
  const { json: planned } = await world.okstra([...PLAN, "--action", "pr", "--commits", "squash"]);
  const trap = { pattern: "git*' push '*", nth: 1, what: "after" } as const;
  expect((await world.start(["handoff", TASK, "--approve", planned.hash], { input: "ended", trap })).isKilled).toBe(true);
  const later = await project.repo.commit("Later", { "src/later.txt": "later\n" }, worktree);
  const stopped = await world.okstra(["handoff", TASK]);
  expect(stopped.json.error, show(stopped)).toMatchObject({
    code: "OKSTRA_HANDOFF_CHANGED",
    details: { head: later, outgoing: planned.plan.outgoing },
  });
  expect((await world.okstra([...PLAN, "--action", "pr"])).json.error.code).toBe("OKSTRA_GATE_HOLDS");
  expect(stopped.json.error.hint).toContain(
    `git -C ${worktree} branch ${branch}-later && git -C ${worktree} reset --keep ${head} && okstra handoff ${TASK}`,
  );
  await project.repo.git(["branch", `${branch}-later`], { cwd: worktree });
  await project.repo.git(["reset", "--quiet", "--keep", head], { cwd: worktree });
  const done = await world.okstra(["handoff", TASK]);
  expect([done.status, done.json.verdict, done.json.valid], show(done)).toEqual([0, "handed-off", true]);
  expect(await world.work.remoteCommit()).toBe(planned.plan.outgoing);
  expect(await project.repo.resolve(branch)).toBe(planned.plan.outgoing);
  expect([world.pushes().length, world.server.pulls.length]).toEqual([1, 1]);
});

test("a choice of which nothing was done is given up when the branch went on, so that a person can plan again", async () => {
  const { project, worktree } = world.work;
  await world.reset({ forge: false });
  const { json: planned } = await world.okstra([...PLAN, "--action", "commit", "--commits", "squash"]);
  const trap = { pattern: "git*' update-ref '*", nth: 1, what: "before" } as const;
  expect((await world.start(["handoff", TASK, "--approve", planned.hash], { input: "ended", trap })).isKilled).toBe(true);
  await project.repo.commit("Later", { "src/later.txt": "later\n" }, worktree);
  expect((await world.okstra(["handoff", TASK])).json.error.code).toBe("OKSTRA_HANDOFF_CHANGED");
  expect((await world.okstra(["handoff", TASK])).json.error.code).toBe("OKSTRA_HANDOFF_NO_CHOICE");
  expect((await project.okstra(["run", TASK, "-t", "final-verification"])).status).toBe(0);
  const again = await world.okstra([...PLAN, "--action", "commit", "--commits", "squash"]);
  const done = await world.okstra(["handoff", TASK, "--approve", again.json.hash]);
  expect([done.status, done.json.verdict, done.json.valid], show(done)).toEqual([0, "committed", true]);
});

/** Of each kind there must be one, or the runs show less than they claim. */
const WANTED = [
  ...HESITATIONS.map((each) => `hesitation ${each}`),
  ...[
    "HANDOFF_CHANGED",
    "PREPARE_TREE_DIRTY",
    "HANDOFF_CONFLICT",
    "HANDOFF_NOT_FAST_FORWARD",
    "GATE_HOLDS",
    "HANDOFF_NO_CHOICE",
    "HANDOFF_PLAN_UNKNOWN",
  ].map((code) => `refusal OKSTRA_${code}`),
  ...["before", "during", "after"].map((what) => `killed ${what}`),
  "given up after a later commit",
  "pull request",
  "squashed",
];

/** One scenario as it is played. What is expected follows from what the test itself does to the remote. */
interface Play {
  readonly scenario: Scenario;
  readonly branch: string;
  /** The remote's branches as they have to be. */
  expected: Branches;
  kills: number;
  /** Whether something was pushed although the remote has it by now. */
  sends: boolean;
  /** What the branch was brought to after the choice. */
  later: string | null;
  /** What happened in it, for the count over all runs. */
  readonly seen: Set<string>;
}

async function playScenario(play: Play): Promise<Ending> {
  const { forge, before, pull, base, hesitations, change } = play.scenario;
  await world.reset({ forge });
  play.expected = await world.branches();
  if (before !== null) await setBranch(play, play.branch, world.commits[before]);
  if (before !== null && forge && pull) world.server.addPull({ branch: play.branch, base, head: world.commits[before] });
  for (const hesitation of hesitations) await hesitate(play, hesitation);
  let planned = await plan(play);
  if (planned === null) return "refused";
  if (change !== "none") planned = await approveChanged(play, planned, change);
  return planned === null ? "refused" : carryOut(play, planned);
}

async function setBranch(play: Play, branch: string, commit: string): Promise<void> {
  await world.setBranch(branch, commit);
  play.expected = { ...play.expected, [branch]: commit };
}

/** Whether what is to be sent can follow a commit without force. */
function canFollow(play: Play, commit: string | null): boolean {
  const { ancestor, head } = world.commits;
  return commit === null || (play.scenario.commits === "as-is" && (commit === ancestor || commit === head));
}

function planArgs(play: Play, base: string): readonly string[] {
  const { action, commits, message } = play.scenario;
  if (action === "skip") return ["handoff", TASK, "--plan", "--action", action];
  const { repo, home } = world.work.project;
  if (message !== null) repo.write("message.txt", message, { at: home.root });
  const file = message === null ? "as-is" : `${home.root}/message.txt`;
  return ["handoff", TASK, "--plan", "--action", action, "--base", base, "--commits", commits, "--message", file];
}

async function requireUntouched(play: Play, after: string): Promise<void> {
  expect(await world.branches(), `branches after ${after}`).toEqual(play.expected);
  expect(world.pushes(), `pushes after ${after}`).toEqual([]);
  expect(world.sent(), `requests after ${after}`).toEqual([]);
}

function requireRefusal(play: Play, answer: WorldAnswer, codes: readonly string[]): void {
  expect(codes, show(answer)).toContain(answer.json?.error?.code);
  expect(answer.status, show(answer)).not.toBe(0);
  play.seen.add(`refusal ${answer.json.error.code}`);
}

/** Codes with which a plan must be refused as things stand; none: it must be made. */
function listRefusals(play: Play, base: string): readonly string[] {
  const { action } = play.scenario;
  if (action === "skip") return [];
  return [
    ...(play.expected[base] === world.commits.conflictingBase ? ["OKSTRA_HANDOFF_CONFLICT"] : []),
    ...(action === "pr" && !canFollow(play, play.expected[play.branch] ?? null) ? ["OKSTRA_HANDOFF_NOT_FAST_FORWARD"] : []),
  ];
}

/** A plan, or null where it was refused as it had to be. */
async function plan(play: Play, base = play.scenario.base): Promise<Planned | null> {
  const refusals = listRefusals(play, base);
  const answer = await world.okstra(planArgs(play, base));
  if (refusals.length > 0) requireRefusal(play, answer, refusals);
  else expect([answer.status, answer.json?.hash], show(answer)).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}$/)]);
  await requireUntouched(play, "a plan");
  return refusals.length > 0 ? null : answer.json;
}

async function approve(play: Play, planned: Planned, trap?: Trap): Promise<WorldAnswer> {
  return call(play, ["handoff", TASK, "--approve", planned.hash], trap);
}

async function call(play: Play, args: readonly string[], trap?: Trap): Promise<WorldAnswer> {
  const what = trap?.what;
  if (trap === undefined || what === undefined) return world.okstra(args);
  if (typeof what === "object") return world.okstra(args, { ...trap, what });
  const answer = await world.start(args, { input: "ended", trap });
  if (answer.isKilled) {
    play.kills += 1;
    play.seen.add(`killed ${what}`);
  }
  return answer;
}

async function hesitate(play: Play, hesitation: (typeof HESITATIONS)[number]): Promise<void> {
  const plain = ["handoff", TASK];
  const refuse = (answer: WorldAnswer, ...codes: readonly string[]): void => requireRefusal(play, answer, codes);
  const unknown = "OKSTRA_HANDOFF_PLAN_UNKNOWN";
  switch (hesitation) {
    case "no-terminal":
      refuse(await world.okstra(plain), "OKSTRA_HANDOFF_NO_CHOICE");
      break;
    case "end-of-input":
      refuse(await world.start(plain, { input: "ended" }), "OKSTRA_HANDOFF_NO_CHOICE");
      break;
    case "yes": {
      const answer = await world.start(plain, { input: "yes" });
      refuse(answer, "OKSTRA_HANDOFF_NO_CHOICE");
      expect(answer.status).toBe(10);
      break;
    }
    case "yes-plan":
      await world.start(planArgs(play, play.scenario.base), { input: "yes" });
      break;
    case "yes-message":
      await world.start(["handoff", TASK, "--plan", "--action", "pr", "--base", "main", "--message", "-"], { input: "yes" });
      break;
    case "yes-hash":
      refuse(await world.start([...plain, "--approve", "y"], { input: "yes" }), unknown);
      break;
    case "near-hash":
    case "short-hash": {
      const planned = await plan(play);
      const hash: string = planned?.hash ?? "0".repeat(64);
      const given = hesitation === "short-hash" ? hash.slice(0, 12) : `${hash.slice(0, 63)}${hash.endsWith("0") ? "1" : "0"}`;
      refuse(await world.okstra([...plain, "--approve", given]), unknown);
      break;
    }
    case "other-name":
      for (const name of ["__proto__", "constructor", "../plans/x", ""]) refuse(await world.okstra([...plain, "--approve", name]), unknown);
      break;
    case "no-base":
      refuse(await world.okstra([...plain, "--plan", "--action", "pr", "--base", "nowhere"]), "OKSTRA_HANDOFF_BASE_NOT_FOUND");
      break;
    case "own-base":
      refuse(await world.okstra([...plain, "--plan", "--action", "pr", "--base", play.branch]), "OKSTRA_HANDOFF_BASE_NOT_FOUND");
      break;
    case "two-modes":
      refuse(await world.okstra([...plain, "--plan", "--action", "pr", "--base", "main", "--approve", "0".repeat(64)]), "OKSTRA_USAGE");
      break;
  }
  play.seen.add(`hesitation ${hesitation}`);
  await requireUntouched(play, hesitation);
}

/** Something changes between plan and approval. @returns the plan that can be approved then, or null */
async function approveChanged(play: Play, planned: Planned, change: Exclude<Scenario["change"], "none">): Promise<Planned | null> {
  const { action, base, again } = play.scenario;
  const { worktree, project } = world.work;
  const before = play.expected;
  if (change === "commit") {
    await project.repo.commit("Later", { "src/later.txt": "later\n" }, worktree);
    requireRefusal(play, await approve(play, planned), ["OKSTRA_HANDOFF_CHANGED"]);
    requireRefusal(play, await world.okstra(planArgs(play, base)), ["OKSTRA_GATE_HOLDS"]);
    await requireUntouched(play, "a commit");
    return null;
  }
  if (change === "dirty") {
    project.repo.write("src/part-0.txt", "half done\n", { at: worktree });
    requireRefusal(play, await approve(play, planned), ["OKSTRA_PREPARE_TREE_DIRTY"]);
    await requireUntouched(play, "a dirty tree");
    project.repo.write("src/part-0.txt", "part 0\n", { at: worktree });
    return again ? planned : null;
  }
  if (change === "moved-base") await setBranch(play, "main", world.commits.movedBase);
  else if (change === "conflicting-base") await setBranch(play, "main", world.commits.conflictingBase);
  else
    await setBranch(
      play,
      play.branch,
      world.commits[change === "pushed-ancestor" ? "ancestor" : change === "pushed-same" ? "head" : "diverged"],
    );
  const isSame = action === "skip" || (before[base] === play.expected[base] && before[play.branch] === play.expected[play.branch]);
  if (isSame) return planned;
  const refusals = listRefusals(play, base);
  requireRefusal(play, await approve(play, planned), refusals.length > 0 ? refusals : ["OKSTRA_HANDOFF_CHANGED"]);
  await requireUntouched(play, change);
  return again ? plan(play) : null;
}

async function carryOut(play: Play, planned: Planned): Promise<Ending> {
  const { doing, again, base } = play.scenario;
  switch (doing.type) {
    case "once":
      return requireEnd(play, planned, await approve(play, planned));
    case "twice": {
      const ending = await requireEnd(play, planned, await approve(play, planned));
      const second = await approve(play, planned);
      expect([second.status, second.json.verdict], show(second)).toEqual([0, VERDICTS[ending]]);
      requireRefusal(play, await world.okstra(["handoff", TASK]), ["OKSTRA_HANDOFF_NO_CHOICE"]);
      return requireEnd(play, planned, second);
    }
    case "other": {
      const other = await plan(play, base === "main" ? "staging" : "main");
      const ending = await requireEnd(play, planned, await approve(play, planned));
      if (other !== null && other.hash !== planned.hash) {
        requireRefusal(play, await approve(play, other), ["OKSTRA_HANDOFF_CHANGED"]);
        await requireEnd(play, planned, await approve(play, planned));
      }
      return ending;
    }
    case "together": {
      const answers = await Promise.all([approve(play, planned), approve(play, planned)]);
      for (const answer of answers) if (answer.status !== 0) requireRefusal(play, answer, ["OKSTRA_TASK_BUSY"]);
      return requireEnd(play, planned, answers.find(({ status }) => status === 0) ?? answers[0]);
    }
    case "killed":
      return doKilled(play, planned, doing);
    case "fault":
      world.server.breakNext(doing.method, "/pulls", doing.fault);
      return requireEnd(play, planned, await goOn(play, planned, [], ["OKSTRA_HANDOFF_FORGE_FAILED"]));
    case "overtaken": {
      const commit = world.commits[doing.by];
      const run = world.setBranchLine(play.branch, commit);
      // What is there already is not sent, so that nobody is overtaken.
      play.sends = play.expected[play.branch] !== planned.plan.outgoing;
      const answer = await approve(play, planned, { pattern: "git*' push '*", nth: 1, what: { run } });
      if (world.pushes().length > 0) play.expected = { ...play.expected, [play.branch]: commit };
      return requireEnd(play, planned, answer, canFollow(play, play.expected[play.branch] ?? null));
    }
    case "protected": {
      protectBranch(world.work.remote, "*");
      const ending = await requireEnd(play, planned, await approve(play, planned), planned.plan.outgoing === play.expected[play.branch]);
      if (ending !== "rejected" || !again) return ending;
      world.work.project.repo.write("protected-branches", "", { at: world.work.remote.path });
      return requireEnd(play, planned, await approve(play, await replan(play)), true, 1);
    }
  }
}

async function doKilled(
  play: Play,
  planned: Planned,
  { kills, meanwhile }: Extract<Scenario["doing"], { type: "killed" }>,
): Promise<Ending> {
  const traps = kills.map((kill) => placeKill(play.scenario, kill));
  const { action, commits } = play.scenario;
  if (meanwhile === "nothing" || action !== "pr" || commits === "squash")
    return requireEnd(play, planned, await goOn(play, planned, traps, []));
  const first = await approve(play, planned, traps[0]);
  if (!first.isKilled) return requireEnd(play, planned, first);
  // Somebody goes on working: what arrived is handed off to its end, anything else is not what was chosen any more.
  play.later = await world.work.project.repo.commit("Later", { "src/later.txt": "later\n" }, world.work.worktree);
  const answer = await call(play, ["handoff", TASK], traps[1]);
  const then = answer.isKilled ? await call(play, ["handoff", TASK]) : answer;
  if (then.json?.error === undefined) {
    play.seen.add("finished after a later commit");
    return requireEnd(play, planned, then);
  }
  requireRefusal(play, then, ["OKSTRA_HANDOFF_CHANGED", "OKSTRA_HANDOFF_NO_CHOICE"]);
  requireRefusal(play, await approve(play, planned), ["OKSTRA_HANDOFF_CHANGED"]);
  expect(await world.branches()).toEqual(play.expected);
  expect(world.pushed(play.branch)).toEqual([]);
  expect(world.server.requests.filter(({ method, body }) => method !== "GET" && body !== null)).toEqual([]);
  play.seen.add("given up after a later commit");
  return "refused";
}

/** After a push that was refused the person plans again. */
async function replan(play: Play): Promise<Planned> {
  const answer = await world.okstra(planArgs(play, play.scenario.base));
  expect(answer.status, show(answer)).toBe(0);
  return answer.json;
}

/** Approves, and then says `okstra handoff` until it is done. */
async function goOn(play: Play, planned: Planned, kills: readonly Trap[], codes: readonly string[]): Promise<WorldAnswer> {
  let answer = await approve(play, planned, kills[0]);
  for (let at = 1; at < 8; at += 1) {
    if (answer.json?.verdict !== undefined) return answer;
    if (!answer.isKilled) requireRefusal(play, answer, codes);
    answer = await call(play, ["handoff", TASK], kills[at]);
    // Killed before the choice was written down, nothing is chosen.
    if (answer.json?.error?.code === "OKSTRA_HANDOFF_NO_CHOICE") answer = await approve(play, planned);
  }
  throw new Error(`it comes to no end: ${show(answer)}`);
}

/** All that must be true of a run that came to its end. */
async function requireEnd(play: Play, planned: Planned, answer: WorldAnswer, arrives = true, rejectedBefore = 0): Promise<Ending> {
  const { plan } = planned;
  const { action, forge, doing } = play.scenario;
  const ending = action === "skip" ? "skipped" : action === "commit" ? "committed" : arrives ? "pushed" : "rejected";
  expect([answer.status, answer.json?.verdict, answer.json?.valid], show(answer)).toEqual([
    ending === "rejected" ? 10 : 0,
    VERDICTS[ending],
    true,
  ]);
  const theirs = play.expected[play.branch] ?? null;
  const wanted = ending === "pushed" ? { ...play.expected, [play.branch]: plan.outgoing } : play.expected;
  expect(await world.branches()).toEqual(wanted);
  expect(world.pushed(play.branch)).toEqual(ending === "pushed" && theirs !== plan.outgoing ? [plan.outgoing] : []);

  const pushes = world.pushes();
  for (const words of pushes) {
    expect(words.filter((word) => word.startsWith("-") && !PUSH_OPTIONS.has(word))).toEqual([]);
    expect(words.filter((word) => !word.startsWith("-"))).toEqual(["origin", `${plan.ref}:${plan.ref}`]);
  }
  const isOne = ending === "rejected" || (ending === "pushed" && (theirs !== plan.outgoing || play.sends));
  const isRough = doing.type === "killed";
  expect(pushes.length, "pushes").toBeGreaterThanOrEqual((isOne ? 1 : 0) + rejectedBefore);
  expect(pushes.length, "pushes").toBeLessThanOrEqual((isOne ? 1 : 0) + rejectedBefore + (isRough && isOne ? play.kills : 0));

  const { pulls, requests, strays } = world.server;
  const isTheirs = forge && play.scenario.pull && play.scenario.before !== null;
  const opens = ending === "pushed" && forge && !isTheirs;
  // What an okstra that is killed was about to say may not arrive: such a request is no JSON, and opens nothing.
  const sent = requests.filter((each) => each.method !== "GET" && !(isRough && each.body === null));
  const { title, body } = plan;
  for (const request of sent)
    expect(request).toMatchObject({
      method: "POST",
      path: "/repos/acme/app/pulls",
      body: { title, body, head: play.branch, base: plan.base.branch },
    });
  expect(pulls.length, "pull requests").toBe(isTheirs || opens ? 1 : 0);
  if (opens) expect(pulls[0]).toMatchObject({ branch: play.branch, base: plan.base.branch, head: plan.outgoing, title, body });
  const isRetried = isRough || doing.type === "fault";
  if (isRetried && opens) expect(world.sent().length).toBeGreaterThanOrEqual(1);
  else expect([world.sent().length, sent.length], "requests").toEqual(opens ? [1, 1] : [0, 0]);
  expect(strays).toEqual([]);
  expect(world.scratch(), "what is left of staging repositories").toEqual([]);
  expect(requests.every(({ isLoggedIn }) => isLoggedIn)).toBe(true);

  const { repo } = world.work.project;
  const moves = action !== "skip" && ending !== "rejected" && plan.outgoing !== plan.head;
  expect(await repo.resolve(`refs/heads/${play.branch}`)).toBe(play.later ?? (moves ? plan.outgoing : plan.head));
  const checked = await world.okstra(["validate", TASK]);
  expect(checked.status, show(checked)).toBe(0);
  if (opens) play.seen.add("pull request");
  if (ending === "pushed" && plan.outgoing !== plan.head) play.seen.add("squashed");
  return ending;
}

const VERDICTS: Readonly<Record<Ending, string>> = {
  pushed: "handed-off",
  rejected: "push-rejected",
  committed: "committed",
  skipped: "skipped",
  refused: "",
};
const PUSH_OPTIONS: ReadonlySet<string> = new Set(["--porcelain", "--no-follow-tags", "--recurse-submodules=no"]);

function show(answer: WorldAnswer): string {
  return `${answer.stdout.slice(0, 3000)}${answer.stderr.slice(-2000)}`;
}

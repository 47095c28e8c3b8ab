import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunEventBody } from "../events.ts";
import { NEW_HANDOFF, nextHandoffEffect, type HandoffEffect } from "./handoff-machine.ts";
import { foldRun, NEW_RUN, transition, type RunState } from "./run-machine.ts";

const HASHES = ["a".repeat(64), "b".repeat(64), "c".repeat(64)] as const;
const HEAD = "1".repeat(40);
const SQUASHED = "2".repeat(40);
const FOREIGN = "3".repeat(40);
const REF = "refs/heads/fix-login";
const PULL = { url: "https://example.com/1", number: 1, state: "open" as const };

const PREPARED: RunEventBody = {
  type: "run-prepared",
  runId: "r",
  taskKey: "p/g/t",
  taskType: "release-handoff",
  roster: [],
  commit: HEAD,
  executor: null,
  manifestSha256: "0".repeat(64),
};
const planned = (hash: string, action: "commit" | "pr" | "skip", options: { squash?: boolean; forge?: boolean } = {}): RunEventBody => ({
  type: "handoff-planned",
  planSha256: hash,
  action,
  head: HEAD,
  outgoing: options.squash === true ? SQUASHED : HEAD,
  ref: REF,
  pushUrl: "file:///r",
  opensPullRequest: action === "pr" && options.forge === true,
  calls: [],
});
const chosen = (hash: string): RunEventBody => ({ type: "handoff-chosen", planSha256: hash, how: "hash", by: "ann" });
const started = (state: RunState): RunEventBody => ({
  type: "run-started",
  attempt: state.attempt + 1,
  commit: HEAD,
  isolation: "process-group",
  withoutQuota: false,
});

/** What the outside is and how it behaves in one run. */
interface World {
  remote: string | null;
  readonly pushes: string[];
  pulls: number;
  readonly created: number[];
  readonly script: readonly number[];
  at: number;
}

/** The next number of the script, below `limit`; zeros, which let everything through, when it is used up. */
function draw(world: World, limit: number): number {
  const value = world.script[world.at] ?? 0;
  world.at += 1;
  return value % limit;
}

/** The lead, as it does what the machine asks for; it can be killed between any two events. */
class Lead {
  readonly events: RunEventBody[] = [];
  state: RunState = NEW_RUN;
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** Appends an event; one that is rejected leaves everything as it is. */
  append(event: RunEventBody): boolean {
    const next = transition(this.state, event);
    if (next.rejected !== null) {
      must(next.state === this.state, "a rejected event changed the state");
      return false;
    }
    this.state = next.state;
    this.events.push(event);
    return true;
  }

  /** Does one effect. False: okstra was killed, or what it asked failed. */
  perform(effect: HandoffEffect): boolean {
    const { world } = this;
    const plan = this.state.handoff?.plans[this.state.handoff.chosen?.planSha256 ?? ""];
    if (plan === undefined) throw new Error("an effect before a choice");
    const isKilled = (): boolean => draw(world, 12) === 11;
    if (isKilled()) return false;
    switch (effect.type) {
      case "ask-remote":
        if (draw(world, 10) === 9) return false;
        return this.append({ type: "remote-asked", ref: REF, commit: world.remote }) || fail();
      case "push": {
        must(this.state.handoff?.remote !== null, "a push before the remote was asked");
        must(plan.action === "pr", "a push that nobody chose");
        // Somebody moved the branch since: the lead looks once more and refuses.
        if (draw(world, 14) === 13) {
          this.append({ type: "handoff-refused", planSha256: this.state.handoff?.chosen?.planSha256 ?? "", changed: ["head"] });
          return false;
        }
        this.append({ type: "push-started", ref: REF, commit: plan.outgoing });
        if (isKilled()) return false;
        if (draw(world, 8) === 7 || (world.remote !== null && world.remote !== HEAD))
          return this.append({ type: "push-ended", commit: plan.outgoing, end: "rejected", reason: "no" }) || fail();
        world.remote = plan.outgoing;
        world.pushes.push(plan.outgoing);
        if (isKilled()) return false;
        return this.append({ type: "push-ended", commit: plan.outgoing, end: "pushed", reason: null }) || fail();
      }
      case "move-branch":
        must(plan.outgoing !== plan.head, "a branch is moved to where it is");
        return this.append({ type: "branch-moved", from: plan.head, to: plan.outgoing, recoveryRef: "refs/okstra/x" }) || fail();
      case "ask-forge":
        must(this.state.handoff?.push === "pushed", "the forge is asked before the push");
        if (draw(world, 10) === 9) return false;
        return this.append({ type: "pull-request-asked", found: world.pulls > 0 ? PULL : null }) || fail();
      case "open-pull-request": {
        must(this.state.handoff?.forgeAsked === true, "a pull request before the forge was asked");
        this.append({ type: "pull-request-started" });
        if (draw(world, 8) === 7) return false;
        world.pulls += 1;
        world.created.push(world.pulls);
        if (isKilled()) return false;
        return this.append({ type: "pull-request-opened", pullRequest: PULL }) || fail();
      }
      case "settle":
        return this.append({ type: "handoff-settled", outcome: effect.outcome }) || fail();
    }
  }

  /** From a start until it is settled, killed, or there is nothing to do. */
  attempt(): void {
    if (!this.append(started(this.state))) return;
    for (let steps = 0; steps < 20; steps += 1) {
      const effect = this.state.handoff === null ? null : nextHandoffEffect(this.state.handoff);
      if (effect === null || !this.perform(effect)) break;
    }
    if (this.state.stage === "running" && draw(this.world, 2) === 0) this.append({ type: "run-interrupted", signal: "interrupt" });
  }
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

function fail(): never {
  throw new Error("an effect of the machine ended in an event that the machine rejects");
}

/** Events that have nothing to do with what goes on: a damaged program, an attack, an old process. */
const strayEvent: fc.Arbitrary<RunEventBody> = fc.oneof(
  fc.constantFrom<RunEventBody>(
    { type: "push-started", ref: REF, commit: HEAD },
    { type: "push-started", ref: REF, commit: FOREIGN },
    { type: "push-started", ref: "refs/heads/main", commit: HEAD },
    { type: "push-ended", commit: HEAD, end: "pushed", reason: null },
    { type: "push-ended", commit: FOREIGN, end: "pushed", reason: null },
    { type: "pull-request-started" },
    { type: "pull-request-opened", pullRequest: PULL },
    { type: "pull-request-asked", found: null },
    { type: "remote-asked", ref: "refs/heads/main", commit: HEAD },
    { type: "branch-moved", from: FOREIGN, to: SQUASHED, recoveryRef: "x" },
    { type: "handoff-settled", outcome: "handed-off" },
    { type: "handoff-settled", outcome: "skipped" },
    { type: "handoff-chosen", planSha256: "f".repeat(64), how: "hash", by: "eve" },
    { type: "handoff-refused", planSha256: "f".repeat(64), changed: ["x"] },
    { type: "run-ended", verdict: "handed-off", gateOpen: true },
    { type: "lane-started", worker: "anna", lane: "anna", attempt: 1, nonce: "n", commit: HEAD },
  ),
  fc.constantFrom<RunEventBody>(
    { type: "handoff-answered", question: "H1", text: "yes", how: "terminal", by: "ann" },
    { type: "handoff-answered", question: "H3", text: "y", how: "terminal", by: "ann" },
  ),
);

const WORLD_RUN = fc.record({
  plans: fc.array(
    fc.record({
      hash: fc.constantFrom(...HASHES),
      action: fc.oneof(
        { weight: 8, arbitrary: fc.constant("pr" as const) },
        { weight: 1, arbitrary: fc.constantFrom("commit" as const, "skip" as const) },
      ),
      squash: fc.boolean(),
      forge: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  /** Which plan's hash the person says; 3: nobody says one; 4: one that nobody made; 5: they cancel. */
  says: fc.oneof({ weight: 9, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.integer({ min: 3, max: 5 }) }),
  says2: fc.nat(2),
  remote: fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constantFrom(HEAD, FOREIGN) }),
  pulls: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
  script: fc.array(fc.nat(1000), { maxLength: 30 }),
  strays: fc.array(fc.tuple(fc.nat(30), strayEvent), { maxLength: 4 }),
});

const SEED = Number(process.env["FC_SEED"] ?? 20_261_123);

test("10,000 worlds: nothing leaves without a choice, and with one exactly what was chosen leaves, once", () => {
  const endings: Record<string, number> = {};
  fc.assert(
    fc.property(WORLD_RUN, ({ plans, says, says2, remote, pulls, script, strays }) => {
      const world: World = { remote, pushes: [], pulls, created: [], script, at: 0 };
      const lead = new Lead(world);
      const stray = (at: number): void => {
        for (const [when, event] of strays)
          if (when === at && !["handoff-chosen"].includes(event.type)) lead.append(event);
          else if (when === at) expect(lead.append(event)).toBe(false);
      };
      expect(lead.append(PREPARED)).toBe(true);
      for (const { hash, action, squash, forge } of plans) lead.append(planned(hash, action, { squash, forge }));
      stray(0);
      lead.attempt();
      expect([lead.state.attempt, world.pushes, world.created]).toEqual([0, [], []]);
      const hash = says < 3 ? (plans[says % plans.length]?.hash ?? null) : says === 4 ? "e".repeat(64) : null;
      const isMade = plans.some((plan) => plan.hash === hash);
      if (hash !== null) expect(lead.append(chosen(hash))).toBe(isMade);
      if (says === 5) lead.append({ type: "handoff-cancelled", by: "ann" });
      // Somebody says another hash: the first word stands.
      if (isMade) expect(lead.append(chosen(HASHES[says2] ?? HASHES[0]))).toBe(false);
      for (let attempt = 1; attempt <= 6 && lead.state.handoff?.outcome === null; attempt += 1) {
        stray(attempt);
        lead.attempt();
      }
      // From here on the outside lets everything through.
      world.at = script.length;
      for (let attempt = 0; attempt < 2 && lead.state.handoff?.outcome === null; attempt += 1) lead.attempt();

      const handoff = lead.state.handoff ?? NEW_HANDOFF;
      const plan = handoff.plans[handoff.chosen?.planSha256 ?? ""];
      const everChosen = lead.events.filter((event) => event.type === "handoff-chosen");
      if (everChosen.length === 0) expect([world.pushes, world.created]).toEqual([[], []]);
      expect(new Set(world.pushes).size).toBeLessThanOrEqual(1);
      expect(world.pushes.length).toBeLessThanOrEqual(1);
      expect(world.pulls).toBeLessThanOrEqual(1);
      if (plan !== undefined && plan.action !== "pr") expect([world.pushes, world.created]).toEqual([[], []]);
      if (handoff.outcome === "cancelled" || handoff.outcome === "skipped") expect([world.pushes, world.created]).toEqual([[], []]);
      if (handoff.outcome === "handed-off" && plan !== undefined) {
        expect(world.remote).toBe(plan.outgoing);
        if (plan.opensPullRequest) expect(world.pulls).toBe(1);
        else expect(world.created).toEqual([]);
        if (plan.outgoing !== plan.head) expect(handoff.moved).toMatchObject({ from: HEAD, to: SQUASHED });
      }
      // A settled hand-off takes nothing more.
      if (handoff.outcome !== null) for (const [, event] of strays) expect(lead.append(event)).toBe(false);
      expect(foldRun(lead.events)).toMatchObject({ rejected: [], state: lead.state });
      const ending = handoff.outcome ?? (handoff.chosen === null ? (everChosen.length > 0 ? "refused" : "nobody chose") : "waits");
      endings[ending] = (endings[ending] ?? 0) + 1;
      if (world.pushes.length === 1 && ending === "handed-off") endings["pushed once"] = (endings["pushed once"] ?? 0) + 1;
      if (plan !== undefined && world.created.length === 1) endings["one opened"] = (endings["one opened"] ?? 0) + 1;
    }),
    { numRuns: 10_000, seed: SEED },
  );
  console.info(`endings of 10,000 hand-offs (seed ${SEED}): ${JSON.stringify(endings)}`);
  expect(endings["pushed once"]).toBeGreaterThanOrEqual(5_000);
  for (const ending of ["handed-off", "committed", "skipped", "cancelled", "push-rejected", "refused", "nobody chose", "one opened"])
    expect(endings[ending] ?? 0, ending).toBeGreaterThan(0);
});

test("only a release-handoff has no workers, and nothing of a hand-off happens in another run", () => {
  const other = { ...PREPARED, taskType: "final-verification", roster: ["anna"] } as RunEventBody;
  expect(transition(NEW_RUN, { ...PREPARED, roster: ["anna"] } as RunEventBody).rejected).not.toBeNull();
  expect(transition(NEW_RUN, { ...other, roster: [] } as RunEventBody).rejected).not.toBeNull();
  const { state } = transition(NEW_RUN, other);
  expect(state.handoff).toBeNull();
  for (const event of [planned(HASHES[0], "pr"), chosen(HASHES[0]), { type: "handoff-cancelled", by: "ann" } as const])
    expect(transition(state, event).rejected).toBe("nothing is handed off");
});

test("a hand-off starts only after a person's word", () => {
  const { state } = foldRun([PREPARED, planned(HASHES[0], "pr")]);
  expect(transition(state, started(state)).rejected).toBe("nobody has chosen");
  const after = foldRun([PREPARED, planned(HASHES[0], "pr"), chosen(HASHES[0])]).state;
  expect(transition(after, { ...started(after), commit: FOREIGN } as RunEventBody).rejected).toBe("the run is bound to another commit");
  expect(transition(after, started(after)).effects).toEqual([{ type: "handoff", effect: { type: "ask-remote" } }]);
});

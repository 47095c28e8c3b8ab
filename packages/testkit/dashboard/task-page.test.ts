import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { StreamMessage } from "@okstra/core/dashboard/api";
import { NO_BROWSER } from "./browser.ts";
import { ASKED, HELD, PLANNED, RUNNING } from "./fixture-tasks.ts";
import { createPageFixture, focusedText, waitUntil, type PageFixture } from "./page-fixture.ts";

const hashOf = ({ project, group, task }: typeof RUNNING): string => `#/t/${project}/${group}/${task}`;
const keyOf = ({ project, group, task }: typeof RUNNING): string => `${project}/${group}/${task}`;

let seq = 0;
function eventOf(type: string, fields: Record<string, unknown>): StreamMessage {
  seq += 1;
  const event = { seq, at: new Date().toISOString(), type, ...fields };
  return { kind: "event", ...RUNNING, taskKey: keyOf(RUNNING), type: "final-verification", run: 1, event };
}

describe.skipIf(NO_BROWSER !== "")(`a task's page in a browser${NO_BROWSER}`, () => {
  let pages: PageFixture;
  beforeAll(async () => {
    pages = await createPageFixture();
  });
  afterEach(() => pages.closeOpened());
  afterAll(() => pages.close());

  test("a lane that runs grows, says what it does, and ends; another one appears", async () => {
    const { page, server } = await pages.open(hashOf(RUNNING));
    await page.getByText("live", { exact: true }).waitFor();
    const lane = page.locator("[data-lane=claude][data-end=running]");
    await lane.waitFor();
    const before = await lane.locator(".elapsed").innerText();
    await waitUntil(
      page,
      `document.querySelector('[data-lane=claude][data-end=running] .elapsed').innerText !== ${JSON.stringify(before)}`,
    );
    const asked = (): number => server.asked.filter((path) => path === `/api/tasks/${keyOf(RUNNING)}`).length;
    const count = asked();
    server.send(eventOf("lane-activity", { worker: "claude", text: "runs the tests <b>now</b>" }));
    await lane.getByText("runs the tests <b>now</b>").waitFor();
    // What a lane says is shown without asking anything.
    expect(asked()).toBe(count);
    server.send(eventOf("lane-started", { worker: "grok", lane: "grok.votes", attempt: 1 }));
    await page.locator("[data-lane='grok.votes'][data-end=running]", { hasText: "vote" }).waitFor();
    server.send(eventOf("lane-ended", { worker: "claude", lane: "claude", attempt: 1, end: "timeout", findings: 3 }));
    // The answer of the fixture does not know of it: only the event can have shown it.
    await page.locator("[data-lane=claude][data-end=timeout]", { hasText: "3 findings" }).waitFor();
  });

  test("a bar is where its time is, and its end is said in words", async () => {
    const { page } = await pages.open(hashOf(RUNNING));
    const failed = page.locator("[data-lane=gemini][data-end=failed]");
    expect(await failed.innerText()).toContain("failed");
    const [ended, running] = await Promise.all([
      page.locator("[data-lane=codex][data-end=ok] .timeline-bar").last().boundingBox(),
      page.locator("[data-lane=gemini][data-end=running] .timeline-bar").boundingBox(),
    ]);
    expect(ended).not.toBeNull();
    // codex ended 2 min ago, the second attempt of gemini began 95 s ago.
    expect((ended?.x ?? 0) + (ended?.width ?? 0)).toBeLessThan(running?.x ?? 0);
    expect(await page.locator(".timeline-between").first().innerText()).toMatch(/waiting for a person|between/u);
  });

  test("approving: the dialog shows what it is bound to, sends nothing before the second action, and then exactly that", async () => {
    const { page, server } = await pages.open(hashOf(PLANNED));
    const plan = server.world.pages.get(keyOf(PLANNED))?.plan;
    const open = page.getByRole("button", { name: "Approve …" });
    await open.click();
    const dialog = page.getByRole("dialog", { name: "Approve this plan" });
    const text = await dialog.innerText();
    expect(text).toContain("run 2 of implementation-planning");
    expect(text).toContain(plan?.planSha256.slice(0, 12));
    expect(text).toContain("A: A function for rounding; B: Use it where refunds are made");
    expect(await focusedText(page)).toBe("Approve this plan");
    await page.keyboard.press("Enter");
    expect(await dialog.getByRole("button", { name: /^Approve/u }).isDisabled()).toBe(true);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await focusedText(page)).toBe("Approve …");
    expect(server.posts).toEqual([]);

    await open.click();
    await dialog.getByRole("checkbox").check();
    // However often it is pressed, it is sent once.
    await dialog
      .getByRole("button", { name: /^Approve/u })
      .evaluate((button) => [0, 1, 2].map(() => (button as { click?: () => void }).click?.()));
    await dialog.waitFor({ state: "detached" });
    await page.getByText("The plan of run 2 is approved.").waitFor();
    await page.locator("section", { hasText: "Approved by you" }).first().waitFor();
    expect(await open.count()).toBe(0);
    expect(server.posts).toEqual([{ path: `/api/tasks/${keyOf(PLANNED)}/approval`, body: { run: 2, planSha256: plan?.planSha256 } }]);
    expect(await focusedText(page)).toBe(PLANNED.task);
  });

  test("a plan that is another by now: nothing is done, and the page says what changed", async () => {
    const { page, server } = await pages.open(hashOf(PLANNED));
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Approve …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("checkbox").check();
    const old = server.world.pages.get(keyOf(PLANNED));
    if (old === undefined || old.plan === null) throw new Error("the fixture has a plan");
    // Nothing is said on the stream: the page finds out by the refusal.
    server.world.pages.set(keyOf(PLANNED), { ...old, plan: { ...old.plan, run: 3, planSha256: "feedc0de".repeat(8) } });
    await dialog.getByRole("button", { name: /^Approve/u }).click();
    await dialog.getByText("Nothing was done.", { exact: false }).waitFor();
    await dialog.getByText("feedc0defeed").waitFor();
    const alert = await dialog.getByRole("alert").innerText();
    expect(alert).toContain("Hash was");
    expect(alert).toContain(old.plan.planSha256.slice(0, 12));
    expect(await dialog.getByRole("button", { name: /^Approve/u }).isDisabled()).toBe(true);
    await dialog.getByRole("button", { name: "Look at it again" }).click();
    await page.locator(".panel", { hasText: "feedc0defeed" }).first().waitFor();
    expect(server.world.pages.get(keyOf(PLANNED))?.plan?.state).toBe("pending");
  });

  test("a plan that changes while the dialog is open cannot be approved any more", async () => {
    const { page, server } = await pages.open(hashOf(PLANNED));
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Approve …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("checkbox").check();
    const plan = server.world.pages.get(keyOf(PLANNED))?.plan ?? null;
    if (plan === null) throw new Error("the fixture has a plan");
    server.change(PLANNED, { plan: { ...plan, state: "approved", approval: { by: "kim", at: new Date().toISOString() } } });
    await dialog.getByText("It changed while this was open.").waitFor();
    expect(await dialog.getByRole("button", { name: /^Approve/u }).isDisabled()).toBe(true);
    expect(server.posts).toEqual([]);
  });

  test("rejecting needs a reason", async () => {
    const { page, server } = await pages.open(hashOf(PLANNED));
    await page.getByRole("button", { name: "Reject …" }).click();
    const dialog = page.getByRole("dialog", { name: "Reject this plan" });
    const reject = dialog.getByRole("button", { name: "Reject", exact: true });
    expect(await reject.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Reason/u).fill("  too large  ");
    await reject.click();
    await page.getByText("too large").first().waitFor();
    expect(server.posts.map(({ body }) => body)).toEqual([expect.objectContaining({ run: 2, reason: "too large" })]);
  });

  test("answering: word for word, bound to the question; a draft outlives what happens meanwhile", async () => {
    const { page, server } = await pages.open(`${hashOf(ASKED)}?at=questions`);
    await page.getByText("live", { exact: true }).waitFor();
    const bound = server.world.pages.get(keyOf(ASKED))?.clarifications.map(({ boundTo }) => boundTo);
    await waitUntil(page, "document.activeElement?.id === 'questions'");
    await page.getByLabel("Answer to Q2").fill("None: 0 % is exempt.");
    server.change(ASKED, { why: "something else" });
    await page.locator(".facts").getByText("something else").waitFor();
    expect(await page.getByLabel("Answer to Q2").inputValue()).toBe("None: 0 % is exempt.");
    await page.getByRole("button", { name: "Answer Q2 …" }).click();
    const dialog = page.getByRole("dialog", { name: "Answer Q2" });
    const text = await dialog.innerText();
    expect(text).toContain("Is a rate of 0 % a rate or none?");
    expect(text).toContain("None: 0 % is exempt.");
    await dialog.getByRole("button", { name: "Send this answer" }).click();
    await page.getByText("Q2 is answered.").waitFor();
    expect(await page.getByLabel("Answer to Q2").count()).toBe(0);
    expect(server.posts).toEqual([
      { path: `/api/tasks/${keyOf(ASKED)}/answers`, body: { answers: [{ id: "Q2", text: "None: 0 % is exempt.", boundTo: bound?.[1] }] } },
    ]);
  });

  test("overriding: gate, run and reasons are shown, and a reason has to be typed", async () => {
    const { page, server } = await pages.open(hashOf(HELD));
    await page.getByRole("button", { name: "Override …" }).click();
    const dialog = page.getByRole("dialog", { name: "Override this gate" });
    const text = await dialog.innerText();
    for (const part of ["final-verification.verdict", "final-verification 3", "blocking-findings, no-cross-check", "4f1c9d0a7be2"])
      expect(text).toContain(part);
    const act = dialog.getByRole("button", { name: "Override the gate" });
    expect(await act.isDisabled()).toBe(true);
    await dialog.getByLabel("Reason").fill("   ");
    expect(await act.isDisabled()).toBe(true);
    await dialog.getByLabel("Reason").fill("known, mended next week");
    await dialog.getByLabel(/^Until/u).fill("2027-01-31");
    await act.click();
    await page.getByText("Overridden by you", { exact: false }).waitFor();
    expect(server.posts.map(({ body }) => body)).toEqual([
      {
        type: "final-verification",
        run: 3,
        gate: "final-verification.verdict",
        reason: "known, mended next week",
        until: "2027-01-31",
        boundTo: expect.stringMatching(/^[0-9a-f]{64}$/u) as string,
      },
    ]);
  });

  test("what is not there and what fails is said, with a way on", async () => {
    const { page } = await pages.open("#/t/webshop/checkout/nobody");
    await page.getByText("No such task is registered.").waitFor();
    await page.evaluate("location.hash = '#/nowhere'");
    await page.getByText("There is no such page.").waitFor();
    await page.evaluate("location.hash = '#/t/webshop/emails/bounce-handling'");
    await page.locator(".timeline").getByText("Damaged: line 14 of events.jsonl does not follow line 13").waitFor();
    expect(await page.locator("h1").innerText()).toBe("bounce-handling");
  });

  test("who wants less motion has none", async () => {
    const { page } = await pages.open(hashOf(RUNNING), { reducedMotion: "reduce" });
    const bar = "getComputedStyle(document.querySelector('.end-running')).animationName";
    await page.locator(".timeline-bar.end-running").first().waitFor();
    expect(await page.evaluate(bar)).toBe("none");
  });
});

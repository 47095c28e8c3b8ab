/** The page, the server and okstra itself together: nothing between the browser and the project's files is made up. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDashboardAnswers } from "@okstra/app/dashboard/answers";
import { startDashboard, type DashboardServer } from "@okstra/server/start-dashboard";
import { loadWebFiles } from "@okstra/server/web-files";
import type { Browser, Page } from "playwright-core";
import { openApp } from "../open-app.ts";
import { createPlayProject } from "../play-project.ts";
import type { TestProject } from "../test-project.ts";
import { buildPage, collectComplaints, NO_BROWSER, openBrowser } from "./browser.ts";

const TASK = "bugs/sum";
const HASH = "#/t/plays/bugs/sum";

describe.skipIf(NO_BROWSER !== "")(`a whole task in the dashboard${NO_BROWSER}`, { timeout: 180_000 }, () => {
  let project: TestProject;
  let built: Awaited<ReturnType<typeof buildPage>>;
  let server: DashboardServer;
  let browser: Browser;
  let page: Page;
  let complaints: readonly string[];
  const problems: unknown[] = [];

  beforeAll(async () => {
    project = await createPlayProject("plays");
    await project.okstra(["task", "new", TASK, "--category", "bugfix"]);
    const app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
    built = await buildPage();
    const files = await loadWebFiles(app.store, built.webDir);
    server = await startDashboard({ answers: createDashboardAnswers(app), files, port: 0, onProblem: (thrown) => problems.push(thrown) });
    browser = await openBrowser();
    page = await (await browser.newContext({ timezoneId: "UTC" })).newPage();
    page.setDefaultTimeout(20_000);
    complaints = collectComplaints(page);
    await page.goto(server.url);
    await page.getByText("live", { exact: true }).waitFor();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    built?.remove();
    project.remove();
  });

  /** Goes on with the task from its command line until a person is needed. */
  const go = async (): Promise<void> => {
    const { stdout, stderr, json } = await project.okstra(["go", TASK]);
    expect(json?.error, stdout + stderr).toBeUndefined();
  };
  const goTo = async (hash: string): Promise<void> => {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  };

  test("the token is gone from the address, and a second page needs no other one", async () => {
    expect(new URL(page.url()).search).toBe("");
    const other = await page.context().newPage();
    await other.goto(new URL("/", server.url).href);
    await other.getByRole("heading", { name: "Board" }).waitFor();
    await other.close();
    const stranger = await (await browser.newContext()).newPage();
    const answer = await stranger.goto(server.url);
    expect(answer?.status()).toBe(401);
    await stranger.context().close();
  });

  test("the board follows a run that is started in a terminal, and brings what waits to the top", async () => {
    await page.getByRole("link", { name: "sum plays/bugs due" }).waitFor();
    await go();
    const waiting = page.getByRole("region", { name: /^Waits for you/u });
    await waiting.getByText("okstra answer bugs/sum").waitFor();
    await waiting.getByRole("link", { name: "Answer: bugs/sum" }).click();
    await page.getByLabel("Answer to Q1").waitFor();
    expect(page.url()).toContain(`${HASH}?at=questions`);
  });

  test("a question is answered, and the command line knows the words", async () => {
    await page.getByLabel("Answer to Q1").fill("No, others call it.");
    await page.getByRole("button", { name: "Answer Q1 …" }).click();
    await page.getByRole("dialog", { name: "Answer Q1" }).getByRole("button", { name: "Send this answer" }).click();
    await page.getByText("Q1 is answered.").waitFor();
    const { json } = await project.okstra(["answer", TASK]);
    expect(json.clarifications).toMatchObject([{ id: "Q1", answer: { text: "No, others call it." } }]);
  });

  test("lanes appear on the open page while they run, and a plan is approved as its dialog shows it", async () => {
    await goTo(HASH);
    const going = go();
    await page.locator("[data-lane=anna]", { hasText: "review" }).nth(1).waitFor();
    await going;
    await page.getByRole("button", { name: "Approve …" }).click();
    const dialog = page.getByRole("dialog", { name: "Approve this plan" });
    const shown = (await project.okstra(["task", "show", TASK])).json.plan;
    expect(await dialog.innerText()).toContain(shown.planSha256.slice(0, 12));
    await dialog.getByRole("checkbox").check();
    await dialog.getByRole("button", { name: /^Approve/u }).click();
    await page.getByText(`The plan of run ${shown.run} is approved.`).waitFor();
    const after = (await project.okstra(["task", "show", TASK])).json.plan;
    expect(after).toMatchObject({ state: "approved", planSha256: shown.planSha256 });
    await go();
    await page.getByText("final-verification 1").first().waitFor();
  });

  test("a finding stands in the code of its commit, with its votes and what was executed", async () => {
    await goTo(`${HASH}/findings`);
    await page.getByRole("option", { name: /sum subtracts its second argument/u }).click();
    await page.getByRole("heading", { name: /sum subtracts its second argument/u }).waitFor();
    const detail = page.locator("main");
    await expect.poll(() => detail.innerText()).toContain("anna");
    await page.getByRole("link", { name: /code/iu }).last().click();
    await page.locator(".code-line", { hasText: "return a - b;" }).waitFor();
    await expect.poll(() => page.locator("main").innerText()).toContain("sum subtracts its second argument");
  });

  test("diff, report, transcripts, times, costs and the schedule are there", async () => {
    expect((await project.okstra(["task", "new", "bugs/next", "--category", "feature"])).status).toBe(0);
    for (const [hash, text] of [
      [`${HASH}/diff`, "return a + b;"],
      [`${HASH}/report`, "final-verification"],
      [`${HASH}/transcripts`, "anna"],
      [`${HASH}/time`, "waiting for a person"],
      [`${HASH}/cost`, "lanes"],
      ["#/schedule", "next"],
      ["#/time", "sum"],
      ["#/cost", "lanes"],
    ] as const) {
      await goTo(hash);
      await expect.poll(() => page.locator("main").innerText(), { timeout: 20_000, message: hash }).toContain(text);
    }
  });

  test("search finds the task and its finding", async () => {
    await goTo("#/");
    await page.getByRole("heading", { name: "Board" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("second argument");
    await page.keyboard.press("Enter");
    await page
      .getByRole("link", { name: /sum subtracts its second argument/u })
      .first()
      .waitFor();
    expect(page.url()).toContain("#/search?q=second");
  });

  test("handing off is a command to copy: there is no button for it, and no address", async () => {
    await goTo("#/");
    const waiting = page.getByRole("region", { name: /^Waits for you/u });
    await waiting.getByText("okstra handoff bugs/sum").waitFor();
    expect(await waiting.getByRole("button").allInnerTexts()).toEqual(["Copy"]);
    const status = await page.evaluate<number>(
      `fetch("/api/tasks/plays/bugs/sum/handoff", { method: "POST", headers: { "content-type": "application/json", "x-okstra": "1" }, body: "{}" }).then((each) => each.status)`,
    );
    expect(status).toBe(404);
  });

  test("a connection that was lost is made again, and what happened meanwhile is shown", async () => {
    await goTo("#/");
    await page.context().setOffline(true);
    const made = await project.okstra(["task", "new", "bugs/other", "--category", "bugfix"]);
    expect(made.status).toBe(0);
    await page.context().setOffline(false);
    await page.getByRole("link", { name: "other plays/bugs due" }).waitFor();
  });

  test("nothing complained: neither the page nor the server", () => {
    expect(complaints.filter((each) => !each.includes("ERR_INTERNET_DISCONNECTED"))).toEqual([]);
    expect(problems).toEqual([]);
  });
});

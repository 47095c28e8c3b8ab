import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { NO_BROWSER } from "./browser.ts";
import { HELD, HOSTILE, PLANNED, RUNNING } from "./fixture-tasks.ts";
import { createPageFixture, focusedText, measureOverflow, PHONE, waitUntil, type PageFixture } from "./page-fixture.ts";

describe.skipIf(NO_BROWSER !== "")(`the board in a browser${NO_BROWSER}`, () => {
  let pages: PageFixture;
  beforeAll(async () => {
    pages = await createPageFixture();
  });
  afterEach(() => pages.closeOpened());
  afterAll(() => pages.close());

  test("the first page has less than 100 KiB gzipped", () => {
    expect(pages.firstPageBytes).toBeLessThan(100 * 1024);
    expect(pages.firstPageBytes).toBeGreaterThan(5 * 1024);
  });

  test("what waits stands on top with why, since, the way to its action and the command; the rest by phase", async () => {
    const { page } = await pages.open("#/");
    const waiting = page.locator(".waiting-task");
    await waiting.first().waitFor();
    expect(await waiting.count()).toBe(6);
    const plan = waiting.filter({ hasText: "guest-checkout" });
    const text = await plan.innerText();
    expect(text).toContain("the plan of run 2 waits for an approval");
    expect(text).toContain("3 hr. ago");
    expect(text).toContain("okstra approve checkout/guest-checkout");
    expect(await plan.locator("time").getAttribute("title")).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/u);
    // The longest wait first.
    expect(await waiting.first().locator(".waiting-name").innerText()).toBe("vat-rates");
    const handoff = waiting.filter({ hasText: "typo-tolerance" });
    expect(await handoff.locator("a.button").count()).toBe(0);
    expect(await handoff.innerText()).toContain("okstra handoff search/typo-tolerance");

    const names = await page.locator(".column").evaluateAll((columns) => columns.map((each) => each.getAttribute("aria-label")));
    expect(names.slice(0, 3)).toEqual(["requirements-discovery", "error-analysis", "implementation-planning"]);
    expect(await page.title()).toBe("(6) Board · okstra");
    await plan.getByRole("link", { name: /Review the plan/u }).click();
    await page.locator("h1", { hasText: "guest-checkout" }).waitFor();
    await waitUntil(page, "document.activeElement?.id === 'plan'");
  });

  test("foreign text is shown as text, and nothing from elsewhere is asked for", async () => {
    const { page, complaints } = await pages.open(`#/t/${RUNNING.project}/${RUNNING.group}/${RUNNING.task}`);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).host));
    await page.locator(".markdown").waitFor();
    expect(await page.locator(".timeline").innerText()).toContain(HOSTILE);
    expect(await page.locator(".timeline").innerText()).toContain("\\u202E");
    expect(await page.locator(".markdown").innerText()).toContain(HOSTILE);
    expect(await page.locator("img, script:not([src]), iframe, [onerror], [style*=expression]").count()).toBe(0);
    expect(await page.locator(".markdown a[href]").evaluateAll((links) => links.map((each) => each.getAttribute("href")))).toEqual([
      "https://example.org/rounding",
    ]);
    expect(await page.locator(".markdown a[href]").getAttribute("rel")).toContain("noopener");
    expect(await page.title()).not.toContain("owned");
    expect(asked.filter((host) => !host.startsWith("127.0.0.1"))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("filters stand in the address, hold after a reload and can be cleared", async () => {
    const { page, server } = await pages.open("#/?project=billing");
    await page.locator(".page-head").getByText("19 of 40 tasks").waitFor();
    await page.getByLabel("state").selectOption("due");
    await page.locator(".page-head").getByText("5 of 40 tasks").waitFor();
    expect(new URL(page.url()).hash).toBe("#/?project=billing&state=due");
    await page.reload();
    await page.locator(".page-head").getByText("5 of 40 tasks").waitFor();
    expect(await page.getByLabel("state").inputValue()).toBe("due");
    await page.getByLabel("group").selectOption("reports");
    await page.locator(".page-head").getByText("1 of 40 tasks").waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.locator(".page-head").getByText("40 tasks", { exact: true }).waitFor();
    await page.evaluate("location.hash = '#/?project=nobody'");
    await page.getByText("No task is like that.").waitFor();
    // None of it asked the server again.
    expect(server.asked.filter((path) => path.startsWith("/api/board")).length).toBeLessThanOrEqual(4);
  });

  test("keyboard only: skip link, j and k, arrows between cards, Enter, Esc, g s, ? and what has the focus after", async () => {
    const { page } = await pages.open("#/");
    await page.locator(".card").first().waitFor();
    await page.keyboard.press("Tab");
    expect(await focusedText(page)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("main");

    await page.keyboard.press("j");
    expect(await focusedText(page)).toBe("vat-rates");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    expect(await focusedText(page)).toBe("csv-encoding");

    // One card is reached by Tab; the others from it.
    expect(await page.locator("[data-card][tabindex='0']").count()).toBe(1);
    await page.locator("[data-card][tabindex='0']").focus();
    const first = await focusedText(page);
    await page.keyboard.press("ArrowDown");
    const second = await focusedText(page);
    expect(second).not.toBe(first);
    await page.keyboard.press("ArrowRight");
    const beside = await page.evaluate<string>("document.activeElement.closest('[data-column]').getAttribute('aria-label')");
    expect(beside).toBe("error-analysis");
    await page.keyboard.press("Home");
    expect(await focusedText(page)).toBe("highlighting");
    expect(await page.locator("[data-card][tabindex='0']").innerText()).toContain("highlighting");

    await page.keyboard.press("Enter");
    await waitUntil(page, "document.activeElement?.tagName === 'H1' && document.activeElement.innerText === 'highlighting'");
    await page.keyboard.press("Escape");
    await waitUntil(page, "document.activeElement?.tagName === 'H1' && document.activeElement.innerText === 'Board'");

    for (const [key, heading] of [
      ["s", "Schedule"],
      ["t", "Time"],
      ["c", "Cost"],
      ["b", "Board"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await waitUntil(page, `document.activeElement?.tagName === 'H1' && document.activeElement.innerText === '${heading}'`);
    }
    await page.locator("[data-card][tabindex='0']").focus();
    const before = await focusedText(page);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    expect(await focusedText(page)).toBe(before);

    await page.keyboard.press("/");
    await page.keyboard.type("g s?j");
    expect(await page.locator("input[type=search]").inputValue()).toBe("g s?j");
    expect(new URL(page.url()).hash).toBe("#/");
  });

  test("the focus follows a card that moves to another column", async () => {
    const { page, server } = await pages.open("#/");
    const card = page.locator(`[data-card='${HELD.project}/${HELD.group}/${HELD.task}']`);
    await card.focus();
    server.change(HELD, { phase: "implementation", state: "due", why: "again" });
    await page.locator(`[aria-label=implementation] [data-card='${HELD.project}/${HELD.group}/${HELD.task}']`).waitFor();
    await waitUntil(page, `document.activeElement?.dataset.card === '${HELD.project}/${HELD.group}/${HELD.task}'`);
    expect(await page.locator("[data-card][tabindex='0']").getAttribute("data-card")).toBe(`${HELD.project}/${HELD.group}/${HELD.task}`);
  });

  test("a phone of 360 pixels: nothing is scrolled sideways, and what is touched is 40 pixels high", async () => {
    const { page } = await pages.open("#/", { viewport: PHONE, hasTouch: true, isMobile: true });
    for (const hash of [
      "#/",
      "#/t/webshop/checkout/refund-rounding",
      "#/t/webshop/checkout/guest-checkout",
      "#/t/billing/invoices/vat-rates",
    ]) {
      await page.evaluate(`location.hash = '${hash}'`);
      await page
        .locator(hash === "#/" ? ".card" : ".timeline")
        .first()
        .waitFor();
      expect({ hash, overflow: await measureOverflow(page) }).toEqual({ hash, overflow: 0 });
      const small = await page
        .locator("button, select, input:not([type=checkbox]), summary, nav a, .card, .waiting-name, .table a")
        .evaluateAll((all) =>
          all
            .map((each) => ({ text: each.textContent, ...each.getBoundingClientRect().toJSON() }))
            .filter(({ height }) => height > 0 && height < 39.5),
        );
      expect({ hash, small }).toEqual({ hash, small: [] });
    }
    await page.evaluate("location.hash = '#/search?q=refund'");
    await page.locator(".hit").first().waitFor();
    expect(await measureOverflow(page)).toBe(0);
    await page.evaluate(`location.hash = '#/t/${PLANNED.project}/${PLANNED.group}/${PLANNED.task}'`);
    await page.getByRole("button", { name: "Approve …" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await measureOverflow(page)).toBe(0);
  });

  test("the board follows the stream: fifty changes at once are asked for a few times only, and what waits anew is said", async () => {
    const { page, server } = await pages.open("#/");
    await page.getByText("live", { exact: true }).waitFor();
    await page.locator(".card").first().waitFor();
    const asked = (): number => server.asked.filter((path) => path.startsWith("/api/board")).length;
    const before = asked();
    for (let at = 0; at < 50; at += 1) server.change(RUNNING, { why: `turn ${at}` });
    server.change(RUNNING, { state: "waiting", why: "Q9 waits for an answer", command: "okstra answer checkout/refund-rounding Q9" });
    await page.locator(".waiting-task", { hasText: "Q9 waits for an answer" }).waitFor();
    expect(asked() - before).toBeLessThanOrEqual(3);
    await page
      .locator("[data-announcements]", { hasText: "checkout/refund-rounding waits for you: Q9 waits for an answer" })
      .waitFor({ state: "attached" });
    expect(await page.title()).toBe("(7) Board · okstra");
  });

  test("a lost stream is said and gone on with from its last message", async () => {
    const { page, server } = await pages.open("#/");
    await page.getByText("live", { exact: true }).waitFor();
    server.change(HELD, { why: "before it was lost" });
    await page.getByText("before it was lost").first().waitFor();
    server.cutStreams();
    await page.getByText("reconnecting …").waitFor();
    server.resumeStreams();
    await page.getByText("live", { exact: true }).waitFor();
    expect(server.streams[0]).toBeNull();
    expect(server.streams.at(-1)).toBe("1");
    server.change(HELD, {
      state: "running",
      why: "on again",
      lanes: [{ lane: "l", worker: "w", role: "review", since: new Date().toISOString() }],
    });
    await page.locator(".card", { hasText: "double-entry" }).getByText("running").waitFor();
  });

  test("a stream that is refused is asked for again, from the same message on", async () => {
    const { page, server } = await pages.open("#/");
    await page.getByText("live", { exact: true }).waitFor();
    server.change(HELD, { why: "before it was refused" });
    await page.getByText("before it was refused").first().waitFor();
    server.cutStreams(503);
    await page.getByText("reconnecting …").waitFor();
    // The browser itself gave up; the page did not.
    await expect.poll(() => server.asked.filter((path) => path === "/api/stream?after=1").length, { timeout: 20_000 }).toBeGreaterThan(0);
    server.resumeStreams();
    await page.getByText("live", { exact: true }).waitFor();
    expect(server.streams.at(-1)).toBe("1");
  });

  test("a server that is gone is said, what was shown stays, and it is asked again", async () => {
    const { page, server } = await pages.open("#/");
    await page.getByText("live", { exact: true }).waitFor();
    await page.locator(".card").first().waitFor();
    await page.route("**/api/board", (route) => route.abort());
    server.change(HELD, { why: "nobody will see it" });
    await page.getByText("okstra's dashboard does not answer.").waitFor();
    expect(await page.locator(".card").count()).toBeGreaterThan(20);

    // Without a stream nothing but the button asks again.
    await page.route("**/api/stream*", (route) => route.abort());
    await page.reload();
    await page.getByText("okstra's dashboard does not answer.").waitFor();
    await page.unroute("**/api/board");
    await page.getByRole("button", { name: "Ask again" }).click();
    await page.locator(".card").first().waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("the theme goes round and is kept; a browser that keeps nothing still shows the page", async () => {
    const { page } = await pages.open("#/");
    const theme = page.getByRole("button", { name: /^Theme/u });
    const ground = (): Promise<string> => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await theme.click();
    await theme.click();
    expect(await theme.innerText()).toContain("dark");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.locator(".card").first().waitFor();
    expect(await ground()).toBe(dark);

    const { page: poor } = await pages.open("#/", {
      setUp: "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });",
    });
    await poor.locator(".card").first().waitFor();
    await poor.getByRole("button", { name: /^Theme/u }).click();
    expect(await poor.evaluate("document.documentElement.dataset.theme")).toBe("light");
  });

  test("search: / from anywhere, Enter, hits as they are typed, and the way to a finding", async () => {
    const { page, server } = await pages.open("#/schedule");
    await page.keyboard.press("/");
    await page.keyboard.type("rounded");
    await page.keyboard.press("Enter");
    await page.locator(".hit").first().waitFor();
    expect(await page.locator("h1").innerText()).toBe("Search");
    await page.keyboard.press("/");
    await page.keyboard.type("refund late");
    await page.getByText("2 hits for", { exact: false }).first().waitFor();
    expect(new URL(page.url()).hash).toBe("#/search?q=refund+late");
    expect(await page.locator(".hit-title").first().getAttribute("href")).toBe("#/t/webshop/checkout/refund-rounding/findings?finding=F1");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("nothing has this");
    await page.getByText("Nothing has all of these words.").waitFor();
    expect(server.asked.filter((path) => path.startsWith("/api/search")).length).toBeLessThan(12);
  });
});

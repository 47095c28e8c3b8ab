import axe, { type AxeResults } from "axe-core";
import type { Code, FindingOfTask, Findings, ReportText, Transcript } from "@okstra/core/dashboard/api";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPage, collectComplaints, NO_BROWSER, openBrowser } from "./browser.ts";
import { startFixtureServer, type FixtureServer } from "./fixture-server.ts";
import { COMMIT, HOSTILE } from "./fixture-tasks.ts";
import { makeFindings } from "./many-findings.ts";

const TASK = "#/t/webshop/checkout/refund-rounding";
const VIEWS = {
  findings: `${TASK}/findings?finding=F2`,
  code: `${TASK}/code?commit=${COMMIT}&path=src/refund/total.ts&lines=42-43&finding=F2`,
  files: `${TASK}/code`,
  diff: `${TASK}/diff`,
  report: `${TASK}/report?type=implementation&run=1`,
  transcript: `${TASK}/transcripts?type=implementation&run=1`,
  schedule: "#/schedule",
  time: "#/time",
  cost: "#/cost",
  "time of a task": `${TASK}/time`,
  "cost of a task": `${TASK}/cost`,
};
/** What is there when a view has its answer. */
const READY: Readonly<Record<keyof typeof VIEWS, string>> = {
  findings: ".finding-title",
  code: ".code-line",
  files: ".table tbody tr",
  diff: ".diff-row",
  report: ".report-text h2",
  transcript: ".said-line",
  schedule: ".gantt-task",
  time: ".uplot canvas",
  cost: ".uplot canvas",
  "time of a task": ".uplot canvas",
  "cost of a task": ".uplot canvas",
};
const views = Object.keys(VIEWS) as (keyof typeof VIEWS)[];

describe.skipIf(NO_BROWSER !== "")(`views of the dashboard${NO_BROWSER}`, { timeout: 120_000 }, () => {
  let built: Awaited<ReturnType<typeof buildPage>>;
  let server: FixtureServer;
  let browser: Browser;

  beforeAll(async () => {
    built = await buildPage();
    server = await startFixtureServer({ webDir: built.webDir });
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    built?.remove();
  });

  /** A page of its own, with what it complained about at the end. */
  async function withPage(
    { answers = {}, ...options }: BrowserContextOptions & { answers?: Readonly<Record<string, unknown>> },
    act: (page: Page, go: (hash: string) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints = collectComplaints(page);
    for (const [path, body] of Object.entries(answers))
      await page.route(path, (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify(body) }));
    try {
      await act(page, async (hash) => {
        await page.goto("about:blank");
        await page.goto(server.url + hash);
      });
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
    }
  }

  async function goToView(page: Page, go: (hash: string) => Promise<void>, view: keyof typeof VIEWS): Promise<void> {
    await go(VIEWS[view]);
    await page.locator(READY[view]).first().waitFor();
  }

  test("of 5,000 findings few are in the page, and keys reach every one", async () => {
    await withPage({ answers: { "**/findings": makeFindings(5000) } }, async (page, go) => {
      await go(`${TASK}/findings`);
      const list = page.getByRole("listbox");
      await list.waitFor();
      const active = list.locator("[aria-selected=true]");
      const placeOf = async (): Promise<number> => Number(await active.getAttribute("aria-posinset"));
      await list.focus();
      expect(await active.getAttribute("aria-setsize")).toBe("5000");
      expect(await placeOf()).toBe(1);
      const reached = new Set<number>();
      let most = 0;
      for (let place = 1; ; place = await placeOf()) {
        const shown = await list
          .locator("[role=option]")
          .evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("aria-posinset"))));
        most = Math.max(most, shown.length);
        for (const each of shown) reached.add(each);
        if (place === 5000) break;
        await page.keyboard.press("PageDown");
        await expect.poll(placeOf).toBeGreaterThan(place);
        const before = (await placeOf()) - 1;
        await list.locator(`[aria-posinset="${before}"]`).waitFor();
      }
      expect(reached.size).toBe(5000);
      expect(most).toBeLessThan(60);
      expect(await page.locator("*").count()).toBeLessThan(1500);

      await page.keyboard.press("ArrowDown");
      expect(await placeOf()).toBe(5000);
      await page.keyboard.press("ArrowUp");
      await expect.poll(placeOf).toBe(4999);
      expect(await list.getAttribute("aria-activedescendant")).toBe(await active.getAttribute("id"));
      await page.keyboard.press("Home");
      await expect.poll(placeOf).toBe(1);
      await page.keyboard.press("End");
      await expect.poll(placeOf).toBe(5000);
      await expect.poll(() => isInSight(active)).toBe(true);

      await page.keyboard.press("Enter");
      await expect.poll(() => page.evaluate("document.activeElement.className")).toBe("finding-title");
      expect(await page.locator(".finding-title").textContent()).toContain("F5000");
      await page.keyboard.press("Escape");
      await expect.poll(() => page.evaluate("document.activeElement.getAttribute('role')")).toBe("listbox");
      expect(page.url()).toContain("/findings");
    });
  });

  test("findings are filtered and ordered, and the address keeps it", async () => {
    await withPage({ answers: { "**/findings": makeFindings(5000) } }, async (page, go) => {
      await go(`${TASK}/findings`);
      await page.getByRole("combobox", { name: "Severity", exact: true }).selectOption("P0");
      const size = () => page.locator("[role=option]").first().getAttribute("aria-setsize");
      await expect.poll(size).toBe("1250");
      await page.getByRole("textbox", { name: "File has", exact: true }).fill("file-7.ts");
      await expect.poll(size).toBe("6");
      await page.getByRole("textbox", { name: "Text has", exact: true }).fill("NUMBER 430:");
      await expect.poll(size).toBe("1");
      await page.getByRole("textbox", { name: "Text has", exact: true }).fill("nobody said this");
      await page.getByText("No finding passes the filters.").waitFor();
      await page.getByRole("button", { name: "Clear" }).click();
      await page.getByRole("combobox", { name: "Order", exact: true }).selectOption("file");
      await expect.poll(size).toBe("5000");
      await expect.poll(() => page.locator("[role=option]").first().textContent()).toContain("src/a-folder");
      await page.getByRole("combobox", { name: "State", exact: true }).selectOption("regressed");
      await expect.poll(() => page.url()).toContain("state=regressed");
      await page.reload();
      await expect.poll(size).toBe("833");
    });
  });

  test("a finding tells all that is known of it, and leads into the code", async () => {
    await withPage({}, async (page, go) => {
      await goToView(page, go, "findings");
      const detail = page.getByRole("region", { name: "Finding F2" });
      const text = (await detail.textContent()) ?? "";
      for (const part of [
        "persistent",
        "blocks the gate",
        "confirmed",
        "gemini",
        "by reproduction",
        "failed 2 of 2 times",
        "Round once, where it is booked.",
      ])
        expect(text).toContain(part);
      expect(await detail.getByRole("link", { name: /final-verification 1/u }).count()).toBe(2);
      await detail.getByRole("link", { name: "Show in code" }).click();
      const marked = page.locator(".code-line.in-span");
      await expect.poll(() => marked.count()).toBe(2);
      expect(await marked.first().textContent()).toContain("Math.round(amount * 100)");
      expect(await isInSight(marked.first())).toBe(true);
      const note = page.locator(".inline-note.main");
      expect(await note.textContent()).toContain("rounded twice");
      const [line, below] = [await marked.nth(1).boundingBox(), await note.boundingBox()];
      expect(below?.y).toBeGreaterThan(line?.y ?? Number.POSITIVE_INFINITY);
      await note.getByRole("link", { name: "F2" }).click();
      await page.getByRole("region", { name: "Finding F2" }).waitFor();
    });
  });

  test("code of 50,000 lines: few are in the page, a line is gone to, a long one is cut", async () => {
    const lines = Array.from({ length: 50_000 }, (_, at) => (at === 9 ? "x".repeat(1_000_000) : `line ${at + 1} ${HOSTILE}`));
    const code: Code = { commit: COMMIT, path: "a.ts", kind: "text", text: `${lines.join("\n")}\n`, bytes: 9 };
    await withPage({ answers: { "**/code?*": code } }, async (page, go) => {
      await go(`${TASK}/code?commit=${COMMIT}&path=a.ts`);
      await page.locator(".code-line").first().waitFor();
      expect(await page.getByRole("table").getAttribute("aria-rowcount")).toBe("50000");
      await page.getByRole("button", { name: /more letters/u }).waitFor();
      await page.getByRole("textbox", { name: "Line", exact: true }).fill("49999");
      await page.getByRole("button", { name: "Go" }).click();
      const wanted = page.locator(".code-line", { hasText: "line 49999 " });
      await wanted.waitFor();
      await expect.poll(() => isInSight(wanted)).toBe(true);
      expect(await page.locator(".code-line").count()).toBeLessThan(120);
      expect(await page.locator(".code-line").last().textContent()).toContain("50000");
    });
  });

  test.each(["absent", "binary", "too-large", "link", "submodule"] as const)("code that is %s says so", async (kind) => {
    const code: Code = { commit: COMMIT, path: "a", kind, text: null, bytes: null };
    await withPage({ answers: { "**/code?*": code } }, async (page, go) => {
      await go(`${TASK}/code?commit=${COMMIT}&path=a`);
      await page.locator(".empty-title").waitFor();
      expect(await page.locator(".empty-title").textContent()).toMatch(/^(?:The file|It) is /u);
    });
  });

  test("a diff has every line as git has it, with findings at their lines", async () => {
    const odd = [
      'diff --git "a/\\303\\244.txt" "b/\\303\\244.txt"',
      "index 1111111..2222222 100644",
      '--- "a/\\303\\244.txt"',
      '+++ "b/\\303\\244.txt"',
      "@@ -1,5 +1,6 @@",
      "--- not a head",
      "+++ not a head",
      " \\ No newline at end of file within a line",
      "-old\ralert('hidden after a return')",
      "+new\ralert('hidden after a return')",
      "+added",
      " ",
      " windows\r",
      "\\ No newline at end of file",
    ].join("\n");
    const renamed = "diff --git a/b.txt b/c.txt\nsimilarity index 100%\nrename from b.txt\nrename to c.txt";
    const binary = "diff --git a/p.png b/p.png\nindex 1111111..2222222 100644\nBinary files a/p.png and b/p.png differ";
    const names = ["ä.txt", "c.txt", "p.png"];
    const diff = {
      base: COMMIT,
      head: COMMIT,
      isCut: false,
      text: `${[odd, renamed, binary].join("\n")}\n`,
      files: names.map((path) => ({ path, added: 3, removed: 2 })),
    };
    const [first] = makeFindings(1).findings;
    const findings: Findings = { findings: [at(first, "ä.txt", 3), { ...at(first, "ä.txt", 800), id: "F2" }], unheard: [] };
    await withPage({ answers: { "**/diff": diff, "**/findings": findings } }, async (page, go) => {
      await goToView(page, go, "diff");
      expect(await page.locator(".diff-file-button code").allTextContents()).toEqual(names);
      const rows = () => page.locator(".diff-row:not(.hunk)").allTextContents();
      expect(await rows()).toEqual([
        "1removed: --- not a head",
        "1added: +++ not a head",
        "22 \\ No newline at end of file within a line",
        "3removed: -old␍alert('hidden after a return')",
        "3added: +new␍alert('hidden after a return')",
        "4added: +added",
        "45 ",
        "56 windows",
      ]);
      const note = page.locator(".inline-note");
      await note.waitFor();
      const above = await note.evaluate((element) => Number(element.closest("[role=row]")?.getAttribute("aria-rowindex")));
      expect(above).toBe(7);
      expect(await page.getByRole("link", { name: "F2, line 800" }).count()).toBe(1);
      await page.getByText("No line is another").waitFor();
      await page.getByText("The file is no text.").waitFor();

      await page.getByRole("button", { name: "Side by side" }).click();
      await expect.poll(() => page.locator(".diff-row.pair").count()).toBe(6);
      expect(await page.locator(".diff-row.pair").nth(2).textContent()).toContain("old");
      expect(await page.locator(".diff-row.pair").nth(2).textContent()).toContain("new");
      await page.getByRole("button", { name: "ä.txt", expanded: true }).click();
      expect(await page.locator(".diff-row").count()).toBe(0);
    });
  });

  test("a diff of 4 MiB is drawn only where it is looked at", async () => {
    const head = (name: string, count: number) =>
      `diff --git a/${name} b/${name}\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n+++ b/${name}\n@@ -0,0 +1,${count} @@\n`;
    const lines = (count: number) =>
      Array.from({ length: count }, (_, at) => `+const value${at} = compute(amount, ${at}); // it has some text\n`).join("");
    const names = Array.from({ length: 300 }, (_, at) => `src/file-${at}.ts`);
    const text = `${head("src/large.ts", 45_000)}${lines(45_000)}${names.map((name) => head(name, 70) + lines(70)).join("")}`;
    expect(text.length).toBeGreaterThan(4_000_000);
    const diff = {
      base: COMMIT,
      head: COMMIT,
      isCut: true,
      text,
      files: ["src/large.ts", ...names, "src/cut.ts"].map((path) => ({ path, added: 70, removed: 0 })),
    };
    await withPage({ answers: { "**/diff": diff } }, async (page, go) => {
      await goToView(page, go, "diff");
      await page.getByText("The diff is longer than 4 MiB").waitFor();
      expect(await page.locator("section.diff-file").count()).toBe(301);
      expect(await page.locator(".diff-row").count()).toBeLessThan(1500);
      await page.getByRole("button", { name: /src\/large\.ts/u, expanded: false }).click();
      const frame = page.getByRole("region", { name: "Changes of src/large.ts" });
      await frame.evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await frame.getByText("value44999 ").waitFor();
      expect(await frame.locator(".diff-row").count()).toBeLessThan(120);
      await page.locator("#diff-300").scrollIntoViewIfNeeded();
      await page.getByRole("region", { name: "Changes of src/file-299.ts" }).waitFor();
    });
  });

  test("a report has headings that addresses name, and no way out", async () => {
    const markdown = [
      "# One",
      "",
      "## Two",
      "",
      `[trap](javascript:alert(1)) <b onclick=alert(1)>${HOSTILE}</b>`,
      "",
      "<script>document.title='owned'</script>",
      "",
      "<style>*{display:none}</style>",
      "",
      '<a href="https://example.org" style="color:red">x</a>',
      "",
      "## Two",
      "",
      "| a | b |",
      "|---|---|",
      "| 1 | 2 |",
      "",
      ...Array.from({ length: 80 }, () => "text\n"),
      "## Last",
    ].join("\n");
    const report: ReportText = {
      type: "implementation",
      run: 1,
      lang: "ko",
      verdict: "implemented",
      valid: false,
      generatedAt: "2026-01-01T00:00:00.000Z",
      markdown,
    };
    await withPage({ answers: { "**/report": report } }, async (page, go) => {
      await go(`${VIEWS.report}&section=last`);
      await expect.poll(() => page.evaluate("document.activeElement.textContent")).toBe("Last");
      await expect.poll(() => page.evaluate("scrollY")).toBeGreaterThan(200);
      const text = page.locator(".report-text");
      expect(await text.locator("h2, h3").evaluateAll((all) => all.map(({ id }) => id))).toEqual([
        "report-one",
        "report-two",
        "report-two-2",
        "report-last",
      ]);
      expect(await text.locator("script, style, img, [style], [onclick], a[href]").count()).toBe(0);
      expect(await text.textContent()).toContain(HOSTILE);
      expect(await text.getAttribute("lang")).toBe("ko");
      expect(await text.locator("td").first().getAttribute("data-label")).toBe("a");
      await page.getByText("not valid").waitFor();
      await page.locator(".report-contents").getByRole("link", { name: "Two" }).nth(1).click();
      await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("report-two-2");
    });
  });

  test("a transcript comes page by page, is filtered, and goes on by itself while the run does", async () => {
    const lines: Transcript["lines"][number][] = Array.from({ length: 740 }, (_, at) => ({
      lane: "claude",
      worker: "claude",
      at: null,
      kind: at % 2 === 0 ? "message" : "thought",
      text: `said ${at} ${HOSTILE}`,
    }));
    let isEnd = false;
    await withPage({}, async (page, go) => {
      await page.route("**/transcript?*", (route) => {
        const query = new URL(route.request().url()).searchParams;
        const after = Number(query.get("after"));
        const own = query.get("worker") === "codex" ? [] : lines.slice(after, after + 500);
        const answer: Transcript = { lines: own, next: after + own.length, isEnd: isEnd && own.length < 500 };
        return route.fulfill({ contentType: "application/json", body: JSON.stringify(answer) });
      });
      await go(`${TASK}/transcripts?type=final-verification&run=1`);
      await page.getByText("740 lines, it goes on").waitFor();
      await page.getByText("said 739 ").waitFor();
      expect(await page.locator(".said-line").count()).toBeLessThan(80);
      lines.push({ lane: "claude", worker: "claude", at: null, kind: "message", text: "said just now" });
      await page.getByText("said just now").waitFor();
      await page.getByRole("combobox", { name: "Kind", exact: true }).selectOption("thought");
      await page.getByText("370 of 741 lines").waitFor();
      isEnd = true;
      await page.getByText("370 of 741 lines, all of it").waitFor();
      await page.getByRole("combobox", { name: "Worker", exact: true }).selectOption("codex");
      await page.getByText("Nothing was said.").waitFor();
      expect(page.url()).toContain("worker=codex");
    });
  });

  test("the schedule has its chart as a table too, and asks for another capacity", async () => {
    await withPage({}, async (page, go) => {
      await goToView(page, go, "schedule");
      const bars = await page.locator(".gantt-task").count();
      expect(bars).toBeGreaterThan(5);
      const table = page.getByRole("region", { name: "The schedule as a table" });
      expect(await table.locator("tbody tr").count()).toBe(bars);
      expect(await table.locator("th").allTextContents()).toEqual(
        expect.arrayContaining(["Half (P50)", "Nine of ten (P90)", "Critical", "After"]),
      );
      await page.getByText("Guesses:").waitFor();
      expect(await page.locator(".gantt-arrow").count()).toBeGreaterThan(0);
      await page.getByLabel("Lanes at once").fill("2");
      await page.keyboard.press("Enter");
      await expect.poll(() => page.url()).toContain("capacity=2");
      await expect.poll(() => server.asked.some((path) => path.startsWith("/api/schedule") && path.includes("capacity=2"))).toBe(true);
    });
  });

  test("times and costs have a chart, a table and words for each; waiting for a person is apart from work", async () => {
    await withPage({}, async (page, go) => {
      await goToView(page, go, "time");
      const summary = page.getByRole("region", { name: "In short" });
      expect(await summary.textContent()).toMatch(/of work.*apart from that.*of waiting for a person/u);
      const sections = page.locator(".chart-section");
      expect(await sections.locator("h2").allTextContents()).toEqual(["By phase", "By worker", "By task"]);
      for (const section of await sections.all()) {
        expect(await section.locator("canvas").count()).toBe(1);
        expect(await section.locator("tbody tr").count()).toBeGreaterThan(1);
        expect(await section.getByRole("img").getAttribute("aria-label")).not.toBe("");
      }
      await page.getByRole("combobox", { name: "Phase", exact: true }).selectOption("implementation");
      await expect
        .poll(() => server.asked.some((path) => path.startsWith("/api/time") && path.includes("phase=implementation")))
        .toBe(true);
      await goToView(page, go, "cost");
      await page.getByRole("combobox", { name: "Bars show", exact: true }).selectOption("tokens");
      expect(await page.locator(".chart-section canvas").count()).toBeGreaterThan(3);
      expect(await page.locator(".chart-section").first().textContent()).toContain("2,000,000");
    });
  });

  test("hostile texts stay texts in every view", async () => {
    const path = `src/${HOSTILE}/<script>document.title='owned'<\u002fscript>.ts`;
    const [first] = makeFindings(1, "<script>document.title='owned'</script>").findings;
    const hostile = at(first, path, 2);
    const code: Code = { commit: COMMIT, path, kind: "text", text: `${HOSTILE}\n<script>document.title='owned'</script>\n`, bytes: 1 };
    const diff = {
      base: COMMIT,
      head: COMMIT,
      isCut: false,
      files: [{ path, added: 1, removed: 0 }],
      text: `diff --git a/x b/x\nindex 1111111..2222222 100644\n--- a/${path}\n+++ b/${path}\n@@ -1 +1,2 @@ ${HOSTILE}\n ${HOSTILE}\n+<script>document.title='owned'</script>\n`,
    };
    await withPage(
      { answers: { "**/findings": { findings: [hostile], unheard: [HOSTILE] }, "**/code?*": code, "**/diff": diff } },
      async (page, go) => {
        for (const view of views) {
          await goToView(page, go, view);
          expect(await page.locator("main img, main script, main style, main [onerror]").count(), view).toBe(0);
          expect(await page.title(), view).toContain("okstra");
        }
        await goToView(page, go, "findings");
        const detail = (await page.getByRole("region", { name: "Finding F1" }).textContent()) ?? "";
        expect(detail).toContain("<script>document.title='owned'</script>");
        expect(detail).toContain(HOSTILE);
        await page.getByRole("link", { name: "Show in code" }).click();
        await page.locator(".code-line", { hasText: "<script>" }).waitFor();
        expect(await page.locator(".code-head h2").textContent()).toContain(path);
        await goToView(page, go, "diff");
        expect(await page.locator(".diff-file-button code").textContent()).toBe(path);
        expect(await page.locator(".inline-note").textContent()).toContain("<script>");
      },
    );
  });

  test.each([
    { width: 1280, colorScheme: "light" },
    { width: 1280, colorScheme: "dark" },
    { width: 360, colorScheme: "light" },
    { width: 360, colorScheme: "dark" },
  ] as const)(
    "every view at $width pixels, $colorScheme: no serious barrier, and the page does not scroll sideways",
    async ({ width, colorScheme }) => {
      await withPage({ viewport: { width, height: 800 }, colorScheme, reducedMotion: "reduce" }, async (page, go) => {
        for (const view of views) {
          await goToView(page, go, view);
          const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
          expect(wide, `${view} is so many pixels too wide`).toBe(0);
          await page.evaluate(axe.source);
          const { violations } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
          const barriers = violations
            .filter(({ impact }) => impact === "serious" || impact === "critical")
            .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
          expect(barriers, view).toEqual([]);
        }
      });
    },
  );
});

/** Whether it is in sight within the frame that scrolls it. */
async function isInSight(row: Locator): Promise<boolean> {
  const box = await row.boundingBox();
  const frame = await row.locator("xpath=ancestor::*[@tabindex][1]").boundingBox();
  return box !== null && frame !== null && box.y >= frame.y - 1 && box.y + box.height <= frame.y + frame.height + 1;
}

/** The finding at another place. */
function at(finding: FindingOfTask | undefined, file: string, line: number): FindingOfTask {
  if (finding === undefined || finding.row === null) throw new Error("the fixture has a finding with a row");
  const place = { file, startLine: line, endLine: line };
  return { ...finding, row: { ...finding.row, ...place }, members: finding.members.map((member) => ({ ...member, ...place })) };
}

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { NO_BROWSER } from "./browser.ts";
import { createPageFixture, DESKTOP, PHONE, type PageFixture } from "./page-fixture.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Violations that keep people out, as `rule: element`. */
async function findViolations(page: Page): Promise<readonly string[]> {
  const { violations } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")} ${failureSummary ?? ""}`));
}

const PLACES: readonly (readonly [hash: string, ready: string])[] = [
  ["#/", ".card"],
  ["#/?project=billing&state=done", ".card"],
  ["#/t/webshop/checkout/refund-rounding", ".markdown"],
  ["#/t/webshop/checkout/guest-checkout", ".plan"],
  ["#/t/billing/invoices/vat-rates", ".question"],
  ["#/t/billing/ledger/double-entry", ".gate"],
  ["#/t/webshop/emails/bounce-handling", ".timeline"],
  ["#/t/webshop/checkout/refund-rounding/findings?finding=F2", "[role=option], main h2"],
  ["#/t/webshop/checkout/refund-rounding/code?finding=F2", ".code-view"],
  ["#/t/webshop/checkout/refund-rounding/diff", ".code-text, .hunk-text, [role=row]"],
  ["#/t/webshop/checkout/refund-rounding/report", ".report h2, .report h3"],
  ["#/t/webshop/checkout/refund-rounding/transcripts", "main [role=listitem]"],
  ["#/schedule", ".gantt"],
  ["#/time", "main table"],
  ["#/cost", "main table"],
  ["#/search?q=refund", ".hit"],
  ["#/nowhere", ".empty"],
];

describe.skipIf(NO_BROWSER !== "")(`who sees, hears or moves otherwise${NO_BROWSER}`, () => {
  let pages: PageFixture;
  beforeAll(async () => {
    pages = await createPageFixture();
  });
  afterEach(() => pages.closeOpened());
  afterAll(() => pages.close());

  for (const colorScheme of ["light", "dark"] as const)
    for (const [device, viewport] of [
      ["a desktop", DESKTOP],
      ["a phone", PHONE],
    ] as const)
      test(`axe finds nothing serious on any page, ${colorScheme}, on ${device}`, async () => {
        // The page's own policy would refuse the inspector that is put into it.
        const { page } = await pages.open("#/", { colorScheme, viewport, bypassCSP: true, reducedMotion: "reduce", setUp: AXE });
        for (const [hash, ready] of PLACES) {
          await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
          await page.locator(ready).filter({ visible: true }).first().waitFor();
          expect({ hash, violations: await findViolations(page) }).toEqual({ hash, violations: [] });
        }
        await page.evaluate("location.hash = '#/t/billing/ledger/double-entry'");
        await page.getByRole("button", { name: "Override …" }).click();
        await page.getByRole("dialog").waitFor();
        expect(await findViolations(page)).toEqual([]);
      });
});

import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { buildPage, collectComplaints, openBrowser } from "./browser.ts";
import { startFixtureServer, type FixtureServer } from "./fixture-server.ts";

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740 };

/** The built page, a browser, and a fresh server with made-up answers for each opened page. */
export interface PageFixture {
  readonly firstPageBytes: number;
  /** @param hash `#/…` @param setUp runs in the page before its own scripts */
  open(hash: string, options?: BrowserContextOptions & { readonly setUp?: string }): Promise<OpenedPage>;
  /** Closes what `open` opened since. @throws Error when a page complained */
  closeOpened(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenedPage {
  readonly page: Page;
  readonly server: FixtureServer;
  readonly complaints: readonly string[];
}

export async function createPageFixture(): Promise<PageFixture> {
  const built = await buildPage();
  const browser: Browser = await openBrowser();
  const opened: (OpenedPage & { readonly close: () => Promise<void> })[] = [];
  return {
    firstPageBytes: built.firstPageBytes,
    async open(hash, { setUp, ...options } = {}) {
      const server = await startFixtureServer({ webDir: built.webDir });
      const context = await browser.newContext({ viewport: DESKTOP, colorScheme: "light", timezoneId: "UTC", ...options });
      if (setUp !== undefined) await context.addInitScript(setUp);
      const page = await context.newPage();
      const complaints = collectComplaints(page);
      const close = async (): Promise<void> => {
        await context.close();
        await server.close();
      };
      const result = { page, server, complaints, close };
      opened.push(result);
      await page.goto(server.url + hash);
      await page.locator("h1").first().waitFor();
      return result;
    },
    async closeOpened() {
      const all = opened.splice(0);
      for (const { close } of all) await close();
      const complaints = all.flatMap((each) => each.complaints);
      if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join("\n")}`);
    },
    async close() {
      await browser.close();
      built.remove();
    },
  };
}

/** Waits until an expression is true in the page; the page's own policy lets it wait for nothing that is a text. */
export async function waitUntil(page: Page, expression: string): Promise<void> {
  await expect.poll(() => page.evaluate<boolean>(expression), { timeout: 20_000, message: expression }).toBe(true);
}

/** Pixels by which the page is wider than the window: what would have to be scrolled sideways. */
export async function measureOverflow(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}

/** What has the focus: its text, cut, or its label. */
export async function focusedText(page: Page): Promise<string> {
  return page.evaluate<string>(
    "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText ?? '').trim().split('\\n')[0] || document.activeElement.tagName",
  );
}

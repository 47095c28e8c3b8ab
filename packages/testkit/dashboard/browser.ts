import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const CHROMIUM = "/usr/bin/chromium";
const ARGUMENTS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );

/** Why tests in a browser are skipped here, for their names; empty when they are not. */
export const NO_BROWSER = existsSync(CHROMIUM) ? "" : ` (skipped: there is no ${CHROMIUM} here)`;

/** A browser with a profile of its own, which is removed when it is closed. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

/** The page, built into a folder of its own. */
export async function buildPage(): Promise<{ readonly webDir: string; readonly firstPageBytes: number; readonly remove: () => void }> {
  const webDir = mkdtempSync(join(tmpdir(), "okstra-web-"));
  const { buildWeb } = (await import(pathToFileURL(join(ROOT, "scripts/build-web.mjs")).href)) as {
    buildWeb: (where: { root: string; outdir: string }) => Promise<{ firstPageBytes: number }>;
  };
  const { firstPageBytes } = await buildWeb({ root: ROOT, outdir: webDir });
  return { webDir, firstPageBytes, remove: () => rmSync(webDir, { recursive: true, force: true }) };
}

/** What a page complained about: thrown errors, refused scripts and styles. Questions that were refused are no complaint. */
export function collectComplaints(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(text);
  });
  return complaints;
}

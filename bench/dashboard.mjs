/**
 * How smoothly a browser scrolls the findings of a task: the page as it is built, made-up findings, the wheel, jumps, and
 * the mark moved by keys. Says the 95th of a hundred frames and the longest task of the page's thread. Nothing here fails
 * for being slow.
 *
 * usage: npm run bench:dashboard -- [--findings N] [--seconds N] [--json]
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { buildWeb } from "../scripts/build-web.mjs";
import { round } from "./measure.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CHROMIUM = "/usr/bin/chromium";
const ARGUMENTS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );

function readNumber(name, otherwise) {
  const at = process.argv.indexOf(name);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  process.stderr.write(`${name} is to be a number from 1 on\n`);
  process.exit(2);
}

const findings = readNumber("--findings", 5000);
const seconds = readNumber("--seconds", 4);
const json = process.argv.includes("--json");
if (!existsSync(CHROMIUM)) {
  process.stderr.write(`there is no ${CHROMIUM} here: nothing can be measured\n`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "okstra-bench-dashboard-"));
try {
  await buildWeb({ root: ROOT, outdir: join(folder, "web") });
  const outfile = join(folder, "fixture.mjs");
  await build({
    stdin: {
      contents: `
        export { startFixtureServer } from "./fixture-server.ts";
        export { makeFindings } from "./many-findings.ts";
      `,
      resolveDir: join(ROOT, "packages/testkit/dashboard"),
    },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  const { startFixtureServer, makeFindings } = await import(pathToFileURL(outfile).href);
  const server = await startFixtureServer({ webDir: join(folder, "web") });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const body = JSON.stringify(makeFindings(findings));
    await page.route("**/findings", (route) => route.fulfill({ contentType: "application/json", body }));
    await page.addInitScript(() => {
      globalThis.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
      }).observe({ type: "longtask", buffered: true });
    });
    await page.goto(`${server.url}#/t/webshop/checkout/refund-rounding/findings`);
    const list = page.getByRole("listbox");
    await list.waitFor();
    const opening = await page.evaluate(() => globalThis.longest);
    const parts = {
      wheel: await measure(page, async (until) => {
        await list.hover();
        while (Date.now() < until) await page.mouse.wheel(0, 240);
      }),
      jumps: await measure(page, async (until) => {
        for (let turn = 0; Date.now() < until; turn += 1)
          await list.evaluate((element, part) => element.scrollTo(0, element.scrollHeight * part), (turn * 0.37) % 1);
      }),
      keys: await measure(page, async (until) => {
        await list.focus();
        while (Date.now() < until) await page.keyboard.press("ArrowDown");
      }),
    };
    const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    const machine = { cpus: cpus().length, load: round(loadavg()[0]) };
    const answer = { findings, openingLongestTaskMs: round(opening), ...parts, elements: nodes, ...machine };
    if (json) process.stdout.write(`${JSON.stringify(answer)}\n`);
    else {
      process.stdout.write(
        `${findings} findings, ${nodes} elements in the page; longest task while opening ${tell(opening)}; ${machine.cpus} processors, load ${machine.load}\n`,
      );
      for (const [name, { frames, p95FrameMs, longestFrameMs, longestTaskMs }] of Object.entries(parts))
        process.stdout.write(
          `${name.padEnd(6)} ${String(frames).padStart(4)} frames  p95 ${p95FrameMs} ms  longest ${longestFrameMs} ms  longest task ${tell(longestTaskMs)}\n`,
        );
    }
  } finally {
    await browser.close();
    await server.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A browser tells of tasks from 50 ms on; 0: there was none. */
function tell(ms) {
  return ms === 0 ? "under 50 ms" : `${round(ms)} ms`;
}

/** Frames and tasks of the page while something is done for some seconds. */
async function measure(page, act) {
  await page.evaluate(() => {
    globalThis.longest = 0;
    const frames = [];
    globalThis.frames = frames;
    const tick = (at) => {
      frames.push(at);
      // Whoever measures next has other frames: this loop ends then.
      if (globalThis.frames === frames) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await act(Date.now() + seconds * 1000);
  const { frames, longest } = await page.evaluate(() => {
    const { frames } = globalThis;
    globalThis.frames = null;
    return { frames, longest: globalThis.longest };
  });
  const spans = frames.slice(1).map((at, index) => at - frames[index]);
  const sorted = spans.toSorted((a, b) => a - b);
  return {
    frames: spans.length,
    p95FrameMs: round(sorted[Math.floor(sorted.length * 0.95)] ?? 0),
    longestFrameMs: round(sorted.at(-1) ?? 0),
    longestTaskMs: round(longest),
  };
}

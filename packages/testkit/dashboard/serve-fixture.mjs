/**
 * Serves the built page with made-up answers, to look at it: node packages/testkit/dashboard/serve-fixture.mjs [port]
 * With --live a lane speaks every two seconds. Build the page first: node scripts/build-web.mjs
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "okstra-fixture-"));
const outfile = join(folder, "server.mjs");
await build({
  entryPoints: [join(root, "packages/testkit/dashboard/fixture-server.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  logLevel: "error",
});
const { startFixtureServer } = await import(pathToFileURL(outfile).href);
rmSync(folder, { recursive: true, force: true });
const port = Number(process.argv.slice(2).find((each) => /^\d+$/u.test(each)) ?? 0);
const server = await startFixtureServer({ webDir: join(root, "dist/web"), port });
console.info(server.url);
if (process.argv.includes("--live")) {
  const task = { project: "webshop", group: "checkout", task: "refund-rounding" };
  let seq = 100;
  setInterval(() => {
    seq += 1;
    const event = { seq, at: new Date().toISOString(), type: "lane-activity", worker: "claude", text: `reads file ${seq}` };
    server.send({ kind: "event", ...task, taskKey: "webshop/checkout/refund-rounding", type: "final-verification", run: 1, event });
  }, 2000);
}

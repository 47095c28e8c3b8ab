/**
 * Installs and builds what is missing, then measures.
 *
 * usage: node scripts/bench.mjs [main|convergence|history|dashboard] [the bench's own arguments]
 */
import { bootstrap } from "./bootstrap.mjs";

const BENCHES = {
  main: "../bench/main.mjs",
  convergence: "../bench/convergence.mjs",
  history: "../bench/history.mjs",
  dashboard: "../bench/dashboard.mjs",
};

await bootstrap();
const named = Object.hasOwn(BENCHES, process.argv[2] ?? "") ? process.argv.splice(2, 1)[0] : "main";
await import(new URL(BENCHES[named], import.meta.url).href);

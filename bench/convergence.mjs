/**
 * How well okstra tells one defect from two, and what agreement is worth, on reviews with known defects; no model and
 * no network. Beside it three ways that need no matcher.
 *
 * DIR holds pairs.jsonl, co-located.jsonl and panels.jsonl. The matcher's constants were chosen on one half of the
 * public reviews it was built with; `--half held-out` measures on the other half of such a directory only.
 *
 * usage: npm run bench:convergence -- --data DIR [--half tuning|held-out] [--json]
 */
import { parseArgs } from "node:util";
import { loadData } from "./convergence/data.mjs";
import { loadCore } from "./convergence/load-core.mjs";
import { measurePairs } from "./convergence/pairs.mjs";
import { measurePanels } from "./convergence/panels.mjs";
import { print } from "./convergence/print.mjs";
import { measureSpeed } from "./convergence/speed.mjs";

const USAGE = "usage: npm run bench:convergence -- --data DIR [--half tuning|held-out] [--json]";

function parseOptions() {
  const { values } = parseArgs({
    options: { data: { type: "string" }, half: { type: "string" }, json: { type: "boolean", default: false } },
  });
  if (values.data === undefined) throw new Error("--data is missing");
  if (values.half !== undefined && !["tuning", "held-out"].includes(values.half)) throw new Error(`there is no half "${values.half}"`);
  return values;
}

try {
  const { data, half, json } = parseOptions();
  const input = loadData(data, half);
  const core = await loadCore();
  const answer = {
    data: {
      half: half ?? "all",
      reviews: input.reviews.size,
      pairs: input.pairs.length,
      coLocated: input.coLocated.length,
      panels: input.panels.length,
    },
    thresholds: core.THRESHOLDS,
    ...measurePairs(core, input),
    ...measurePanels(core, input),
    speed: measureSpeed(core, input),
  };
  const { pairBaselines, panelBaselines, ...rest } = answer;
  const baselines = Object.fromEntries(
    ["exactTitle", "locationOnly", "majorityVote"].map((name) => [name, { ...pairBaselines[name], ...panelBaselines[name] }]),
  );
  process.stdout.write(json ? `${JSON.stringify({ ...rest, baselines }, null, 2)}\n` : `${print({ ...rest, baselines })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
  process.exitCode = 2;
}

/** Times in milliseconds; medians, because a shared machine has outliers. */
import { spawnSync } from "node:child_process";

export function median(values) {
  return percentile(values, 0.5);
}

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** Runs the ways one after the other in each round, so that what the machine does meanwhile meets all of them. */
export function interleave(rounds, ways) {
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, way] of Object.entries(ways)) {
      const prepared = way.before?.(round);
      const began = process.hrtime.bigint();
      way.run(round, prepared);
      times[name].push(Number(process.hrtime.bigint() - began) / 1e6);
      way.after?.(round, prepared);
    }
  }
  return times;
}

/** Runs a program and fails loudly: a failed command is no measurement. */
export function must(program, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", ...options });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${stderr.slice(-500)}`);
  return stdout;
}

export function round(value, digits = 2) {
  return Number(value.toFixed(digits));
}

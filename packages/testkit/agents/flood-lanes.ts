/**
 * Runs lanes of ACP agents at once until each has printed so many bytes or the time is over, and prints one line of
 * JSON: how they ended and how far the largest resident set went beyond what it was before. Started as a process of its
 * own, so that nothing but the lanes is measured.
 */
import { runAgentLane } from "./agent-lane.ts";

interface FloodOrder {
  readonly lanes: readonly (readonly string[])[];
  readonly bytes: number;
  readonly ms: number;
}

const order = JSON.parse(process.argv[2] ?? "") as FloodOrder;
const before = process.resourceUsage().maxRSS;
const ends = await Promise.all(
  order.lanes.map(async (command) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), order.ms);
    let told = 0;
    const { outcome } = await runAgentLane({
      kind: "acp",
      command,
      signal: stop.signal,
      onOutputBytes: (bytes) => {
        told += bytes;
        if (told > order.bytes) stop.abort();
      },
    });
    clearTimeout(timer);
    return outcome.end;
  }),
);
process.stdout.write(`${JSON.stringify({ ends, grownBytes: (process.resourceUsage().maxRSS - before) * 1024 })}\n`);

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(() => project.remove());

const FINDING = (claim: string): string =>
  `{"claim":"${claim}","category":"correctness","severity":"P2","file":"src/sum.js","startLine":2,"quote":"return a + b;"}`;

/** Raises a finding; where it is asked about a pair, it rules. */
const worker = (claim: string, ruling: string): string =>
  `if [ "$OKSTRA_STEP" = vote ]; then printf '{"nonce":"%s","votes":[],"rulings":[${ruling}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"; ` +
  `else printf '{"nonce":"%s","findings":[${FINDING(claim)}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"; fi`;

async function countClusters(ruling: string): Promise<{ clusters: number; asked: readonly string[] }> {
  project = await createRunProject({
    lines: { one: worker("The sum has no types", ruling), two: worker("Third matter of types", ruling) },
  });
  const { json } = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "one,two"]);
  expect((await project.okstra(["validate", "g/t"])).json.broken).toEqual([]);
  const { clusters } = JSON.parse(readFileSync(join(json.runDir, "convergence.json"), "utf8")) as { clusters: unknown[] };
  const prompts = ["one", "two"].map((name) => readFileSync(join(json.runDir, `prompts/${name}.votes.md`), "utf8"));
  return { clusters: clusters.length, asked: prompts.filter((prompt) => prompt.includes("## Pairs")) };
}

test("a pair that the text leaves open goes to one worker, who sees both claims and nobody's name", async () => {
  const apart = await countClusters('{"pair":"P1","same":false}');
  expect([apart.clusters, apart.asked.length]).toEqual([2, 1]);
  expect(apart.asked[0]).toContain("Third matter of types");
  project.remove();
  const together = await countClusters('{"pair":"P1","same":true}');
  expect(together.clusters).toBe(1);
});

test("a ruling about a pair that was not asked changes nothing", async () => {
  const without = await countClusters("");
  project.remove();
  const strange = await countClusters('{"pair":"P7","same":false}');
  expect(strange.clusters).toBe(without.clusters);
});

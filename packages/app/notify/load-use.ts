import { budgetSchema } from "@okstra/core/domain/agent-use";
import type { LaneReceipt, RunLimits } from "@okstra/core/domain/near-limit";
import { runManifestSchema } from "@okstra/core/domain/run";
import type { App } from "../app.ts";
import { loadAllReceipts } from "../run/run-records.ts";

/** The limits that a run was prepared with; null when its run.json cannot be read. */
export async function loadLimits(app: App, runDir: string): Promise<RunLimits | null> {
  try {
    const manifest = runManifestSchema.parse(JSON.parse((await app.store.readText(`${runDir}/run.json`)) ?? ""));
    const budget = budgetSchema
      .nullable()
      .catch(null)
      .parse(manifest.settings["budget"] ?? null);
    const entries = [...(manifest.writer === null ? [] : [manifest.writer]), ...manifest.roster];
    return {
      run: budget,
      workers: Object.fromEntries(entries.map(({ worker, deadlineMs, budget: own }) => [worker, { deadlineMs, budget: own }])),
    };
  } catch {
    return null;
  }
}

/** What the lanes of a run used that have ended, those of earlier attempts too. */
export async function loadLaneReceipts(app: App, runDir: string): Promise<readonly LaneReceipt[]> {
  const all = await loadAllReceipts(app, { runDir }).catch(() => []);
  return all.map(([, { lane, attempt, usage, cost }]) => ({ lane, attempt, tokens: usage?.totalTokens ?? 0, cost }));
}

import { converge } from "@okstra/core/convergence/converge";
import type { Convergence } from "@okstra/core/convergence/cluster";
import type { RaisedFinding } from "@okstra/core/domain/finding";
import type { App } from "../app.ts";
import { loadRun } from "../run/prepare-run.ts";
import { convergenceInput, loadFindings } from "../run/run-records.ts";
import { findTaskRun } from "../run/run-task.ts";

/** `converge --run --json`: the convergence as it follows from what the run's workers left, and their findings. */
export interface ConvergedRun extends Convergence {
  readonly taskKey: string;
  readonly runDir: string;
  readonly findings: readonly RaisedFinding[];
}

/**
 * Converges a run again, from results, votes and executions alone. Reads only.
 * @param target a run's directory, or `<group>/<task>`: its newest run
 * @throws OKSTRA_RUN_NOT_FOUND, OKSTRA_RUN_CORRUPT
 */
export async function convergeRun(app: App, target: string, dir: string): Promise<ConvergedRun> {
  const asPath = target.startsWith("/") ? target : `${app.surroundings.cwd}/${target}`;
  const isDirectory = await app.store.exists(`${asPath}/run.json`);
  const runDir = isDirectory ? asPath.replace(/\/+$/, "") : (await findTaskRun(app, { task: target, dir, taskType: null })).runDir;
  const run = await loadRun(app, runDir);
  const { round } = run.log.state;
  const convergence = converge(await convergenceInput(app, run, round));
  return { taskKey: run.manifest.taskKey, runDir, ...convergence, findings: await loadFindings(app, run, round) };
}

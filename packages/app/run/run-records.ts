import type { Convergence } from "@okstra/core/convergence/cluster";
import type { ConvergenceInput, LaneSummary } from "@okstra/core/convergence/converge";
import { groundFinding } from "@okstra/core/convergence/ground";
import type { RaisedFinding } from "@okstra/core/domain/finding";
import { receiptSchema, type Receipt } from "@okstra/core/domain/receipt";
import { workerResultSchema } from "@okstra/core/domain/worker-result";
import { OkstraError } from "@okstra/core/errors";
import type { PhaseResult } from "@okstra/core/phases/phase";
import type { App } from "../app.ts";
import type { PreparedRun } from "./prepare-run.ts";

/** The input of the convergence as it follows from the run's files, for the lead and for the validator. */
export async function convergenceInput(
  app: App,
  run: Pick<PreparedRun, "manifest" | "log">,
  findings: readonly RaisedFinding[],
): Promise<ConvergenceInput> {
  const { manifest, log } = run;
  const files = new Map<string, string | null>();
  for (const { file } of findings) {
    if (file === undefined || files.has(file)) continue;
    files.set(file, await loadFile(app, run, file));
  }
  return {
    runId: manifest.runId,
    commit: manifest.commit,
    lanes: laneSummaries(run),
    findings: findings.map((finding) => ({
      finding,
      grounding: groundFinding(finding, finding.file === undefined ? null : (files.get(finding.file) ?? null)),
    })),
    reproductions: log.state.reproductions,
    onlyNewBlocks: manifest.onlyNewBlocks,
  };
}

/** The file at the head commit; without git the file as it is. A path that leads out of the tree is no file. */
async function loadFile(app: App, { manifest }: Pick<PreparedRun, "manifest">, file: string): Promise<string | null> {
  if (file.startsWith("/") || file.includes("\0") || file.split(/[\\/]/).includes("..")) return null;
  if (manifest.commit !== "") return app.git.loadFileAt(manifest.project.root, manifest.commit, file);
  return app.store.readText(`${manifest.provision.path}/${file}`, { maxBytes: 8 * 1024 * 1024 }).catch(() => null);
}

export function laneSummaries({ manifest, log }: Pick<PreparedRun, "manifest" | "log">): readonly LaneSummary[] {
  return manifest.roster.map((entry) => ({
    worker: entry.worker,
    family: entry.family,
    end: log.state.lanes[entry.worker]?.end ?? "cancelled",
  }));
}

/** The results that were accepted, by worker, in the roster's order. */
export async function loadResults(app: App, run: Pick<PreparedRun, "manifest" | "runDir">): Promise<readonly PhaseResult[]> {
  const results: PhaseResult[] = [];
  for (const { worker } of run.manifest.roster) {
    const text = await app.store.readText(`${run.runDir}/workers/${worker}/result.json`);
    if (text === null) continue;
    const result = parseObject(text);
    if (result === null)
      throw new OkstraError("OKSTRA_RUN_CORRUPT", {
        message: `${run.runDir}/workers/${worker}/result.json is not what was accepted.`,
        details: { path: `${run.runDir}/workers/${worker}/result.json` },
      });
    results.push({ worker, result });
  }
  return results;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Every finding of every accepted result, with its identity in the run. */
export async function loadFindings(app: App, run: Pick<PreparedRun, "manifest" | "runDir">): Promise<readonly RaisedFinding[]> {
  const raised: RaisedFinding[] = [];
  for (const { worker, result } of await loadResults(app, run)) {
    const family = run.manifest.roster.find((entry) => entry.worker === worker)?.family ?? worker;
    for (const [index, finding] of workerResultSchema.parse(result).findings.entries())
      raised.push({ ...finding, id: `${worker}#${index + 1}`, worker, family });
  }
  return raised;
}

export async function loadConvergence(app: App, run: Pick<PreparedRun, "runDir">): Promise<Convergence> {
  const text = await app.store.readText(`${run.runDir}/convergence.json`);
  if (text === null)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", {
      message: `${run.runDir}/convergence.json is gone.`,
      details: { path: `${run.runDir}/convergence.json` },
    });
  return JSON.parse(text) as Convergence;
}

/** Receipts of all lanes that were started, in the roster's order. */
export async function loadReceipts(app: App, run: Pick<PreparedRun, "manifest" | "runDir">): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = [];
  for (const { worker } of run.manifest.roster) {
    const text = await app.store.readText(`${run.runDir}/workers/${worker}/receipt.json`);
    if (text !== null) receipts.push(receiptSchema.parse(JSON.parse(text)));
  }
  return receipts;
}

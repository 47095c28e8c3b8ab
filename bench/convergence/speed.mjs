import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";

const WORKERS = 4;
const FINDINGS = 200;
const RUNS = 5;
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/**
 * How long one convergence of 4 workers with 200 findings each takes, with a ledger of as many rows before it: the
 * claims are those of the data, the places are made up. Milliseconds, the median of several runs after one to warm up.
 */
export function measureSpeed({ converge }, { panels }) {
  const claims = panels.flatMap(({ workers }) => Object.values(workers).flatMap((own) => own.map(({ claim }) => claim)));
  if (claims.length === 0) return null;
  const names = Array.from({ length: WORKERS }, (_, at) => `w${at + 1}`);
  const findings = names.flatMap((worker, at) =>
    Array.from({ length: FINDINGS }, (_each, n) => {
      const claim = claims[(at * FINDINGS + n) % claims.length].slice(0, 200);
      const startLine = 1 + ((n * 7) % 400);
      const finding = { id: `${worker}#${n + 1}`, worker, family: worker, claim, category: "correctness", severity: `P${n % 4}` };
      const place = { file: `src/${n % 20}.ts`, startLine, endLine: startLine, quote: `line ${startLine}` };
      return { finding: { ...finding, ...place }, grounding: { grounded: true, startLine, endLine: startLine } };
    }),
  );
  const lanes = names.map((worker) => ({ worker, family: worker, end: "ok" }));
  const input = { runId: "r", commit: "c1", lanes, findings, reproductions: [], onlyNewBlocks: false, sha256 };
  const source = { type: "final-verification", run: 1 };
  const { ledger: previousLedger, clusters } = converge({ ...input, source });
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    converge({ ...input, source, previousLedger });
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return {
    workers: WORKERS,
    findings: findings.length,
    clusters: clusters.length,
    ledgerRows: previousLedger.length,
    medianMs: Math.round(times[Math.floor(RUNS / 2)]),
  };
}

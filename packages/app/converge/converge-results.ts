import type { RaisedFinding } from "@okstra/core/domain/finding";
import { judge, type Judgement, type JudgedCluster } from "@okstra/core/convergence/judge";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { nameOf, parseResults } from "./parse-results.ts";
import { invalid, type ReviewerResult } from "./reviewer-result.ts";

const MAX_FILE_BYTES = 32 * 1024 * 1024;

export interface ConvergedReviewer {
  readonly worker: string;
  readonly family: string;
  readonly source: string;
  readonly findings: number;
  readonly left: number;
}

/** `converge --json`. Quotes are not looked up: there is no commit to look in. */
export interface Converged {
  readonly schema: 1;
  readonly grounding: "not-checked";
  readonly workers: readonly ConvergedReviewer[];
  readonly kEff: number;
  readonly crossChecked: boolean;
  readonly clusters: readonly ConvergedCluster[];
  readonly undecided: Judgement["undecided"];
}

/** A cluster with the claim and place of its first member that has one. */
export interface ConvergedCluster extends JudgedCluster {
  readonly claim: string;
  readonly file: string | null;
  readonly startLine: number | null;
  readonly endLine: number | null;
}

/**
 * Reads reviewers' files and converges them. Reads only.
 * @param files the path to read and how the person named it
 * @throws OKSTRA_USAGE no file · OKSTRA_RESULTS_INVALID a file that is not there or is none of the known formats
 */
export async function convergeFiles(app: App, files: readonly { readonly path: string; readonly source: string }[]): Promise<Converged> {
  if (files.length === 0) throw new OkstraError("OKSTRA_USAGE", { message: "There is nothing to converge: name files with --results." });
  const results: ReviewerResult[] = [];
  for (const { path, source } of files) results.push(...parseResults(source, await loadFile(app, path, source)));
  return convergeResults(results, app.sha256);
}

async function loadFile(app: App, path: string, source: string): Promise<string> {
  try {
    const text = await app.store.readText(path, { maxBytes: MAX_FILE_BYTES });
    if (text !== null) return text;
  } catch (error) {
    if (!(error instanceof OkstraError)) throw error;
    throw invalid(source, `cannot be read: ${error.message}`);
  }
  throw invalid(source, "is not there.");
}

/** Pure: each result is one worker whose lane is `ok`; what it raises counts as grounded, for nothing can be looked up. */
function convergeResults(results: readonly ReviewerResult[], sha256: (text: string) => string): Converged {
  const names = nameWorkers(results);
  const reviewers = results.map((result, at) => ({ ...result, worker: names[at] ?? `worker-${at + 1}` }));
  const findings = reviewers.flatMap(({ worker, family, findings: own }) =>
    own.map((finding, at): RaisedFinding => ({ ...finding, id: `${worker}#${at + 1}`, worker, family })),
  );
  const { kEff, crossChecked, clusters, undecided } = judge({
    lanes: reviewers.map(({ worker, family, covered }) => ({ worker, family, covered, end: "ok" as const })),
    findings: findings.map((finding) => ({ finding, grounded: true })),
    votes: [],
    sha256,
  });
  return {
    schema: 1,
    grounding: "not-checked",
    workers: reviewers.map(({ worker, family, source, findings: own, left }) => ({ worker, family, source, findings: own.length, left })),
    kEff,
    crossChecked,
    clusters: clusters.map((cluster) => ({ ...cluster, ...headOf(cluster.members) })),
    undecided,
  };
}

function headOf(members: readonly RaisedFinding[]): Pick<ConvergedCluster, "claim" | "file" | "startLine" | "endLine"> {
  const head = members.find(({ file }) => file !== undefined) ?? members[0];
  return { claim: head?.claim ?? "", file: head?.file ?? null, startLine: head?.startLine ?? null, endLine: head?.endLine ?? null };
}

/** The file's name, or with several runs in one file the tool's; a second one of a name gets a number. */
function nameWorkers(results: readonly ReviewerResult[]): string[] {
  const names = new Set<string>();
  for (const { source, family } of results) {
    const isOnly = results.filter((other) => other.source === source).length === 1;
    const name = isOnly ? nameOf(source) : family;
    let free = name;
    for (let number = 2; names.has(free); number += 1) free = `${name}-${number}`;
    names.add(free);
  }
  return [...names];
}

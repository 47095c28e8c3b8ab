import { groundFinding } from "@okstra/core/convergence/ground";
import { findingSchema } from "@okstra/core/domain/finding";
import { createRedactor } from "@okstra/core/domain/redaction";
import { requireTaskType } from "@okstra/core/domain/work";
import { MAX_RESULT_BYTES } from "@okstra/core/domain/worker-result";
import { OkstraError } from "@okstra/core/errors";
import type { LaneState } from "@okstra/core/machine/run-machine";
import { laneResultSchema } from "@okstra/core/phases/lane-schema";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";
import { describePathProblem, describeProblems } from "../door/check-given.ts";
import { readJson } from "../door/delivered.ts";
import type { PreparedRun } from "../run/begin-run.ts";
import { judgeResult } from "../run/judge-result.ts";
import { loadSecrets } from "../run/secrets.ts";

/** As many problems stand in the message; all are in the details. */
const MOST_TOLD = 5;

/**
 * Reads the result that a chat lead gives for a lane and holds it against all that the lane's end holds it against.
 * @returns its text, and what is no mistake but makes a finding count for less
 * @throws OKSTRA_LANE_RESULT_INVALID with each problem; nothing is taken then
 */
export async function requireResult(
  app: App,
  run: PreparedRun,
  { lane, planned, path }: { readonly lane: string; readonly planned: LaneState; readonly path: string },
): Promise<{ text: string; notes: readonly string[] }> {
  const { manifest } = run;
  const invalid = (problems: readonly string[]): OkstraError =>
    new OkstraError("OKSTRA_LANE_RESULT_INVALID", {
      message: `The result of ${lane} is not taken: ${problems.slice(0, MOST_TOLD).join("; ")}${problems.length > MOST_TOLD ? `; and ${problems.length - MOST_TOLD} more` : ""}.`,
      details: { lane, path, problems },
    });
  const text = await app.store.readText(path, { maxBytes: MAX_RESULT_BYTES, regularFileOnly: true }).catch((error: unknown) => {
    throw invalid([neutralise(error instanceof Error ? error.message : String(error)).replace(/\.$/, "")]);
  });
  if (text === null) throw invalid([`there is no file ${path}`]);
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  const schema = laneResultSchema(requireTaskType(manifest.type), planned.role);
  const judged = judgeResult(schema, manifest, planned.nonce ?? "", { end: "ok", reason: null, resultText: text }, redact);
  if (judged.end === "ok") return { text, notes: await findNotes(app, run, planned, judged.result ?? {}) };
  // What cannot be read as a result at all has one problem; what breaks the schema may have many.
  const problems = judged.reason?.startsWith("the result breaks its schema") === true ? describeProblems(schema, readJson(text)) : [];
  throw invalid(problems.length > 0 ? problems.map(redact) : [judged.reason ?? "it is no result"]);
}

/** Findings whose place or quote is not at the commit: they stand in the report and have no vote. */
async function findNotes(
  app: App,
  { manifest }: PreparedRun,
  { role, commit }: LaneState,
  result: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  if ((role !== "review" && role !== "execute") || commit === "" || !Array.isArray(result["findings"])) return [];
  const notes: string[] = [];
  for (const [index, each] of result["findings"].entries()) {
    const { data: finding } = findingSchema.safeParse(each);
    if (finding?.file === undefined || finding.quote === undefined) continue;
    const problem = describePathProblem(finding.file, manifest.provision.path);
    const name = `findings[${index}]`;
    if (problem !== null) notes.push(`${name}: ${problem}; as it is it has no vote`);
    else {
      const text = await app.git.loadFileAt(manifest.project.root, commit, finding.file);
      if (text === null || !groundFinding(finding, text).grounded)
        notes.push(`${name}: its quote is not in ${neutralise(finding.file)} at ${commit.slice(0, 12)}, so that it has no vote`);
    }
  }
  return notes;
}

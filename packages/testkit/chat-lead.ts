import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "./test-project.ts";
import type { DueLane, DueStep } from "@okstra/app/lead/due";

/** What a command line of a chat lead answers, as far as tests look at it. */
export interface ChatAnswer {
  readonly state: string;
  readonly verdict: string;
  readonly valid: boolean | null;
  readonly runDir: string;
  readonly due: readonly DueStep[];
  readonly notes: readonly string[];
  readonly provision: { readonly path: string };
}

/** The words of a command that a lead is told to run, as a shell would read them. */
export function wordsOf(command: string): readonly string[] {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
  if (words[0] !== "okstra") throw new Error(`no command of okstra: ${command}`);
  return words.slice(1);
}

/** Plays the agent that performs a lane: leaves the worker's recorded answer where the lane's result goes. */
export function performLane(answer: Pick<ChatAnswer, "runDir" | "provision">, lane: DueLane): void {
  const played = spawnSync("node", ["tools/play.mjs", lane.worker], {
    cwd: answer.provision.path,
    input: readFileSync(lane.prompt ?? ""),
    env: {
      ...process.env,
      OKSTRA_NONCE: lane.nonce ?? "",
      OKSTRA_PHASE: answer.runDir.split("/").at(-2) ?? "",
      OKSTRA_RESULT: lane.result ?? "",
      OKSTRA_STEP: lane.role,
    },
  });
  if (played.status !== 0) throw new Error(`the lane ${lane.lane} was not performed: ${String(played.stderr)}`);
}

/** A chat agent that does what it is told is due, one thing after the other, until the run has ended. @returns the last answer */
export async function leadByChat(
  project: Pick<TestProject, "okstra">,
  first: ChatAnswer,
  pick: (due: readonly DueStep[]) => DueStep | undefined = (due) => due[0],
): Promise<ChatAnswer> {
  let answer = first;
  for (let steps = 0; answer.state !== "ended"; steps += 1) {
    const next = pick(answer.due);
    if (next === undefined || next.command === null || steps > 100) throw new Error(`nothing is due: ${JSON.stringify(answer.due)}`);
    if (next.step === "collect" && next.lane !== null) performLane(answer, next.lane);
    const { json, stdout } = await project.okstra(wordsOf(next.command));
    if (json?.due === undefined) throw new Error(`${next.command}: ${stdout}`);
    answer = json as ChatAnswer;
  }
  return answer;
}

/** What a run came to, without times, ids, commits and the task's name. */
export function outcomeOf(runDir: string): unknown {
  const report = JSON.parse(readFileSync(join(runDir, "report.json"), "utf8")) as Record<string, unknown>;
  const lanes = (report["lanes"] as Record<string, unknown>[]).map(({ worker, lane, role, round, end, reason, findings, family }) => ({
    worker,
    lane,
    role,
    round,
    end,
    reason,
    findings,
    family,
  }));
  const { verdict, gate, clusters, totals, rawFindings, votes, ledger, unheard, kEff, crossChecked, clarifications, rounds } = report;
  const kept = { verdict, gate, clusters, totals, rawFindings, votes, ledger, unheard, kEff, crossChecked, clarifications, rounds, lanes };
  const text = JSON.stringify(kept)
    .replaceAll(/[0-9a-f]{40,64}/g, "HASH")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME");
  return JSON.parse(text) as unknown;
}

/** Every file below a directory, sorted. */
export function listFiles(directory: string, below = ""): readonly string[] {
  return readdirSync(join(directory, below))
    .flatMap((name) => {
      const path = join(below, name);
      return statSync(join(directory, path)).isDirectory() ? listFiles(directory, path) : [path];
    })
    .sort();
}

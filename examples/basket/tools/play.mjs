// Plays a worker whose answers were recorded: okstra starts it like any other `command` worker, with the prompt on
// standard input and the path for its result in OKSTRA_RESULT. usage: node tools/play.mjs <name>
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const { OKSTRA_NONCE: nonce, OKSTRA_PHASE: phase, OKSTRA_RESULT: resultPath, OKSTRA_STEP: step } = process.env;
const name = process.argv[2];
const prompt = readFileSync(0, "utf8");
const recorded = JSON.parse(readFileSync(new URL(`../recorded/${name}.json`, import.meta.url), "utf8"))[phase] ?? {};
const round = Number(/, round (\d+)$/m.exec(prompt)?.[1] ?? 1);

if (recorded.crashes) {
  process.stderr.write("out of memory (recorded)\n");
  process.exit(137);
}
if (step === "execute") for (const commit of recorded.rounds?.[round - 1] ?? []) carryOut(commit);
const answers = {
  vote: () => ({ votes: [...prompt.matchAll(/^- (V\d+): (.+)$/gm)].flatMap(([, item, claim]) => voteOn(item, claim)) }),
  execute: () => ({ findings: [], summary: recorded.summary ?? "" }),
  write: () => ({ summary: recorded.summary ?? "" }),
};
writeFileSync(resultPath, JSON.stringify({ nonce, ...(answers[step]?.() ?? { findings: [], ...recorded.review?.[Math.min(round, recorded.review.length) - 1] }) }));

/** The recorded vote on a claim; on what it did not foresee it does not vote. */
function voteOn(item, claim) {
  const vote = (recorded.votes ?? []).find(({ claim: part }) => claim.includes(part));
  return vote === undefined ? [] : [{ item, answer: vote.answer, evidence: vote.evidence }];
}

/** Makes one recorded commit, unless an interrupted attempt has made it. */
function carryOut({ message, files }) {
  const git = (...args) => execFileSync("git", ["-c", `user.name=${name}`, "-c", `user.email=${name}@example.invalid`, ...args], { encoding: "utf8" });
  if (git("log", "--format=%s", "-20").split("\n").includes(message.split("\n")[0])) return;
  for (const { path, content, replace } of files) {
    mkdirSync(dirname(path), { recursive: true });
    const before = existsSync(path) ? readFileSync(path, "utf8") : "";
    writeFileSync(path, content === undefined ? before.replace(replace[0], replace[1]) : content.join("\n"));
    git("add", "--", path);
  }
  git("commit", "--quiet", "--message", message);
}

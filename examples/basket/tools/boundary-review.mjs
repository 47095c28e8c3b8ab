// A reviewer in a few lines: where a comment promises "or more" and the code below compares with a bare `>`,
// the boundary itself is left out. It is an okstra `command` worker: prompt on stdin, result to OKSTRA_RESULT.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const findings = [];
for (const file of execFileSync("git", ["ls-files", "src/*.ts"], { encoding: "utf8" }).split("\n").filter(Boolean)) {
  const lines = readFileSync(file, "utf8").split("\n");
  let promised = false;
  for (const [index, line] of lines.entries()) {
    if (/^\s*(\/\*\*|\*|\/\/)/.test(line)) promised = /or more|at least/.test(line);
    else if (promised && /^\}/.test(line)) promised = false;
    else if (promised && /[^=>]>\s*[\w.]+/.test(line)) {
      findings.push({
        claim: `The comment says "or more", and the comparison leaves the boundary itself out: ${line.trim()}`.slice(0, 200),
        category: "correctness",
        severity: "P1",
        file,
        startLine: index + 1,
        endLine: index + 1,
        quote: line,
        fix: line.replace(/([^=>])>\s*/, "$1>= "),
        reproduction: { command: "npx --no-install vitest run --reporter=dot", output: "" },
      });
    }
  }
}
const hypotheses = findings.map((finding, index) => ({
  cause: `${finding.file}:${finding.startLine} compares with > where its comment promises "or more".`,
  evidenceFor: ["The comment above the function names the boundary as included."],
  evidenceAgainst: [],
  finding: index + 1,
}));
writeFileSync(process.env.OKSTRA_RESULT, JSON.stringify({ nonce: process.env.OKSTRA_NONCE, findings, hypotheses }));

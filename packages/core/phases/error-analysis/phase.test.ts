import { expect, test } from "vitest";
import type { DecisionInput } from "../phase.ts";
import { cluster, convergence, decisionInput, HEAD, lane } from "../shared/fixtures/decision-input.ts";
import { errorAnalysis } from "./phase.ts";
import { buildErrorAnalysisSection } from "./section.ts";

const confirmed = cluster("C1", { verification: "confirmed", disposition: "blocks", reproducedBy: ["npm test"] });
const reproduction = (failures: number): DecisionInput["reproductions"][number] => ({
  findingId: "a#1",
  worker: "a",
  command: "npm test",
  commit: HEAD,
  executions: 2,
  failures,
  baseline: "unknown",
});

test.each<[string, Partial<DecisionInput>, string, boolean, string[]]>([
  ["a confirmed cause", { convergence: convergence({ clusters: [confirmed] }) }, "reproduced", true, ["cause-confirmed"]],
  ["nothing was reproduced", {}, "not-reproduced", false, ["no-reproduction"]],
  ["it failed in one of two executions", { reproductions: [reproduction(1)] }, "not-reproduced", false, ["no-reproduction"]],
  ["it fails, but no grounded finding says where", { reproductions: [reproduction(2)] }, "not-reproduced", false, ["cause-not-located"]],
  [
    "a confirmed cause, and the tree was changed",
    { convergence: convergence({ clusters: [confirmed] }), treeChanges: [{ workers: ["a"], paths: ["x"] }] },
    "reproduced",
    false,
    ["tree-changed", "cause-confirmed"],
  ],
  ["no lane was heard", { lanes: [lane("a", "acme", "timeout")] }, "not-reproduced", false, ["no-lane-ok", "no-reproduction"]],
])("%s", (_name, more, verdict, open, reasons) => {
  const decided = errorAnalysis.decide(decisionInput(more));
  expect([decided.verdict, decided.gate.open, decided.gate.reasons]).toEqual([verdict, open, reasons]);
});

test("a hypothesis rests on its finding; a worker without hypotheses proposes each of its findings", () => {
  const finding = { family: "acme", claim: "It is compared with >.", category: "correctness", severity: "P1" as const };
  const section = buildErrorAnalysisSection(
    decisionInput({
      results: [
        {
          worker: "a",
          result: { nonce: "n", findings: [], symptoms: ["50.00"], hypotheses: [{ cause: "Cause.", finding: 1 }, { cause: "Other." }] },
        },
        { worker: "checks", result: { nonce: "n", findings: [] } },
      ],
      findings: [
        { id: "a#1", worker: "a", ...finding },
        { id: "checks#1", worker: "checks", ...finding },
      ],
      convergence: convergence({ clusters: [{ ...confirmed, members: ["a#1", "checks#1"] }] }),
      reproductions: [reproduction(2)],
    }),
  );
  expect(section.symptoms).toEqual([{ worker: "a", text: "50.00" }]);
  expect(section.hypotheses.map(({ worker, cause, cluster: id, confirmed: is }) => [worker, cause, id, is])).toEqual([
    ["a", "Cause.", "C1", true],
    ["a", "Other.", null, false],
    ["checks", "It is compared with >.", "C1", true],
  ]);
  expect(section.reproductions).toMatchObject([{ command: "npm test", confirmed: true }]);
});

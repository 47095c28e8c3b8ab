import { expect, test } from "vitest";
import { LANGUAGES } from "../../report/wording.ts";
import { decisionInput, lane } from "../shared/fixtures/decision-input.ts";
import { requirementsBlocks } from "./blocks.ts";
import { findSubheadProblems } from "./fixtures/subhead-problems.ts";
import { buildRequirementsSection } from "./section.ts";
import { SUBHEADS } from "./wording.ts";

const EMPTY = buildRequirementsSection(decisionInput());
const FULL = buildRequirementsSection(
  decisionInput({
    lanes: [lane("anna", "acme"), lane("ben", "north")],
    results: [
      {
        worker: "anna",
        result: {
          nonce: "n",
          findings: [],
          summary: "A boundary.",
          category: "bugfix",
          size: "small",
          nextPhase: "error-analysis",
          criteria: [{ text: "50.00 earns 5 %.", check: { kind: "command", command: "npm test", how: "It passes." } }],
          clarifications: [{ question: "Before shipping?", why: "It decides.", blocks: "approval" }],
          skip: [{ phase: "implementation-planning", why: "One character." }],
        },
      },
      {
        worker: "ben",
        result: {
          nonce: "n",
          findings: [],
          category: "bugfix",
          size: "trivial",
          criteria: [
            { text: "At 50.00 the discount begins.", check: { kind: "command", command: "npm test", how: "It passes." } },
            { text: "50.00 earns 5 %", check: { kind: "command", command: "npm run check", how: "It passes." } },
          ],
          skip: [{ phase: "implementation-planning", why: "It is plain." }],
        },
      },
    ],
  }),
);

test.each(LANGUAGES)("%s: all parts of section 4", (lang) => {
  expect(requirementsBlocks(FULL, lang)).toMatchSnapshot();
});

test.each(LANGUAGES)("%s: every part stands under a known heading, and an empty one says so", (lang) => {
  for (const section of [EMPTY, FULL]) expect(findSubheadProblems(requirementsBlocks(section, lang), SUBHEADS[lang])).toEqual([]);
  const blocks = requirementsBlocks(EMPTY, lang);
  expect(blocks.map(({ kind }) => kind)).toEqual(SUBHEADS[lang].flatMap(() => ["subhead", "empty"]));
});

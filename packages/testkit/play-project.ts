import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTestHome, type TestHome } from "./test-home.ts";
import { createTestRepo } from "./test-repo.ts";
import { openTestProject, type TestProject } from "./test-project.ts";

const PLAYER = fileURLToPath(new URL("../../examples/basket/tools/play.mjs", import.meta.url));
const PLAIN = `export function sum(a, b) {\n  return a - b;\n}\n`;
const TEST = `import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { sum } from "../src/sum.js";\ntest("nothing", () => {\n  assert.equal(sum(2, 0), 2);\n});\n`;
const ADDS = `import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { sum } from "../src/sum.js";\ntest("adds", () => {\n  assert.equal(sum(2, 2), 4);\n});\n`;

const FAILS = `node -e 'import("./src/sum.js").then(({ sum }) => process.exit(sum(2, 2) === 4 ? 0 : 1))'`;
const cause = {
  claim: "sum subtracts its second argument instead of adding it",
  category: "correctness",
  severity: "P1",
  file: "src/sum.js",
  startLine: 2,
  quote: "return a - b;",
  reproduction: { command: FAILS },
};
const wrong = {
  claim: "sum is not exported, so that no other file can use it",
  category: "correctness",
  severity: "P1",
  file: "src/sum.js",
  startLine: 1,
  quote: "export function sum(a, b) {",
};
const refutation = {
  claim: "sum is not exported",
  answer: "refuted",
  evidence: {
    kind: "reproduction",
    text: "It is exported: an import of it answers a function.",
    command: `node -e 'import("./src/sum.js").then(({ sum }) => process.exit(typeof sum === "function" ? 0 : 1))'`,
  },
};
const criterion = { text: "sum(2, 2) is 4.", check: { kind: "command", command: FAILS, how: "The command passes." } };
const plan = {
  options: [
    { id: "A", title: "Add", summary: "Use +.", pros: ["one character"], cons: ["none"] },
    { id: "B", title: "Negate twice", summary: "Subtract the negated value.", pros: ["none"], cons: ["obscure"] },
  ],
  recommended: "A",
  reason: "It is what the name says.",
  stages: [
    {
      id: "G1",
      title: "Sum",
      dependsOn: [],
      steps: [
        { id: "S1", text: "Write a failing test.", minutes: 5, files: ["test/adds.test.js"] },
        { id: "S2", text: "Add.", minutes: 5, files: ["src/sum.js"] },
      ],
      validation: ["node --test"],
      rollback: "git revert",
    },
  ],
};

/** What each worker was recorded to answer, by phase: two reviewers, one of them wrong, and an executor. */
const RECORDED: Readonly<Record<string, unknown>> = {
  anna: {
    "requirements-discovery": {
      review: [
        {
          category: "bugfix",
          size: "small",
          criteria: [criterion],
          clarifications: [{ question: "May the signature change?", why: "Others call it.", blocks: "approval" }],
          nextPhase: "error-analysis",
        },
      ],
    },
    "error-analysis": { review: [{ findings: [cause], symptoms: ["2 + 2 is 0"] }], votes: [refutation] },
    "implementation-planning": { review: [{ plan }] },
    implementation: { review: [{}], votes: [refutation] },
    "final-verification": { review: [{ criteria: [{ id: "AC1", verdict: "met", evidence: { text: "It adds." } }] }], votes: [refutation] },
  },
  ben: {
    "requirements-discovery": { review: [{ category: "bugfix", size: "small", criteria: [], nextPhase: "error-analysis" }] },
    "error-analysis": { review: [{ findings: [wrong] }] },
    "implementation-planning": { review: [{}] },
    implementation: { review: [{ findings: [wrong] }, {}] },
    "final-verification": { review: [{}] },
  },
  erik: {
    implementation: {
      summary: "sum adds.",
      review: [{}],
      votes: [refutation],
      rounds: [
        [
          { message: "Test that sum adds\n\nStep: S1", files: [{ path: "test/adds.test.js", content: ADDS.split("\n") }] },
          { message: "Add in sum\n\nStep: S2", files: [{ path: "src/sum.js", replace: ["a - b", "a + b"] }] },
        ],
      ],
    },
  },
};

/** A small project with a defect, and workers that take a task of it through every phase with recorded answers. */
export async function createPlayProject(
  name: string,
  options: { home?: TestHome; settings?: Readonly<Record<string, unknown>> } = {},
): Promise<TestProject> {
  const home = options.home ?? createTestHome();
  const project = await openTestProject(home, await createTestRepo(home.directory(name)), name);
  const { root } = project.repo;
  for (const folder of ["tools", "recorded"]) mkdirSync(join(root, folder));
  cpSync(PLAYER, join(root, "tools/play.mjs"));
  for (const [worker, answers] of Object.entries(RECORDED)) writeFileSync(join(root, `recorded/${worker}.json`), JSON.stringify(answers));
  await project.repo.commit("sums", {
    "package.json": `{ "name": "sums", "type": "module", "scripts": { "test": "node --test" } }\n`,
    "src/sum.js": PLAIN,
    "test/sum.test.js": TEST,
    "tools/play.mjs": readFileSync(PLAYER, "utf8"),
    ...Object.fromEntries(Object.entries(RECORDED).map(([worker, answers]) => [`recorded/${worker}.json`, JSON.stringify(answers)])),
  });
  writeFileSync(
    join(root, ".project-docs/okstra/project.json"),
    JSON.stringify({
      schema: 1,
      projectId: name,
      workers: Object.fromEntries(
        Object.keys(RECORDED).map((worker) => [worker, { kind: "command", command: ["node", "tools/play.mjs", worker] }]),
      ),
      executor: "erik",
      roster: {
        "requirements-discovery": ["anna", "ben"],
        "error-analysis": ["checks", "anna", "ben"],
        "implementation-planning": ["anna", "ben"],
        implementation: ["erik", "anna", "ben", "checks"],
        "final-verification": ["checks", "anna", "ben"],
      },
      ...options.settings,
    }),
  );
  return project;
}

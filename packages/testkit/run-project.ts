import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "./test-project.ts";

/** Workers of tests: what each does is a line of shell. */
export const WORKER_LINES = {
  silent: `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
  crash: "echo boom >&2; exit 3",
  mute: "exit 0",
  hang: "sleep 600",
  forger: `printf '{"nonce":"00000000000000000000000000000000","findings":[]}' > "$OKSTRA_RESULT"`,
  stranger: `printf '{"nonce":"%s","runId":"another","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
  garbage: `echo 'no json' > "$OKSTRA_RESULT"`,
  shapeless: `printf '{"nonce":"%s","findings":[{"claim":""}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
  linker: `ln -s /etc/hostname "$OKSTRA_RESULT"`,
  vandal: `echo more >> src/sum.js; printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
  reviewer: `printf '{"nonce":"%s","findings":[{"claim":"The sum is wrong","category":"correctness","severity":"P1","file":"src/sum.js","startLine":9,"endLine":9,"quote":"return   a + b;"}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
  dreamer: `printf '{"nonce":"%s","findings":[{"claim":"A line that is not there","category":"correctness","severity":"P0","file":"src/sum.js","quote":"this is nowhere"}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
} as const;

/** A small project with a test of its own, set up with scripted workers. */
export async function createRunProject(
  options: { passing?: boolean; lines?: Readonly<Record<string, string>>; settings?: Readonly<Record<string, unknown>> } = {},
): Promise<TestProject> {
  const project = await createTestProject({ name: "sums", projectId: "sums" });
  await project.repo.commit("sums", {
    "package.json": `{ "name": "sums", "type": "module", "scripts": { "test": "node --test" } }\n`,
    "src/sum.js": `export function sum(a, b) {\n  return a ${options.passing === false ? "-" : "+"} b;\n}\n`,
    "test/sum.test.js": `import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { sum } from "../src/sum.js";\ntest("adds", () => {\n  assert.equal(sum(2, 2), 4);\n});\n`,
  });
  const workers = Object.fromEntries(
    Object.entries({ ...WORKER_LINES, ...options.lines }).map(([name, line]) => [name, { kind: "command", command: ["sh", "-c", line] }]),
  );
  const path = join(project.repo.root, ".project-docs/okstra/project.json");
  writeFileSync(path, JSON.stringify({ schema: 1, projectId: "sums", workers, ...options.settings }));
  return project;
}

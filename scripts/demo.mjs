// npm run demo: a small TypeScript project with a defect goes through okstra, from its key to validated reports.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { bootstrap } from "./bootstrap.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
await bootstrap();

const base = mkdtempSync(join(tmpdir(), "okstra-demo-"));
const project = join(base, "basket");
const home = join(base, "home");
mkdirSync(home);
const environment = {
  ...process.env,
  HOME: home,
  OKSTRA_HOME: join(home, ".okstra"),
  GIT_AUTHOR_NAME: "Demo",
  GIT_AUTHOR_EMAIL: "demo@example.invalid",
  GIT_COMMITTER_NAME: "Demo",
  GIT_COMMITTER_EMAIL: "demo@example.invalid",
};
const say = (text) => process.stdout.write(`${text}\n`);
const git = (cwd, ...args) => execFileSync("git", args, { cwd, env: environment, encoding: "utf8" });

/** Runs okstra as a person would, shows the command, and fails when its exit status is not the expected one. */
function okstra(expected, ...args) {
  say(`\n$ okstra ${args.map((arg) => (/[\s"]/.test(arg) ? `'${arg}'` : arg)).join(" ")}`);
  const run = spawnSync(process.execPath, [join(root, "bin/okstra.js"), ...args], {
    cwd: project,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  say(run.stdout.trimEnd());
  if (run.status !== expected) {
    say(`\nThe demo failed: exit status ${run.status}, expected ${expected}. Its files are in ${base}`);
    process.exit(1);
  }
  return run.stdout;
}

function showTree(directory, indent = "  ") {
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    say(`${indent}${entry.name}${entry.isDirectory() ? "/" : ""}`);
    if (entry.isDirectory()) showTree(join(directory, entry.name), `${indent}  `);
  }
}

say("1. A project with a defect that its own tests reveal");
cpSync(join(root, "examples/basket"), project, { recursive: true });
git(project, "init", "--quiet", "--initial-branch=main");
git(project, "add", "--all");
git(project, "commit", "--quiet", "--message", "Sell baskets");
okstra(0, "setup", "--yes");
const settings = join(project, ".project-docs/okstra/project.json");
writeFileSync(
  settings,
  `${JSON.stringify(
    {
      ...JSON.parse(readFileSync(settings, "utf8")),
      prepare: `ln -s '${join(root, "node_modules")}' node_modules`,
      workers: { "boundary-review": { kind: "command", command: ["node", "tools/boundary-review.mjs"] } },
    },
    null,
    2,
  )}\n`,
);

say("\n2. Error analysis: two workers look for the cause, okstra reproduces it itself");
okstra(
  0,
  "run",
  "bugs/discount",
  "--task-type",
  "error-analysis",
  "--category",
  "bugfix",
  "--brief",
  "brief.md",
  "--workers",
  "checks,boundary-review",
);

say("\n3. Final verification of the branch as it is: it must be blocked");
okstra(10, "run", "bugs/discount", "--task-type", "final-verification", "--workers", "checks,boundary-review");

say("\n4. Somebody mends it in the task's worktree and commits");
const worktree = okstra(0, "path", "bugs/discount").trim();
const source = join(worktree, "src/discount.ts");
writeFileSync(source, readFileSync(source, "utf8").replaceAll("subtotal > ", "subtotal >= "));
git(worktree, "commit", "--quiet", "--all", "--message", "Give the discount from the boundary on");
say(git(worktree, "log", "--oneline", "-2").trimEnd());

say("\n5. Final verification of the new commit: two families, no finding");
const card = okstra(0, "run", "bugs/discount", "--task-type", "final-verification", "--workers", "checks,boundary-review");
okstra(0, "validate", "bugs/discount");

const records = join(project, ".project-docs/okstra/tasks/bugs/discount");
say(`\nWhat was written, in ${relative(base, records)}:`);
showTree(records);
say(`\n${card.trimEnd()}`);
say(
  `\nOpen the reports:\n  ${join(records, "runs/error-analysis/001/report.html")}\n  ${join(records, "runs/final-verification/001/report.html")}\n  ${join(records, "runs/final-verification/002/report.html")}`,
);

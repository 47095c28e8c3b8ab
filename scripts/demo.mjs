// npm run demo: a small TypeScript project with a defect goes through okstra, from its key to a hand-off.
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
const player = (name) => ({ kind: "command", command: ["node", "tools/play.mjs", name] });
const reviewers = ["anna", "ben", "carl"];
writeFileSync(
  settings,
  `${JSON.stringify(
    {
      ...JSON.parse(readFileSync(settings, "utf8")),
      prepare: `ln -s '${join(root, "node_modules")}' node_modules`,
      workers: Object.fromEntries([...reviewers, "erik"].map((name) => [name, player(name)])),
      executor: "erik",
      roster: {
        "requirements-discovery": reviewers,
        "error-analysis": ["checks", ...reviewers],
        "implementation-planning": reviewers,
        implementation: ["erik", ...reviewers, "checks"],
        "final-verification": ["checks", ...reviewers],
        "improvement-discovery": ["anna"],
      },
    },
    null,
    2,
  )}\n`,
);
say("\nThe workers anna, ben, carl and erik are scripts that play recorded answers: no model is asked.");
say("ben is wrong on purpose, carl crashes once. `checks` is okstra's own: it runs the project's checks.");

say("\n2. A task, and its requirements: a question waits for a person");
okstra(0, "task", "new", "bugs/discount", "--category", "bugfix", "--brief", "brief.md");
okstra(10, "run", "bugs/discount", "--task-type", "requirements-discovery");
okstra(0, "answer", "bugs/discount", "Q1=Yes, on the subtotal before shipping.");

say("\n3. On until a person is needed: the error analysis finds the cause, the plan waits for approval");
okstra(10, "go", "bugs/discount");
okstra(0, "approve", "bugs/discount");

say("\n4. On again: erik edits test first, the others verify, a second round mends what they found, the commit is verified");
okstra(0, "go", "bugs/discount");
const worktree = okstra(0, "path", "bugs/discount").trim();
say(git(worktree, "log", "--oneline", "-4").trimEnd());

say("\n5. What could be better becomes a task of its own");
okstra(0, "run", "bugs/discount", "--task-type", "improvement-discovery");
okstra(0, "task", "new", "ideas/levels", "--from", "bugs/discount#C1");

say("\n6. Everything that was claimed is checked again");
okstra(0, "validate", "bugs/discount");

say("\n7. A person hands it off: the plan has a hash, and only that plan is done");
const remote = join(base, "basket.git");
git(base, "init", "--quiet", "--bare", "--initial-branch=main", remote);
git(project, "remote", "add", "origin", remote);
git(project, "push", "--quiet", "origin", "main");
okstra(10, "handoff", "bugs/discount");
const choices = ["--action", "pr", "--base", "main", "--message", "as-is"];
const plan = okstra(0, "handoff", "bugs/discount", "--plan", ...choices);
const hash = /^hash +([0-9a-f]{64})$/m.exec(plan)?.[1] ?? "";
okstra(0, "handoff", "bugs/discount", "--approve", hash);
say(`\nThe remote has it:\n${git(remote, "log", "--oneline", "--decorate", "-5", "--all").trimEnd()}`);
git(project, "fetch", "--quiet", "origin");
git(project, "merge", "--quiet", "--ff-only", "origin/fix-discount");
git(project, "push", "--quiet", "origin", "main");
say("Somebody merges it there; okstra sees it through the remote, and the task is done");
okstra(0, "task", "done", "bugs/discount");
const card = okstra(0, "task", "show", "bugs/discount");

const records = join(project, ".project-docs/okstra/tasks/bugs/discount");
say(`\nWhat was written, in ${relative(base, records)}:`);
showTree(records);
say(`\n${card.trimEnd()}`);
const reports = ["error-analysis", "implementation", "final-verification"].map((type) => join(records, "runs", type, "001/report.html"));
say(`\nThe wrong claim, refuted by a command that okstra executed, and the crashed lane, named as failed:`);
const analysis = readFileSync(join(records, "runs/error-analysis/001/report.md"), "utf8").split("\n");
for (const line of analysis.filter((each) => /roundCents|carl/.test(each)).slice(0, 8)) say(`  ${line.slice(0, 160)}`);
say(`\nOpen the reports:\n  ${reports.join("\n  ")}`);

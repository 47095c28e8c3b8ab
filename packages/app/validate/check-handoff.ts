import type { HandoffPlan } from "@okstra/core/domain/handoff";
import type { RunEvent } from "@okstra/core/events";
import type { App } from "../app.ts";
import type { PreparedRun } from "../run/begin-run.ts";
import { loadHandoffRecord, loadPlan, planPath } from "../run/handoff-records.ts";

type Run = Pick<PreparedRun, "manifest" | "runDir" | "log">;

/** What of a hand-off's records does not agree, one line each; none when all does. Asks git for commits only, no remote. */
export async function findHandoffProblems(app: App, run: Run, events: readonly RunEvent[]): Promise<readonly string[]> {
  const { manifest, runDir, log } = run;
  const { handoff } = log.state;
  if (handoff === null || manifest.handoff === null) return ["run.json says nothing of what was handed off"];
  const problems: string[] = [];
  if (manifest.roster.length > 0 || manifest.writer !== null) problems.push("a release-handoff has no workers, and run.json names some");
  for (const event of events) if (event.type === "handoff-planned") problems.push(...(await checkPlan(app, runDir, event)));
  const record = await loadHandoffRecord(app, run);
  const plan = handoff.chosen === null ? null : (record?.plan ?? null);
  const pushes = events.flatMap((event, index) => (event.type === "handoff-called" && isPush(event.argv) ? [{ ...event, index }] : []));
  const posts = events.flatMap((event) => (event.type === "handoff-called" && isPost(event.argv) ? [event] : []));
  for (const { argv } of pushes) problems.push(...checkPush(argv, plan));
  const started = events.filter(({ type }) => type === "push-started").length;
  if (pushes.length > started) problems.push(`${pushes.length} pushes are in the argv log, and ${started} were begun`);
  const opened = events.filter(({ type }) => type === "pull-request-started").length;
  if (posts.length > opened) problems.push(`${posts.length} pull requests were asked for in the argv log, and ${opened} were begun`);
  if (plan?.action !== "pr" && (pushes.length > 0 || posts.length > 0)) problems.push("something left the machine, and nobody chose that");
  if (handoff.outcome === "handed-off" && plan !== null) {
    const arrived = events.some((event) => event.type === "remote-asked" && event.commit === plan.outgoing);
    const pushed = pushes.some(({ exitCode }) => exitCode === 0);
    if (!arrived && !pushed) problems.push("neither the remote nor the argv log shows that the chosen commit arrived");
    if (handoff.pullRequest?.opened === true && !posts.some(({ exitCode }) => exitCode === 0) && opened === 0)
      problems.push("a pull request was opened, and no call of the argv log opens one");
  }
  if (plan !== null) problems.push(...checkAnswers(plan, record?.answers ?? []));
  problems.push(...(await checkMove(app, run)));
  return problems;
}

/** Every plan stands in its file as it was when its event was written. */
async function checkPlan(app: App, runDir: string, event: Extract<RunEvent, { type: "handoff-planned" }>): Promise<readonly string[]> {
  const plan = await loadPlan(app, runDir, event.planSha256);
  const name = planPath(runDir, event.planSha256).slice(runDir.length + 1);
  if (plan === null) return [`${name} is not the plan that was made`];
  const isSame =
    plan.action === event.action &&
    plan.head === event.head &&
    plan.outgoing === event.outgoing &&
    plan.ref === event.ref &&
    (plan.remote?.pushUrl ?? null) === event.pushUrl;
  return isSame ? [] : [`${name} says something else than the events`];
}

/** The program's own name and its subcommand, past git's options. */
function isPush(argv: readonly string[]): boolean {
  return subcommandOf(argv) === "push";
}

function subcommandOf(argv: readonly string[]): string | null {
  if (!isProgram(argv[0] ?? "", "git")) return null;
  for (let at = 1; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (word === "-c" || word === "-C") at += 1;
    else if (!word.startsWith("-")) return word;
  }
  return null;
}

function isProgram(path: string, name: string): boolean {
  return path.split(/[\\/]/).at(-1) === name;
}

/** A call that sends something to a forge. */
function isPost(argv: readonly string[]): boolean {
  const isForge = isProgram(argv[0] ?? "", "gh") || isProgram(argv[0] ?? "", "glab");
  return isForge && argv.some((word, at) => (word === "--method" || word === "-X") && argv[at + 1] === "POST");
}

/** One refspec of the chosen branch to the same name; nothing that forces, deletes, or passes hooks over. */
const ALLOWED_OPTIONS: ReadonlySet<string> = new Set(["--porcelain", "--no-follow-tags", "--recurse-submodules=no"]);

function checkPush(argv: readonly string[], plan: HandoffPlan | null): readonly string[] {
  const words = argv.slice(argv.indexOf("push") + 1);
  const options = words.filter((word) => word.startsWith("-"));
  const [, ...refspecs] = words.filter((word) => !word.startsWith("-"));
  const strange = options.filter((word) => !ALLOWED_OPTIONS.has(word));
  if (plan === null) return ["a push is in the argv log, and nothing was chosen"];
  return [
    ...(strange.length === 0 ? [] : [`a push was made with ${strange.join(" ")}`]),
    ...(refspecs.length === 1 && refspecs[0] === `${plan.ref}:${plan.ref}` ? [] : [`a push was made of ${refspecs.join(" ")}`]),
    ...(plan.base !== null && plan.ref === `refs/heads/${plan.base.branch}` ? ["the push goes to the base branch"] : []),
  ];
}

function checkAnswers(plan: HandoffPlan, answers: readonly { question: string; text: string }[]): readonly string[] {
  const said = (question: string): string | null => answers.find((answer) => answer.question === question)?.text ?? null;
  return [
    ...(said("H1") === plan.action ? [] : [`H1 was answered with ${said("H1") ?? "nothing"}, and the plan does ${plan.action}`]),
    ...(plan.base === null || said("H2") === plan.base.branch
      ? []
      : [`H2 was answered with ${said("H2") ?? "nothing"}, and the plan goes into ${plan.base.branch}`]),
    ...(plan.action === "skip" || said("H3") !== null ? [] : ["H3 was not answered"]),
  ];
}

/** A branch that was moved has the tree that it had. */
async function checkMove(app: App, { manifest, log }: Run): Promise<readonly string[]> {
  const moved = log.state.handoff?.moved ?? null;
  if (moved === null) return [];
  const root = manifest.project.root;
  const answer = await app.git.run(root, ["rev-parse", "--verify", "--end-of-options", `${moved.from}^{tree}`], { okExitCodes: [0, 128] });
  const other = await app.git.run(root, ["rev-parse", "--verify", "--end-of-options", `${moved.to}^{tree}`], { okExitCodes: [0, 128] });
  return answer.exitCode === 0 && answer.stdout === other.stdout
    ? []
    : ["the squashed commit has not the tree of the commits that it stands for"];
}

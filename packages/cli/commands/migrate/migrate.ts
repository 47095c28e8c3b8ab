import { resolve } from "node:path";
import { migrate, type MigratedRun, type MigratedTask, type Migration } from "@okstra/app/migrate/migrate";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

const MOST_LINES = 50;

export async function run(
  context: CliContext,
  flags: { readonly from?: string; readonly dryRun: boolean; readonly projectRoot?: string },
): Promise<void> {
  const app = await context.openApp();
  const answer = await migrate(app, {
    from: flags.from === undefined ? null : resolve(app.surroundings.cwd, flags.from),
    dir: resolveDirectory(app, flags.projectRoot),
    dryRun: flags.dryRun,
  });
  context.ui.answer(answer, describe(answer));
}

function describe({ from, dryRun, tasks, runs, problems, nextStep }: Migration): string {
  const lines = [...tasks.map(describeTask), ...runs.map(describeRun)];
  const rest = lines.length - MOST_LINES;
  return [
    `from      ${from}${dryRun ? " (dry run: nothing is written)" : ""}`,
    ...lines.slice(0, MOST_LINES),
    ...(rest > 0 ? [`          … ${rest} more: --json has them all`] : []),
    ...problems.map(({ path, reason }) => `problem   ${neutralise(`${path}: ${reason}`)}`),
    `tasks     ${count(tasks)}`,
    `runs      ${count(runs)}${runs.length === 0 ? "" : "; they are files of then, and prove nothing here"}`,
    `next      ${nextStep}`,
  ].join("\n");
}

const describeTask = ({ taskKey, action, reason }: MigratedTask): string => neutralise(`${action.padEnd(9)} ${taskKey}${because(reason)}`);

const describeRun = ({ taskKey, type, run, action, reason }: MigratedRun): string =>
  neutralise(`${action.padEnd(9)} ${taskKey} ${type}${run === 0 ? "" : ` ${run}`}${because(reason)}`);

const because = (reason: string | null): string => (reason === null ? "" : `: ${reason}`);

function count(rows: readonly { readonly action: MigratedTask["action"] }[]): string {
  const of = (action: MigratedTask["action"]): number => rows.filter((row) => row.action === action).length;
  return `${of("brought")} brought, ${of("as-is")} as they were, ${of("skipped")} skipped`;
}

import { verifyBranch } from "@okstra/app/run/verify";
import type { CliContext } from "../../command.ts";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";
import { resolveDirectory } from "../../directory.ts";
import { readSettingsFlags, type SettingsFlagValues } from "./flags.ts";
import { describeRun } from "./show-run.ts";

interface Flags extends SettingsFlagValues {
  readonly base?: string;
  readonly head?: string;
  readonly strict: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags): Promise<number> {
  const settings = readSettingsFlags(flags);
  const app = await context.openApp();
  const answer = await verifyBranch(
    app,
    { dir: resolveDirectory(app, flags.projectRoot), base: flags.base ?? null, head: flags.head ?? null, ...settings },
    context.interrupted,
  );
  context.ui.answer(answer, await describeRun(app, answer));
  const passes = answer.valid === true && (answer.verdict === "accepted" || (answer.verdict === "conditional-accept" && !flags.strict));
  return passes ? 0 : EXIT_GATE_HOLDS;
}

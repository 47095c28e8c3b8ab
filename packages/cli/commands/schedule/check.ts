import { checkSchedule } from "@okstra/app/schedule/keep-schedule";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { pickProjects } from "../history/history.ts";
import { showCheck } from "./show-check.ts";

export async function run(context: CliContext, flags: { readonly project?: string; readonly projectRoot?: string }): Promise<void> {
  const [of, ...more] = pickProjects(await context.openIndex(), { ...flags, all: false });
  if (of === undefined || more.length > 0)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `The project is ${more.length + 1} directories.`,
      hint: "Run it in one of them, without --project.",
      details: { roots: [of, ...more].flatMap((each) => each?.root ?? []) },
    });
  const report = await checkSchedule(await context.openApp(), of);
  context.ui.answer(report, showCheck(report));
}

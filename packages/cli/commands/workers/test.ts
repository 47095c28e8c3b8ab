import { testWorkers } from "@okstra/app/workers/test-workers";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

/** Exit status 1 when a worker that was tested does not work. */
export async function run(context: CliContext, flags: { readonly projectRoot?: string }, ...names: string[]): Promise<number> {
  const app = await context.openApp();
  const workers = await testWorkers(app, { dir: resolveDirectory(app, flags.projectRoot), names }, context.interrupted);
  context.ui.answer(
    { workers },
    workers
      .flatMap(({ name, ok, steps, durationMs }) => [
        `${ok ? "ok    " : "failed"}  ${name}  (${(durationMs / 1000).toFixed(1)} s)`,
        ...steps.map((step) => `  ${step.ok ? "ok    " : "failed"}  ${step.step}: ${step.detail}`),
      ])
      .join("\n"),
  );
  return workers.every(({ ok }) => ok) ? 0 : 1;
}

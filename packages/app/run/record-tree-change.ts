import { createRedactor } from "@okstra/core/domain/redaction";
import type { Lead } from "./lead-parts.ts";
import { loadSecrets } from "./secrets.ts";
import type { TreeWatch } from "./tree-watch.ts";

/** Names in the log what changed in a tree that was to stay as it is, and who could have done it. */
export async function recordTreeChange(
  { app, run }: Pick<Lead, "app" | "run">,
  change: Awaited<ReturnType<TreeWatch["laneEnded"]>>,
): Promise<void> {
  if (change === null) return;
  const { manifest, log } = run;
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  await log.append({ type: "tree-changed", workers: [...change.workers], paths: change.paths.slice(0, 100).map(redact) });
}

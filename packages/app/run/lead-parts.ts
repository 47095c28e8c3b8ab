import type { Phase } from "@okstra/core/phases/phase";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { TreeWatch } from "./tree-watch.ts";

/** What every step of a run that is led works with. */
export interface Lead {
  readonly app: App;
  readonly run: PreparedRun;
  readonly phase: Phase;
  readonly watch: TreeWatch;
  readonly signal: CancelSignal;
}

import type { ModelTable } from "@okstra/core/domain/models";
import type { PriceTable } from "@okstra/core/domain/prices";
import type { Phase } from "@okstra/core/phases/phase";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import type { PreparedRun } from "./begin-run.ts";
import type { RunSpend } from "./run-spend.ts";
import type { TreeWatch } from "./tree-watch.ts";

/** Who serves which model, and what it costs, with the person's own rows. */
export interface RunTables {
  readonly models: ModelTable;
  readonly prices: PriceTable;
}

/** What every step of a run that is led works with. */
export interface Lead {
  readonly app: App;
  readonly run: PreparedRun;
  readonly phase: Phase;
  readonly watch: TreeWatch;
  readonly signal: CancelSignal;
  readonly spend: RunSpend;
  readonly tables: RunTables;
}

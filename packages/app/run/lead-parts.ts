import type { ModelTable } from "@okstra/core/domain/models";
import type { PriceTable } from "@okstra/core/domain/prices";
import type { Phase } from "@okstra/core/phases/phase";
import type { CancelSignal, LaneOutcome } from "@okstra/core/ports";
import type { App } from "../app.ts";
import type { PreparedRun } from "./begin-run.ts";
import type { RunSpend } from "./run-spend.ts";
import type { TreeWatch } from "./tree-watch.ts";

/** Who serves which model, and what it costs, with the person's own rows. */
export interface RunTables {
  readonly models: ModelTable;
  readonly prices: PriceTable;
}

/** Kind of a worker that the leading agent performs itself: a result comes from it, and no process of okstra's runs it. */
export const CHAT_KIND = "chat";
/** Name of such a worker when nobody gave one. */
export const DEFAULT_CHAT = "chat";

/** How far a run is taken in one step. Absent members: as far as it goes. */
export interface Reach {
  /** Lanes that may be dispatched; none with an empty list. */
  readonly lanes?: readonly string[];
  /** Whether what ended lanes left is taken on: inspected, executed, converged, decided. */
  readonly converges?: boolean;
  /** Whether the report is written and validated, and the run ended. */
  readonly finishes?: boolean;
}

/** What the leading agent gives for a lane that it performs. */
export interface Delivery {
  readonly lane: string;
  readonly outcome: LaneOutcome;
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
  readonly reach: Reach;
}

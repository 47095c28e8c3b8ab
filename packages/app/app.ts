import type { FakeModel } from "@okstra/core/fake-model-port";
import type { CallOutside, ScanSecrets } from "@okstra/core/handoff-port";
import type { InstallFiles } from "@okstra/core/install-port";
import type { ReadOlderRecords } from "@okstra/core/migrate-port";
import type { RunJournals } from "@okstra/core/journal-port";
import type { WatchIndex } from "@okstra/core/notify-port";
import type { Git, TrustItem, WorktreeFiles } from "@okstra/core/git-port";
import type {
  Clock,
  Ids,
  Locks,
  Processes,
  RegistryStore,
  RunInherited,
  Sealer,
  Sha256,
  StartDetached,
  Store,
  Worker,
} from "@okstra/core/ports";
import type { ProjectFiles, Surroundings } from "@okstra/core/project-port";

/** Progress of a use case: the only way it talks while it works. Reporters turn it into lines, a spinner or NDJSON. */
export interface ProgressEvent {
  /** Stable, kebab-case; a reporter may pass over what it does not know. */
  readonly type: string;
  /** One line for a person. */
  readonly text: string;
  /** `record`: an event of a run as it stands in events.jsonl, for machines only. */
  readonly level?: "info" | "note" | "warning" | "record";
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The real parts a use case works with; made once by the way in (command line, MCP, server). */
export interface App {
  readonly surroundings: Surroundings;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly sha256: Sha256;
  readonly sealer: Sealer;
  readonly store: Store;
  readonly locks: Locks;
  readonly registry: RegistryStore;
  /** What lists of runs are read from; derived, and kept up by the runs' logs. */
  readonly journals: RunJournals;
  readonly watchIndex: WatchIndex;
  readonly git: Git;
  readonly files: WorktreeFiles;
  readonly installFiles: InstallFiles;
  /** Text of a regular file inside a tree, links followed; null when it is absent, leads outside, or has over 16 MiB. */
  readonly readTreeFile: (root: string, relative: string) => Promise<string | null>;
  readonly projects: ProjectFiles;
  readonly trust: {
    approve(repository: string, items: readonly TrustItem[], at: string): Promise<void>;
    load(repository: string): Promise<ReadonlyMap<string, string>>;
  };
  /** The table of prices that okstra comes with (assets/prices.json), as it was read. */
  readonly loadPriceTable: () => Promise<unknown>;
  readonly processes: Processes;
  readonly runInherited: RunInherited;
  readonly startDetached: StartDetached;
  readonly readOlderRecords: ReadOlderRecords;
  /** Only for a hand-off and what follows it: nothing else in okstra talks with a remote. */
  readonly callOutside: CallOutside;
  readonly scanSecrets: ScanSecrets;
  readonly workers: ReadonlyMap<string, Worker>;
  /** Starts a model server on loopback for trying an agent; the caller closes it. */
  readonly startFakeModel: () => Promise<FakeModel>;
  readonly emit: (event: ProgressEvent) => void;
}

/** The environment that okstra gives to what it starts for a person: nothing that identifies them to others. */
const PASSED_ENVIRONMENT = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "ComSpec",
  "PATHEXT",
] as const;

/** An allow-listed environment: the fixed list and the names given, those that are set. */
export function allowedEnvironment(env: Surroundings["env"], names: readonly string[]): Record<string, string> {
  const allowed: Record<string, string> = { TERM: "dumb", NO_COLOR: "1" };
  for (const name of [...PASSED_ENVIRONMENT, ...names]) {
    const value = env[name];
    if (value !== undefined) allowed[name] = value;
  }
  return allowed;
}

/** Facts about a task that live beside git's own bookkeeping of its worktree, so that the registry can be rebuilt. */
export interface WorktreeMarker {
  readonly schema: 1;
  readonly taskKey: string;
  readonly projectId: string;
  readonly branch: string;
  readonly baseRef: string;
  /** The revision that the person named as the base, else the main worktree's branch: what the task can fall behind. */
  readonly baseName?: string | undefined;
  /** OKSTRA_HOME of an adopted worktree, which may lie anywhere. */
  readonly home?: string | undefined;
  readonly createdAt: string;
  readonly category: string;
  readonly lastPhase: string | null;
  readonly status: "active" | "released";
  /** `okstra`'s links in the tree, relative paths. */
  readonly links: readonly string[];
  /** Copies made by `.worktreeinclude`: relative path -> [size in bytes, mtime in whole milliseconds]. */
  readonly copies: Readonly<Record<string, readonly [number, number]>>;
  /** True once the project's prepare command succeeded here (or there is none). */
  readonly prepared: boolean;
}

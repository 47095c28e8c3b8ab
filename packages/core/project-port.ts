import type { HomeConfig, Project } from "./domain/project.ts";

/** Where a command works and what was set up there. */
export interface ProjectFiles {
  /**
   * `.project-docs/okstra/project.json` below `root`; null when there is none.
   * @throws OKSTRA_PROJECT_INVALID, OKSTRA_SCHEMA_NEWER
   */
  loadProject(root: string): Promise<Project | null>;
  /** Writes it, keeping members that this version does not know. */
  writeProject(root: string, project: Project): Promise<string>;
  /** @throws OKSTRA_CONFIG_INVALID */
  loadHomeConfig(): Promise<HomeConfig>;
  writeHomeConfig(config: HomeConfig): Promise<string>;
}

/** The few things of the surroundings that a command may depend on, read once by the way in. */
export interface Surroundings {
  readonly cwd: string;
  /** Real path of OKSTRA_HOME. */
  readonly home: string;
  readonly version: string;
  /** Directory of prompts, schemas and skills that ship with okstra. */
  readonly assets: string;
  /** Directory of the installed okstra itself. */
  readonly runtime: string;
  /** Program and first arguments that start this okstra again in a process of its own. */
  readonly launcher: readonly [string, ...string[]];
  /** Variables by name; only okstra's own code sees it, workers get an allow-list. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  /** Without the leading `v`. */
  readonly nodeVersion: string;
  readonly processId: number;
}

import * as z from "zod";

/** A command that tells whether the code is good; run with `sh -c` in the worktree. */
export const qaCommandSchema = z.union([
  z.string().min(1),
  z.looseObject({
    name: z.string().min(1),
    command: z.string().min(1),
    format: z.string().optional().describe("Output format, when it is not to be recognised"),
    reportFile: z.string().optional().describe("File that the command writes its report to, relative to the worktree"),
    timeoutMs: z.int().min(1).optional(),
  }),
]);
export type QaCommand = z.infer<typeof qaCommandSchema>;

const WORKER_KINDS = ["command", "acp", "claude", "codex", "gemini", "checks"] as const;

export const workerConfigSchema = z.looseObject({
  kind: z.enum(WORKER_KINDS),
  command: z.array(z.string().min(1)).min(1).optional(),
  family: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
    .optional()
    .describe("Names of variables that the worker may see"),
  deadlineMs: z.int().min(0).optional().describe("0: the run's own deadline"),
});
export type WorkerConfig = z.infer<typeof workerConfigSchema>;

/** Settings that OKSTRA_HOME/config.json and project.json share; the project's win over home's. */
const sharedSettings = {
  lang: z.enum(["en", "ko"]).optional(),
  workers: z.record(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/), workerConfigSchema).optional(),
  roster: z.record(z.string(), z.array(z.string())).optional().describe("Task type -> worker names"),
  executor: z
    .string()
    .optional()
    .describe("Worker that edits in an implementation; absent: the first of the roster that is no checks worker"),
  reportWriter: z.string().optional().describe("Worker that writes the report's prose; absent: the text is okstra's own"),
  deadlineMs: z.int().min(1).optional().describe("Wall time of a lane"),
  disposable: z.array(z.string().min(1)).optional().describe("Directories that removing a worktree may lose"),
  worktreeSyncDirs: z.array(z.string()).optional().describe("Directories linked from the main worktree"),
};

/** `OKSTRA_HOME/config.json`. */
export const homeConfigSchema = z.looseObject({ schema: z.literal(1).default(1), ...sharedSettings });
export type HomeConfig = z.infer<typeof homeConfigSchema>;

/** `.project-docs/okstra/project.json`. */
export const projectSchema = z.looseObject({
  schema: z.literal(1).default(1),
  projectId: z.string().min(1).max(200),
  ...sharedSettings,
  qaCommands: z.array(qaCommandSchema).optional().describe("Commands of the checks worker; absent: they are found"),
  prepare: z.string().min(1).optional().describe("Command that runs once in a new worktree"),
});
export type Project = z.infer<typeof projectSchema>;

export const DEFAULT_SYNC_DIRECTORIES = [".project-docs", ".scratch", "graphify-out"] as const;
export const DEFAULT_DISPOSABLE = ["node_modules", "target", ".venv"] as const;
/** Wall time of a lane when nothing else is said: 30 minutes. */
export const DEFAULT_DEADLINE_MS = 30 * 60 * 1000;
export const PROJECT_FILE = ".project-docs/okstra/project.json";

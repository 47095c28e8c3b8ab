import * as z from "zod";
import { budgetSchema, sandboxSettingSchema } from "./agent-use.ts";
import { TASK_TYPES } from "./work.ts";

/** As a person writes it: a misspelt limit would hold nothing, so it is refused and not kept as an unknown member. */
const limitsSchema = z.strictObject(budgetSchema.shape);

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
  preset: z.string().min(1).optional().describe("For kind acp: a known agent, e.g. opencode; gives command, environment and modes"),
  model: z.string().min(1).optional().describe("A model's id or an alias of the table; okstra workers list shows them"),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
    .optional()
    .describe("Names of variables that the worker may see"),
  deadlineMs: z.int().min(0).optional().describe("0: the run's own deadline"),
  budget: limitsSchema.optional().describe("Hard limits of each of the worker's lanes"),
  sandbox: sandboxSettingSchema.optional().describe("The worker's own, over the setting of the same name"),
});
export type WorkerConfig = z.infer<typeof workerConfigSchema>;

/** Settings that OKSTRA_HOME/config.json and project.json share; the project's win over home's. */
const sharedSettings = {
  lang: z.enum(["en", "ko"]).optional(),
  workers: z.record(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/), workerConfigSchema).optional(),
  roster: z.partialRecord(z.enum(TASK_TYPES), z.array(z.string())).optional().describe("Task type -> worker names"),
  executor: z
    .string()
    .optional()
    .describe("Worker that edits in an implementation; absent: the first of the roster that is no checks worker"),
  reportWriter: z.string().optional().describe("Worker that writes the report's prose; absent: the text is okstra's own"),
  deadlineMs: z.int().min(1).optional().describe("Wall time of a lane"),
  budget: limitsSchema.optional().describe("Hard limits of a whole run, all its lanes together; wall time counts from each start"),
  sandbox: sandboxSettingSchema
    .optional()
    .describe("auto: where it is possible; require: refuse to run without; off. Not set: auto for agents, off for command workers"),
  protectedPaths: z
    .array(z.string().min(1))
    .optional()
    .describe("Globs that no executor may touch, beside git's own files and agents' settings"),
  models: z.record(z.string(), z.string()).optional().describe("Alias -> model id, beside the built-in table"),
  families: z
    .record(z.string(), z.string().min(1))
    .optional()
    .describe("Model id or a pattern with * -> family, beside the built-in table and before it"),
  prices: z
    .record(
      z.string(),
      z.looseObject({
        inputPerMillion: z.string().regex(/^\d+(?:\.\d+)?$/),
        outputPerMillion: z.string().regex(/^\d+(?:\.\d+)?$/),
        cachedInputPerMillion: z
          .string()
          .regex(/^\d+(?:\.\d+)?$/)
          .optional(),
        cacheWritePerMillion: z
          .string()
          .regex(/^\d+(?:\.\d+)?$/)
          .optional(),
        currency: z
          .string()
          .regex(/^[A-Z]{3}$/)
          .default("USD"),
      }),
    )
    .optional()
    .describe("Model id or a pattern with * -> price, over the built-in table"),
  handoffTemplate: z
    .string()
    .min(1)
    .optional()
    .describe("File with the Liquid template of a pull request's body, from the project's root or from OKSTRA_HOME"),
  forges: z
    .record(z.string(), z.enum(["github", "gitlab"]))
    .optional()
    .describe("Host -> kind of forge, beside the known ones"),
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

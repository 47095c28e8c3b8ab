import * as z from "zod";

const registryStatusSchema = z.enum(["provisioning", "active", "released"]);

/** One task's row; snake_case is kept from version 1. `repository` is the real path of the common git directory. */
export const registryRowSchema = z.looseObject({
  project_id: z.string(),
  task_group: z.string(),
  task_id: z.string(),
  repository: z.string(),
  worktree_path: z.string(),
  branch: z.string(),
  base_ref: z.string().describe("The commit the branch started from"),
  created_at: z.string(),
  last_phase: z.string().nullable(),
  status: registryStatusSchema,
  pending: z
    .looseObject({
      step: z.enum(["removing", "restoring", "updating"]),
      stamp: z.string(),
      onto: z.string().optional(),
      ontoName: z.string().optional(),
    })
    .optional()
    .describe("A step under way that the next command completes or takes back; stamp names its recovery refs"),
});
export type RegistryRow = z.infer<typeof registryRowSchema>;

export const registrySchema = z.looseObject({
  schema: z.literal(2),
  tasks: z.record(z.string(), registryRowSchema),
  branches: z.record(z.string(), z.record(z.string(), z.string())).describe("repository -> branch -> task key"),
});
export type Registry = z.infer<typeof registrySchema>;

export const EMPTY_REGISTRY: Registry = { schema: 2, tasks: {}, branches: {} };

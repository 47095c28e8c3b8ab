import * as z from "zod";
import { voteResultSchema } from "@okstra/core/convergence/votes";
import { homeConfigSchema, projectSchema } from "@okstra/core/domain/project";
import { reportProseSchema } from "@okstra/core/domain/report-prose";
import { runManifestSchema } from "@okstra/core/domain/run";
import { workerResultSchema } from "@okstra/core/domain/worker-result";
import { runEventSchema } from "@okstra/core/events";
import { PHASES } from "@okstra/core/phases/index";
import { reportSchema } from "@okstra/core/report/report-data";

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  "worker-result": workerResultSchema,
  "vote-result": voteResultSchema,
  "report-prose": reportProseSchema,
  report: reportSchema,
  run: runManifestSchema,
  project: projectSchema,
  config: homeConfigSchema,
  event: runEventSchema,
  ...Object.fromEntries(PHASES.map((phase) => [`worker-result.${phase.type}`, phase.resultSchema])),
};

export const SCHEMA_NAMES = Object.keys(SCHEMAS);

/** The JSON Schema (draft 2020-12) of what a file may hold; null for an unknown name. */
export function printSchema(name: string): Record<string, unknown> | null {
  const schema = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined;
  return schema === undefined ? null : { title: `okstra ${name}`, ...(z.toJSONSchema(schema, { io: "input" }) as Record<string, unknown>) };
}

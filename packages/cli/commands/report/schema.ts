import { printSchema, SCHEMA_NAMES } from "@okstra/app/schema/print-schema";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";

export async function run(context: CliContext, _flags: unknown, name: string): Promise<void> {
  const schema = printSchema(name);
  if (schema === null)
    throw new OkstraError("OKSTRA_USAGE", { message: `There is no schema "${name}"; known: ${SCHEMA_NAMES.join(", ")}.` });
  context.ui.raw(JSON.stringify(schema, null, 2));
}

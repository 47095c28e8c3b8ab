import { Liquid } from "liquidjs";
import * as z from "zod";
import type { Phase, ProfileVariables } from "@okstra/core/phases/phase";

const liquid = new Liquid({ strictVariables: true, strictFilters: true });

/** What one worker is asked. A template that names an unknown variable does not render. */
export async function renderPrompt(phase: Phase, variables: Omit<ProfileVariables, "resultSchema">): Promise<string> {
  const text: unknown = await liquid.parseAndRender(phase.profile, {
    ...variables,
    resultSchema: JSON.stringify(z.toJSONSchema(phase.resultSchema, { io: "input" }), null, 2),
  });
  return String(text);
}

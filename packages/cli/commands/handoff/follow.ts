import type { App } from "@okstra/app/app";
import type { HandoffRequest } from "@okstra/app/handoff/handoff";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";

export async function follow(_context: CliContext, _app: App, _request: HandoffRequest): Promise<number> {
  throw new OkstraError("OKSTRA_INTERNAL", { message: "being written" });
}

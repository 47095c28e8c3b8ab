import { openLane } from "@okstra/app/door/open-lane";
import { OkstraError } from "@okstra/core/errors";
import { serveLane } from "@okstra/mcp/serve-lane";
import type { CommandFunction } from "../../command.ts";

/** So many problems of the wire are told; a client that sends rubbish without end fills no log. */
const MOST_PROBLEMS = 20;
const MAX_PROBLEM = 200;

export const run: CommandFunction<{ worker: boolean }, []> = async ({ openApp, interrupted }, { worker }) => {
  if (!worker)
    throw new OkstraError("OKSTRA_USAGE", {
      message: "okstra mcp has only --worker in this version.",
      hint: "okstra starts `okstra mcp --worker` itself, for the agent of a lane.",
    });
  const app = await openApp();
  const lane = await openLane(app);
  let problems = 0;
  await serveLane(lane, {
    version: app.surroundings.version,
    signal: interrupted,
    onProblem: (text) => {
      problems += 1;
      if (problems <= MOST_PROBLEMS) app.emit({ type: "mcp-problem", level: "warning", text: text.slice(0, MAX_PROBLEM) });
    },
  });
};

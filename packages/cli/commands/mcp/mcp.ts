import { openLane } from "@okstra/app/door/open-lane";
import { serve } from "@okstra/mcp/serve";
import { serveLane } from "@okstra/mcp/serve-lane";
import type { CommandFunction } from "../../command.ts";

/** So many problems of the wire are told; a client that sends rubbish without end fills no log. */
const MOST_PROBLEMS = 20;
const MAX_PROBLEM = 200;

export const run: CommandFunction<{ worker: boolean }, []> = async ({ openApp, interrupted }, { worker }) => {
  const app = await openApp();
  let problems = 0;
  const options = {
    version: app.surroundings.version,
    signal: interrupted,
    onProblem: (text: string) => {
      problems += 1;
      if (problems <= MOST_PROBLEMS) app.emit({ type: "mcp-problem", level: "warning", text: text.slice(0, MAX_PROBLEM) });
    },
  };
  if (worker) await serveLane(await openLane(app), options);
  else await serve(app, options);
};

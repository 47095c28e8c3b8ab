import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";

/** For a program that gets the person's terminal, all of it. @throws OKSTRA_TERMINAL_NEEDED */
export function requireTerminal({ streams, ui }: Pick<CliContext, "streams" | "ui">): void {
  if (streams.terminal !== null && !ui.json) return;
  throw new OkstraError("OKSTRA_TERMINAL_NEEDED", {
    message: ui.json
      ? "--interactive gives standard output to the agent, so that there is no place for --json."
      : "--interactive starts an agent on your terminal, and this is none.",
    hint: "Run it on a terminal, or let an agent that runs already lead: okstra run … --lead agent",
  });
}

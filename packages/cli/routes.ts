import { buildRouteMap } from "@stricli/core";
import { convergeCommands } from "./commands/converge.ts";
import { projectCommands } from "./commands/project.ts";
import { reportCommands } from "./commands/report.ts";
import { runCommands } from "./commands/run.ts";
import { systemCommands } from "./commands/system.ts";
import { taskCommands } from "./commands/task.ts";
import { worktreeRoutes } from "./commands/worktree.ts";

/** Every command, declared once: parsing, help, documentation and completion come from here. */
export const routes = buildRouteMap({
  routes: {
    ...projectCommands,
    ...runCommands,
    ...reportCommands,
    ...taskCommands,
    ...convergeCommands,
    ...systemCommands,
    worktree: worktreeRoutes,
  },
  docs: { brief: "Takes coding tasks through phases, each in its own worktree, with evidence that a program validated" },
});

import { buildRouteMap } from "@stricli/core";
import { completionCommands } from "./commands/completion.ts";
import { convergeCommands } from "./commands/converge.ts";
import { installCommands } from "./commands/install.ts";
import { mcpCommands } from "./commands/mcp.ts";
import { migrateCommands } from "./commands/migrate.ts";
import { costCommands } from "./commands/cost.ts";
import { timeCommands } from "./commands/time.ts";
import { statusCommands } from "./commands/status.ts";
import { historyCommands } from "./commands/history.ts";
import { dashboardCommands } from "./commands/dashboard.ts";
import { handoffCommands } from "./commands/handoff.ts";
import { leadRoutes } from "./commands/lead.ts";
import { logsCommands } from "./commands/logs.ts";
import { projectCommands } from "./commands/project.ts";
import { reportCommands } from "./commands/report.ts";
import { runCommands } from "./commands/run.ts";
import { scheduleRoutes } from "./commands/schedule.ts";
import { systemCommands } from "./commands/system.ts";
import { taskCommands } from "./commands/task.ts";
import { watchCommands } from "./commands/watch.ts";
import { workersRoutes } from "./commands/workers.ts";
import { worktreeRoutes } from "./commands/worktree.ts";

/** Every command, declared once: parsing, help, documentation and completion come from here. */
export const routes = buildRouteMap({
  routes: {
    ...projectCommands,
    ...runCommands,
    ...reportCommands,
    ...taskCommands,
    ...handoffCommands,
    ...historyCommands,
    ...statusCommands,
    ...dashboardCommands,
    ...watchCommands,
    ...timeCommands,
    ...convergeCommands,
    ...logsCommands,
    ...costCommands,
    ...systemCommands,
    ...mcpCommands,
    ...installCommands,
    ...migrateCommands,
    ...completionCommands,
    lead: leadRoutes,
    workers: workersRoutes,
    worktree: worktreeRoutes,
    schedule: scheduleRoutes,
  },
  docs: { brief: "Takes coding tasks through phases, each in its own worktree, with evidence that a program validated" },
});

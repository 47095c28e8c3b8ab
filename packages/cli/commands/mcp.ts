import { defineCommand } from "../command.ts";

export const mcpCommands = {
  mcp: defineCommand({
    load: async () => (await import("./mcp/mcp.ts")).run,
    parameters: {
      flags: {
        worker: { kind: "boolean", brief: "Serve the lane that OKSTRA_DOOR names", default: false, withNegated: false },
      },
    },
    brief: "MCP server for agents: status, tasks, reports, starting runs",
    fullDescription:
      "MCP server on the standard streams, for agents: status, tasks, history, reports, findings, schedule, a task's worktree, starting a run and following it, submitting findings. What a person decides (answers, approvals, overrides, hand-offs) is not served. With --worker it serves the one lane that OKSTRA_DOOR names, and writes nowhere else: okstra gives that to each agent that it starts.",
  }),
};

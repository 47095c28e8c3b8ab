import { defineCommand } from "../command.ts";

export const mcpCommands = {
  mcp: defineCommand({
    load: async () => (await import("./mcp/mcp.ts")).run,
    parameters: {
      flags: {
        worker: { kind: "boolean", brief: "Serve the lane that OKSTRA_DOOR names", default: false, withNegated: false },
      },
    },
    brief: "MCP server of a worker's lane",
    fullDescription:
      "MCP server of a worker's lane, on the standard streams. okstra gives it to each agent that it starts: the agent reads its brief and submits findings and the result through it, and hears at once what is wrong. It serves the one lane that OKSTRA_DOOR names, and writes nowhere else.",
  }),
};

import { defineCommand, jsonFlag } from "../command.ts";

export const dashboardCommands = {
  dashboard: defineCommand({
    load: async () => (await import("./dashboard/dashboard.ts")).run,
    parameters: {
      flags: {
        port: { kind: "parsed", parse: String, brief: "Port of 127.0.0.1 (default: one that is free)", placeholder: "N", optional: true },
        open: { kind: "boolean", brief: "Open it with the system's browser", default: false, withNegated: false },
        ...jsonFlag,
      },
    },
    brief: "Serve the dashboard to this machine's browser until Ctrl-C",
    fullDescription:
      "Serves the dashboard on 127.0.0.1 until it is interrupted, and prints its address. The address opens it once, in one browser; whoever has it before you has your rights in okstra. With --json one line is printed: url, port, pid; nothing is opened then, nor without a terminal.",
  }),
};

import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

export const systemCommands = {
  doctor: defineCommand({
    load: async () => (await import("./system/doctor.ts")).run,
    parameters: { flags: { ...projectRootFlag, ...jsonFlag } },
    brief: "Say whether everything okstra stands on is in order; changes nothing",
  }),
};

import { defineCommand, jsonFlag, projectRootFlag, taskParameter } from "../command.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const toggle = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

export const handoffCommands = {
  handoff: defineCommand({
    load: async () => (await import("./handoff/handoff.ts")).run,
    parameters: {
      positional: { kind: "tuple", parameters: [taskParameter] },
      flags: {
        plan: toggle("Print the plan and its hash, and do nothing"),
        action: {
          kind: "enum",
          values: ["commit", "pr", "skip"],
          brief: "commit: keep the commits here; pr: push and open a pull request; skip",
          optional: true,
        },
        base: text("Branch that the work is to go into", "BRANCH"),
        message: text("as-is: title and body from the report; else a file with them, or - for standard input", "as-is|FILE"),
        commits: {
          kind: "enum",
          values: ["as-is", "squash"],
          brief: "as-is (default), or squash: one commit, trailers kept",
          optional: true,
        },
        approve: text("Hash of a plan: do exactly that, or refuse", "HASH"),
        template: text("Template of the body (default: the project's, yours, the built-in one)", "FILE"),
        remote: text("Remote to push to (default: origin, or the only one)", "NAME"),
        pushUrl: text("Confirms that the repository's own configuration pushes there", "URL"),
        acceptSecret: {
          kind: "parsed",
          parse: String,
          brief: "Fingerprint of what looks like a secret and is none (again for each)",
          placeholder: "FINGERPRINT",
          variadic: true,
          optional: true,
        },
        follow: toggle("Take failing checks and review comments of the pull request up as findings of a fix cycle"),
        deadline: text("Wall time of each call of the remote or the forge: 30s, 2m (default 2m)", "D"),
        lang: { kind: "enum", values: ["en", "ko"], brief: "Language of report and body", optional: true },
        events: { kind: "enum", values: ["ndjson"], brief: "Write each event as a line of JSON to stderr", optional: true },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Hand a verified task off: commits, push and pull request, only as a person chose",
    fullDescription:
      "On a terminal it asks what is to happen and shows everything before the last answer. Without one: --plan prints a plan with its hash, and --approve does exactly that plan. Called again after a crash it goes on where it stopped.",
  }),
};

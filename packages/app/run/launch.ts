import type { RunManifest } from "@okstra/core/domain/run";

/** A command line of okstra about a run, with everything that names the run, as a shell reads it. */
export function commandFor(
  { taskKey, type, project }: Pick<RunManifest, "taskKey" | "type" | "project">,
  name: string,
  ...more: readonly string[]
): string {
  const task = taskKey.split("/").slice(1).join("/");
  return ["okstra", name, task, ...more, "--task-type", type, "--project-root", `'${project.root.replaceAll("'", `'\\''`)}'`].join(" ");
}

/** How to start the prepared run, for a person or a chat agent: `launch.md`, and what an interactive agent is told first. */
export function describeLaunch(manifest: RunManifest, runDir: string): string {
  return [
    `# ${manifest.taskKey}: ${manifest.type}, run ${manifest.run}`,
    "",
    `- Worktree: \`${manifest.provision.path}\``,
    `- Head commit: ${manifest.commit === "" ? "none (no git)" : `\`${manifest.commit}\``}`,
    `- Workers: ${manifest.roster.map((entry) => `${entry.worker} (${entry.kind}, family ${entry.family})`).join(", ")}`,
    `- Prompts: \`${runDir}/prompts/\``,
    "",
    ...(manifest["lead"] === "agent" ? describeLeading(manifest) : ["Start it:", "", "```sh", commandFor(manifest, "resume"), "```"]),
    "",
  ].join("\n");
}

/** What a chat agent does as lead. What is decided is decided by the commands, so that little is told here. */
function describeLeading(manifest: RunManifest): readonly string[] {
  return [
    "You lead this run. Ask what is due, do it, and ask again until the run has ended:",
    "",
    "```sh",
    commandFor(manifest, "lead next"),
    "```",
    "",
    "It answers with the exact commands. What they do:",
    "",
    "| command | what |",
    "| --- | --- |",
    `| \`${commandFor(manifest, "lead dispatch", "LANE")}\` | Runs the lane's worker to its end. A lane of the kind \`chat\` is yours: it says where the prompt is and where the result goes |`,
    `| \`${commandFor(manifest, "lead collect", "LANE")}\` | Takes the result of a lane of yours, or says what is wrong with it |`,
    `| \`${commandFor(manifest, "lead fail", "LANE", "--reason TEXT")}\` | Ends a lane of yours that will have no result; it counts as failed |`,
    `| \`${commandFor(manifest, "lead converge")}\` | When all lanes have ended: executes what they propose, plans the next lanes, or converges and decides |`,
    `| \`${commandFor(manifest, "lead finish")}\` | Writes and validates the report, and ends the run |`,
    "",
    "Rules:",
    "",
    "- Perform each lane of yours in a session of its own (a subagent) that gets the lane's prompt and nothing else: no lane may see what another said. Put nothing into a result, and take nothing out of it.",
    "- Several lanes can be at work at once.",
    "- Write no file of the run but the results. Approve nothing, override nothing and hand nothing off: that is a person's.",
    "- At the end, tell the person the verdict, the gate and where the report is.",
  ];
}

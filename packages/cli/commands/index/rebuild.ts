import { rebuildJournal } from "@okstra/app/history/rebuild-journal";
import type { CliContext } from "../../command.ts";
import { pickProjects, type HistoryFlags } from "../history/history.ts";

export async function run(context: CliContext, flags: Pick<HistoryFlags, "project" | "all" | "projectRoot">): Promise<void> {
  const projects = pickProjects(await context.openIndex(), flags);
  const app = await context.openApp();
  const rebuilt = [];
  for (const of of projects) {
    app.emit({ type: "index-rebuilding", text: `reading the runs of ${of.project}` });
    rebuilt.push(await rebuildJournal(app, of));
  }
  const lines = rebuilt.flatMap(({ project, root, runs, damaged }) => [
    `${project}  ${runs} run${runs === 1 ? "" : "s"}  ${root}`,
    ...damaged.map((path) => `  damaged ${path}`),
  ]);
  context.ui.answer({ projects: rebuilt }, lines.length === 0 ? "no projects" : lines.join("\n"));
}

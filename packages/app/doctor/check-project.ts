import { openProject } from "../project/open-project.ts";
import type { App } from "../app.ts";
import { failed, failedBy, passed, type Check } from "./check.ts";

export async function checkProject(app: App, dir: string): Promise<readonly Check[]> {
  try {
    const opened = await openProject(app, dir, { allowNew: true });
    if (opened.location === null) return [passed("project", `${dir} is in no git repository`)];
    return [
      opened.setUp
        ? passed("project", `${opened.project.projectId} in ${opened.root}`)
        : failed("project", `${opened.root} is not set up`, "okstra setup"),
    ];
  } catch (error) {
    return [failedBy("project", error)];
  }
}

import type { Project } from "@okstra/core/domain/project";
import { slugSegment } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { TrustItem } from "@okstra/core/git-port";
import { tellNotes } from "../worktree/place.ts";
import type { App } from "../app.ts";
import { openProject, suggestProjectId } from "./open-project.ts";
import { listTrust } from "./trust.ts";

export interface SetupAnswer {
  readonly projectId: string;
  readonly root: string;
  readonly path: string;
  readonly created: boolean;
  /** What the repository brings along that would run or be obeyed, with what was approved. */
  readonly trust: readonly TrustItem[];
}

/**
 * Writes `.project-docs/okstra/project.json`, keeping what is there.
 * @throws OKSTRA_PROJECT_ID_TAKEN when another repository's tasks have the id on this machine
 */
export async function setUpProject(
  app: App,
  options: { dir: string; projectId: string | null; replaceBroken: boolean },
): Promise<SetupAnswer> {
  const opened = await openProject(app, options.dir, { allowNew: true }).catch((error: unknown) => {
    if (options.replaceBroken && error instanceof OkstraError && error.code === "OKSTRA_PROJECT_INVALID") return null;
    throw error;
  });
  if (opened === null) return replaceBrokenProject(app, options);
  const projectId = slugSegment(options.projectId ?? opened.project.projectId, app.sha256);
  if (opened.location !== null) await requireFreeId(app, projectId, opened.location.commonDir);
  const trust = await listTrust(app, opened.location, [opened.root]);
  const path = await writeProject(app, opened.root, { ...opened.project, projectId });
  return { projectId, root: opened.root, path, created: !opened.setUp, trust };
}

/** A project.json that cannot be read is kept beside the new one. */
async function replaceBrokenProject(app: App, options: { dir: string; projectId: string | null }): Promise<SetupAnswer> {
  const location = await app.git.locate(options.dir);
  const root = location === null ? options.dir : (location.mainRoot ?? location.topLevel);
  const projectId = slugSegment(options.projectId ?? suggestProjectId(app, root), app.sha256);
  if (location !== null) await requireFreeId(app, projectId, location.commonDir);
  const broken = `${root}/.project-docs/okstra/project.json`;
  const text = await app.store.readText(broken);
  if (text !== null) await app.store.createText(`${broken}.bad-${app.ids.randomHex(4)}`, text);
  const path = await writeProject(app, root, { schema: 1, projectId });
  return { projectId, root, path, created: true, trust: await listTrust(app, location, [root]) };
}

/** okstra's own records in the project are private to it and never show in `git status`; project.json may be committed. */
async function writeProject(app: App, root: string, project: Project): Promise<string> {
  await ensureRecords(app, root);
  return app.projects.writeProject(root, project);
}

/** Makes `.project-docs/okstra` with an ignore file of its own. */
export async function ensureRecords(app: App, root: string): Promise<string> {
  const records = `${root}/.project-docs/okstra`;
  await app.store.ensureSharedDirectory(records);
  await app.store.createText(`${records}/.gitignore`, "# Records of okstra's runs. project.json may be committed.\n*\n!project.json\n");
  return records;
}

async function requireFreeId(app: App, projectId: string, repository: string): Promise<void> {
  const { registry, notes } = await app.registry.load();
  tellNotes(app, notes);
  for (const row of Object.values(registry.tasks)) {
    if (row.project_id !== projectId || row.repository === repository || row.repository === "" || row.status === "released") continue;
    if (!(await app.store.exists(row.repository))) continue;
    throw new OkstraError("OKSTRA_PROJECT_ID_TAKEN", {
      message: `The project id ${projectId} belongs to the repository ${row.repository}, and this one is ${repository}.`,
      hint: "Choose another: okstra setup --project-id <id>",
      details: { projectId, registered: row.repository, here: repository },
    });
  }
}

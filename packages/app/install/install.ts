import { AGENT_NAMES, AGENT_SKILLS, compareVersions, type AgentName, type InstallTarget } from "@okstra/core/domain/install";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { applyTargets, type Applied } from "./apply-targets.ts";
import { loadInstalled } from "./installed.ts";
import { loadPackage } from "./load-package.ts";

/** Where skills go: the person's home, or a project's main worktree. */
export type Scope = "user" | "project";

export interface InstallRequest {
  readonly scope: Scope;
  /** Directory of the project, for its scope. */
  readonly directory: string;
  /** Null: those that are seen here. */
  readonly agents: readonly AgentName[] | null;
  readonly dryRun: boolean;
}

export interface InstallAnswer extends Applied {
  readonly agents: readonly AgentName[];
  /** Why these agents, in words. */
  readonly reason: string;
}

/**
 * Lays okstra's skills where agents read them; once more changes nothing. What the user changed stays, and the new one is laid
 * beside it.
 * @throws OKSTRA_PACKAGE_DAMAGED, OKSTRA_INSTALL_NEWER, OKSTRA_SCHEMA_NEWER, OKSTRA_PATH_IS_LINK
 */
export async function installSkills(app: App, request: InstallRequest): Promise<InstallAnswer> {
  const own = await loadPackage(app);
  const base = await findBase(app, request);
  const { agents, reason } = request.agents === null ? await findAgents(app) : { agents: request.agents, reason: "as you said" };
  const add = (targets: readonly InstallTarget[]): readonly InstallTarget[] => {
    const there = targets.find((target) => target.base === base && target.scope === request.scope);
    const all = AGENT_NAMES.filter((name) => agents.includes(name) || there?.agents.includes(name) === true);
    const target = { ...there, scope: request.scope, base, agents: all };
    return there === undefined ? [...targets, target] : targets.map((each) => (each === there ? target : each));
  };
  return { ...(await applyTargets(app, own, add, request)), agents, reason };
}

/**
 * Makes what was installed what this package brings, and says nothing: for the first step of every skill. Where a newer okstra
 * installed, nothing is changed.
 * @throws OKSTRA_NOT_INSTALLED when nothing was installed
 */
export async function ensureInstalled(app: App): Promise<void> {
  const [own, installed] = [await loadPackage(app), await requireInstalled(app)];
  if (compareVersions(installed.version, own.build.version) > 0) return;
  const keep = (targets: readonly InstallTarget[]): readonly InstallTarget[] => targets;
  // Looked at without the lock first: when all is in place nothing at all is written.
  if ((await applyTargets(app, own, keep, { dryRun: true })).changed) await applyTargets(app, own, keep);
}

/** @throws OKSTRA_NOT_INSTALLED, OKSTRA_INSTALL_NEWER */
export async function upgradeSkills(app: App, { dryRun }: { readonly dryRun: boolean }): Promise<Applied> {
  const own = await loadPackage(app);
  await requireInstalled(app);
  return applyTargets(app, own, (targets) => targets, { dryRun });
}

/** Removes what was installed and is still as it was written; of one scope, or all of it. */
export async function uninstallSkills(
  app: App,
  request: { readonly scope: Scope | null; readonly directory: string; readonly dryRun: boolean },
): Promise<Applied> {
  const own = await loadPackage(app);
  const base = request.scope === null ? null : await findBase(app, { scope: request.scope, directory: request.directory });
  const isMeant = (target: InstallTarget): boolean => base === null || (target.base === base && target.scope === request.scope);
  return applyTargets(app, own, (targets) => targets.filter((target) => !isMeant(target)), request);
}

async function requireInstalled(app: App): Promise<{ readonly version: string }> {
  const installed = await loadInstalled(app);
  if (installed === null || installed.targets.length === 0)
    throw new OkstraError("OKSTRA_NOT_INSTALLED", { message: "No skills of okstra were installed here." });
  return installed;
}

async function findBase(app: App, { scope, directory }: { readonly scope: Scope; readonly directory: string }): Promise<string> {
  if (scope === "project") return (await openProject(app, directory, { allowNew: true })).root;
  const home = app.surroundings.env["HOME"] ?? app.surroundings.env["USERPROFILE"] ?? "";
  if (home === "" || !(await app.store.exists(home)))
    throw new OkstraError("OKSTRA_DIRECTORY_NOT_FOUND", {
      message: home === "" ? "HOME is not set." : `HOME is ${home}, which does not exist.`,
      hint: "Set HOME, or install into this project: okstra install --project",
      details: { path: home },
    });
  return home;
}

/** Agents that have settings in the home, or a program on PATH; where there is none, one for each directory of skills. */
async function findAgents(app: App): Promise<{ readonly agents: readonly AgentName[]; readonly reason: string }> {
  const { env } = app.surroundings;
  const seen: AgentName[] = [];
  for (const name of AGENT_NAMES) {
    const { home, program } = AGENT_SKILLS[name];
    const hasSettings = env["HOME"] !== undefined && (await app.store.exists(`${env["HOME"]}/${home}`));
    if (hasSettings || (await app.processes.findProgram(program, env["PATH"] ?? "")) !== null) seen.push(name);
  }
  if (seen.length > 0) return { agents: seen, reason: "seen here by their settings or their program" };
  return { agents: ["claude", "codex"], reason: "no agent was seen here; these two directories are read by all of them" };
}

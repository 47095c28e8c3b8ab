import type { Applied, AppliedFile } from "@okstra/app/install/apply-targets";
import { ensureInstalled, installSkills, uninstallSkills, upgradeSkills, type Scope } from "@okstra/app/install/install";
import { AGENT_NAMES, type AgentName, type Outcome } from "@okstra/core/domain/install";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface ScopeFlags {
  readonly user: boolean;
  readonly project: boolean;
  readonly projectRoot?: string;
}

export async function runInstall(
  context: CliContext,
  flags: ScopeFlags & { readonly agents?: string; readonly dryRun: boolean; readonly json: boolean },
): Promise<void> {
  const app = await context.openApp();
  const answer = await installSkills(app, {
    scope: readScope(flags) ?? "user",
    directory: resolveDirectory(app, flags.projectRoot),
    agents: flags.agents === undefined ? null : readAgents(flags.agents),
    dryRun: flags.dryRun,
  });
  const { agents, reason, ...applied } = answer;
  context.ui.answer(
    { ...documentOf(applied, flags.dryRun), agents, reason },
    [
      `okstra ${answer.version} for ${agents.join(", ")} (${reason})`,
      ...describe(applied, flags.dryRun),
      ...(flags.dryRun ? [] : ["Next, in a repository: okstra setup"]),
    ].join("\n"),
  );
}

export async function runEnsure(context: CliContext, flags: { readonly json: boolean }): Promise<void> {
  await ensureInstalled(await context.openApp());
  if (flags.json) context.ui.answer({ installed: true }, "");
}

export async function runUpgrade(context: CliContext, flags: { readonly dryRun: boolean; readonly json: boolean }): Promise<void> {
  const app = await context.openApp();
  const applied = await upgradeSkills(app, flags);
  const from = applied.before === applied.version ? "" : `, before ${applied.before ?? "none"}`;
  context.ui.answer(
    documentOf(applied, flags.dryRun),
    [
      `okstra ${applied.version}${from}`,
      ...describe(applied, flags.dryRun),
      "A newer okstra, if there is one: npm install --global okstra@latest && okstra upgrade",
    ].join("\n"),
  );
}

export async function runUninstall(
  context: CliContext,
  flags: ScopeFlags & { readonly dryRun: boolean; readonly json: boolean },
): Promise<void> {
  const app = await context.openApp();
  const directory = resolveDirectory(app, flags.projectRoot);
  const applied = await uninstallSkills(app, { scope: readScope(flags), directory, dryRun: flags.dryRun });
  const lines = describe(applied, flags.dryRun);
  context.ui.answer(documentOf(applied, flags.dryRun), lines.length === 0 ? "Nothing is installed." : lines.join("\n"));
}

function readScope({ user, project }: ScopeFlags): Scope | null {
  if (user && project) throw new OkstraError("OKSTRA_USAGE", { message: "--user and --project exclude each other." });
  return project ? "project" : user ? "user" : null;
}

function readAgents(text: string): readonly AgentName[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !(AGENT_NAMES as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `--agents: okstra knows no ${unknown.map((name) => JSON.stringify(name.slice(0, 40))).join(", ")}.`,
      hint: `Choose among ${AGENT_NAMES.join(", ")}.`,
    });
  return AGENT_NAMES.filter((name) => names.includes(name));
}

function documentOf(applied: Applied, dryRun: boolean): object {
  const { version, before, targets, files, changed } = applied;
  return { version, before, dryRun, changed, targets, files };
}

/** How many files of which outcome, by directory of skills; and each one that was kept. */
function describe({ files, changed }: Applied, dryRun: boolean): readonly string[] {
  const directories = new Map<string, AppliedFile[]>();
  for (const file of files) {
    const directory = /^.*\/skills(?=\/)/.exec(file.path)?.[0] ?? file.path;
    directories.set(directory, [...(directories.get(directory) ?? []), file]);
  }
  const lines = [...directories].map(([directory, all]) => {
    const count = (outcome: Outcome): string => {
      const number = all.filter((file) => file.outcome === outcome).length;
      return number === 0 ? "" : `${number} ${outcome}`;
    };
    const counts = (["created", "updated", "unchanged", "kept", "removed", "gone"] as const).map(count).filter((text) => text !== "");
    return `${directory}: ${counts.join(", ")}`;
  });
  const kept = files.filter(({ outcome }) => outcome === "kept");
  return [
    ...lines,
    ...kept.map(
      ({ path, beside }) => `kept, because it is not as okstra wrote it: ${path}${beside === null ? "" : `; the new one is ${beside}`}`,
    ),
    ...(changed && dryRun ? ["Nothing was written (--dry-run)."] : []),
  ];
}

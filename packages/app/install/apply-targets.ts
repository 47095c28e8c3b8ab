import {
  BESIDE,
  compareVersions,
  planFiles,
  type FilePlan,
  type FoundFile,
  type Installed,
  type InstalledFile,
  type InstallTarget,
} from "@okstra/core/domain/install";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { installedPath, loadInstalled, writeInstalled } from "./installed.ts";
import type { OwnPackage } from "./load-package.ts";

export interface AppliedFile {
  /** Absolute path. */
  readonly path: string;
  readonly outcome: FilePlan["outcome"];
  /** Of a file that the user changed: where the new one is; null where none was laid. */
  readonly beside: string | null;
}

export interface Applied {
  readonly version: string;
  /** Version that was there before; null when there was none. */
  readonly before: string | null;
  readonly targets: readonly InstallTarget[];
  readonly files: readonly AppliedFile[];
  /** Whether anything was (or under a dry run would be) written or removed. */
  readonly changed: boolean;
}

/**
 * Makes the files of all targets what this package brings, and removes those of targets that are no more. Where it goes is
 * written down before the first file, and each file's hash after the last: killed in between, the next call completes it.
 * @param choose the targets to be there, from those that are
 * @throws OKSTRA_INSTALL_NEWER when a newer okstra installed there, before anything is changed
 */
export async function applyTargets(
  app: App,
  own: OwnPackage,
  choose: (targets: readonly InstallTarget[]) => readonly InstallTarget[],
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Applied> {
  const lease = dryRun ? null : await app.locks.acquire("install", { holder: "okstra install" });
  try {
    const before = await loadInstalled(app);
    const { version } = own.build;
    if (before !== null && compareVersions(before.version, version) > 0)
      throw new OkstraError("OKSTRA_INSTALL_NEWER", {
        message: `okstra ${before.version} installed its skills here; this is ${version}.`,
        hint: `Use that version: npx okstra@${before.version}. Or go back: okstra uninstall with it, then okstra install with this one.`,
        details: { installed: before.version, version },
      });
    const targets = choose(before?.targets ?? []);
    const known = before?.files ?? [];
    const bases = [...new Set([...targets.map(({ base }) => base), ...known.map(({ base }) => base)])];
    const plans: { readonly base: string; readonly sources: ReadonlyMap<string, string>; readonly files: readonly FilePlan[] }[] = [];
    for (const base of bases) {
      const sources = own.listFiles(targets.filter((target) => target.base === base).flatMap(({ agents }) => agents));
      plans.push({ base, sources, files: await planBase(app, { base, sources, known, build: own.build.files }) });
    }
    const files: InstalledFile[] = plans.flatMap(({ base, files: all }) =>
      all.flatMap(({ path, remember }) => (remember === null ? [] : [{ base, path, sha256: remember }])),
    );
    const after: Installed | null =
      targets.length === 0 && files.length === 0 ? null : { ...before, schema: 1, version, targets: [...targets], files };
    const acts = plans.some(({ files: all }) => all.some(({ write, outcome }) => write !== null || outcome === "removed"));
    const isOther = JSON.stringify(before) !== JSON.stringify(after);
    if (!dryRun && (acts || isOther)) {
      // Under the version that was: only when everything is done is it the new one's.
      if (acts)
        await writeInstalled(app, { ...before, schema: 1, version: before?.version ?? "0.0.0", targets: [...targets], files: [...known] });
      for (const { base, sources, files: all } of plans) await applyPlans(app, own, { base, sources, files: all });
      if (after === null) await app.store.remove(installedPath(app));
      else await writeInstalled(app, after);
    }
    return {
      version,
      before: before?.version ?? null,
      targets,
      files: plans.flatMap(({ base, files: all }) =>
        all.map(({ path, outcome, beside }) => ({
          path: `${base}/${path}`,
          outcome,
          beside: beside === null ? null : `${base}/${beside}`,
        })),
      ),
      changed: acts || isOther,
    };
  } finally {
    await lease?.release();
  }
}

async function planBase(
  app: App,
  given: {
    readonly base: string;
    readonly sources: ReadonlyMap<string, string>;
    readonly known: readonly InstalledFile[];
    readonly build: Readonly<Record<string, string>>;
  },
): Promise<readonly FilePlan[]> {
  const { base, sources } = given;
  const wanted = new Map([...sources].map(([path, own]) => [path, given.build[own] ?? ""]));
  const known = new Map(given.known.filter((file) => file.base === base).map(({ path, sha256 }) => [path, sha256]));
  const paths = new Set([...wanted.keys(), ...[...wanted.keys()].map((path) => `${path}${BESIDE}`), ...known.keys()]);
  const found = new Map<string, FoundFile>();
  for (const path of paths) found.set(path, await app.installFiles.find(base, path));
  return planFiles(wanted, known, (path) => found.get(path) ?? "absent");
}

async function applyPlans(
  app: App,
  own: OwnPackage,
  { base, sources, files }: { readonly base: string; readonly sources: ReadonlyMap<string, string>; readonly files: readonly FilePlan[] },
): Promise<void> {
  for (const { path, write, outcome } of files) {
    await app.installFiles.sweep(base, path);
    if (outcome === "removed") await app.installFiles.remove(base, path);
    if (write === null) continue;
    const source = sources.get(path) ?? sources.get(path.slice(0, -BESIDE.length)) ?? "";
    await app.installFiles.write(base, path, await own.loadText(source));
  }
}

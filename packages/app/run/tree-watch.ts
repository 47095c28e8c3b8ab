import { DEFAULT_DISPOSABLE } from "@okstra/core/domain/project";
import type { RunManifest } from "@okstra/core/domain/run";
import type { SafeConfig } from "@okstra/core/git-port";
import type { App } from "../app.ts";

/** Notices what changes in a read-only run's tree and which lanes were running then. */
export interface TreeWatch {
  laneStarted(worker: string): void;
  /** Looks again; answers what changed since the last look, and who could have done it. */
  laneEnded(worker: string): Promise<{ workers: readonly string[]; paths: readonly string[] } | null>;
  /** Takes the tree as it is now for what is to stay: an executor has worked. */
  reset(): Promise<void>;
}

/** Without git nothing can be compared: every look answers null. */
export async function watchTree(app: App, manifest: RunManifest): Promise<TreeWatch> {
  if (manifest.commit === "") return { laneStarted: () => undefined, laneEnded: async () => null, reset: async () => undefined };
  const path = manifest.provision.path;
  const location = await app.git.locate(path);
  const safe = await app.git.safeConfig({ commonDir: location?.commonDir ?? "", mainRoot: location?.mainRoot ?? path });
  const running = new Set<string>();
  let last = await look(app, path, safe);
  let queue: Promise<unknown> = Promise.resolve();
  return {
    laneStarted(worker) {
      running.add(worker);
    },
    laneEnded(worker) {
      const next = queue.then(async () => {
        const now = await look(app, path, safe);
        const suspects = [...running].sort();
        running.delete(worker);
        const paths = [...new Set([...last.keys(), ...now.keys()])].filter((name) => last.get(name) !== now.get(name)).sort();
        last = now;
        return paths.length === 0 ? null : { workers: suspects.length > 0 ? suspects : [worker], paths };
      });
      queue = next.catch(() => undefined);
      return next;
    },
    async reset() {
      last = await look(app, path, safe);
    },
  };
}

/**
 * What the tree is like, as a text that {@link compareTrees} reads, for a lane that outlives the process which began it.
 * Null without git.
 */
export async function describeTree(app: App, manifest: RunManifest): Promise<string | null> {
  if (manifest.commit === "") return null;
  const path = manifest.provision.path;
  const location = await app.git.locate(path);
  const safe = await app.git.safeConfig({ commonDir: location?.commonDir ?? "", mainRoot: location?.mainRoot ?? path });
  return `${JSON.stringify(Object.fromEntries(await look(app, path, safe)), null, 2)}\n`;
}

/** Paths that are not in both trees as they are in the other, `HEAD` for the commit. Both as {@link describeTree} made them. */
export function compareTrees(before: string, now: string): readonly string[] {
  const [one, other] = [before, now].map((text) => new Map(Object.entries(JSON.parse(text) as Record<string, string>)));
  if (one === undefined || other === undefined) return [];
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name)).sort();
}

/** Everything in the tree that differs from its commit, and the commit itself, each with what tells two states apart. */
async function look(app: App, path: string, safe: SafeConfig): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  const location = await app.git.locate(path);
  seen.set("HEAD", location?.head ?? "");
  for (const entry of await app.git.status(path, { safe })) {
    const stamp = await app.files.stamp(`${path}/${entry.path}`);
    // A repository in the tree is one entry, whatever changes in it; what git keeps there moves by looking.
    const [own, ...inside] = await app.files.listFiles(path, [entry.path], [...DEFAULT_DISPOSABLE, ".git"]);
    const content = own?.type === "directory" ? app.sha256(JSON.stringify(inside)) : "";
    seen.set(entry.path, `${entry.code} ${stamp} ${content}`);
  }
  return seen;
}

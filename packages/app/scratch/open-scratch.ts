import type { SafeConfig } from "@okstra/core/git-port";
import type { App } from "../app.ts";

/** A directory for a throw-away tree; it is gone when it was closed. */
export interface Scratch {
  /** Not made yet. */
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Takes a name below `OKSTRA_HOME/scratch` that nobody else has, and holds a lock for as long as it is used: what a
 * killed okstra left there is known by its free lock.
 */
export async function openScratch(app: App, name: string): Promise<Scratch> {
  const parent = `${app.surroundings.home}/scratch`;
  await app.store.ensureDirectory(parent);
  const own = `${name}-${app.ids.randomHex(4)}`;
  const lease = await app.locks.acquire(lockOf(own), { holder: own });
  const path = `${parent}/${own}`;
  return {
    path,
    async close() {
      await app.store.remove(path);
      await app.store.remove(`${app.surroundings.home}/locks/${lockOf(own)}.lock`);
      await lease.release();
    },
  };
}

/** A throw-away checkout of a commit, with copies of what is installed in another tree (such as node_modules). */
export async function openCheckout(
  app: App,
  options: {
    name: string;
    /** Common git directory. */
    repository: string;
    commit: string;
    safe: SafeConfig;
    /** Directories that are copied where the checkout has none of that name. */
    installed: { readonly tree: string; readonly names: readonly string[] } | null;
  },
): Promise<Scratch> {
  const scratch = await openScratch(app, options.name);
  const { path } = scratch;
  try {
    await app.git.checkoutScratch({ repository: options.repository, commit: options.commit, path, safe: options.safe });
    for (const name of options.installed?.names ?? []) {
      const from = `${options.installed?.tree ?? ""}/${name}`;
      if ((await app.store.exists(from)) && !(await app.store.exists(`${path}/${name}`)))
        await app.files.copyDirectory(from, `${path}/${name}`);
    }
    return scratch;
  } catch (error) {
    await scratch.close();
    throw error;
  }
}

/** Removes what killed commands left in `OKSTRA_HOME/scratch`; what is in use is held by its lock. @returns how many */
export async function sweepScratch(app: App): Promise<number> {
  const { home } = app.surroundings;
  let swept = 0;
  for (const name of await app.store.listDirectory(`${home}/scratch`)) {
    const got = await app.locks.tryAcquire(lockOf(name), name);
    if (!("lease" in got)) continue;
    await app.store.remove(`${home}/scratch/${name}`);
    await app.store.remove(`${home}/locks/${lockOf(name)}.lock`);
    await got.lease.release();
    swept += 1;
  }
  return swept;
}

function lockOf(name: string): string {
  return `scratch-${name}`;
}

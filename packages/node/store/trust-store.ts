import { join } from "node:path";
import * as z from "zod";
import { OkstraError } from "@okstra/core/errors";
import type { TrustItem } from "@okstra/core/git-port";
import type { Locks, Store } from "@okstra/core/ports";

const trustSchema = z.looseObject({
  schema: z.literal(1),
  repositories: z.record(z.string(), z.record(z.string(), z.looseObject({ hash: z.string(), approvedAt: z.string() }))),
});

/** `OKSTRA_HOME/trust.json`: what a person approved of each repository, by content hash. */
export function createTrustStore(
  home: string,
  parts: { store: Store; locks: Locks },
): {
  load(repository: string): Promise<ReadonlyMap<string, string>>;
  approve(repository: string, items: readonly TrustItem[], at: string): Promise<void>;
} {
  const path = join(home, "trust.json");

  async function loadAll(): Promise<z.infer<typeof trustSchema>> {
    const text = await parts.store.readText(path);
    if (text === null) return { schema: 1, repositories: {} };
    try {
      return trustSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new OkstraError("OKSTRA_CONFIG_INVALID", {
        message: `${path} cannot be read.`,
        hint: `Move it away and approve again: mv ${path} ${path}.old`,
        details: { path },
        cause,
      });
    }
  }

  return {
    async load(repository) {
      const own = (await loadAll()).repositories[repository] ?? {};
      return new Map(Object.entries(own).map(([id, { hash }]) => [id, hash]));
    },
    async approve(repository, items, at) {
      await parts.store.ensureDirectory(home);
      const lease = await parts.locks.acquire("trust");
      try {
        const all = await loadAll();
        const own = { ...all.repositories[repository] };
        for (const item of items) own[item.id] = { hash: item.hash, approvedAt: at };
        await parts.store.writeText(
          path,
          `${JSON.stringify({ ...all, repositories: { ...all.repositories, [repository]: own } }, null, 2)}\n`,
        );
      } finally {
        await lease.release();
      }
    },
  };
}

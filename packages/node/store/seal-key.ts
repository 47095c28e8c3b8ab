import { createHash, createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { Sealer, Store } from "@okstra/core/ports";

const KEY = /^[0-9a-f]{64}\n?$/;
const MAX_KEY_BYTES = 1024;

/**
 * Seals texts under `OKSTRA_HOME/seal.key`: 32 random bytes in hex, mode 0600, made with the first use. The file
 * appears whole or not at all, so that two processes that want it at once agree on the first.
 *
 * What it protects: events of runs and tasks (approvals, answers, verdicts, votes) that somebody without the key
 * changes or adds, also when the chain of hashes was computed again: a worker in its sandbox, a program that writes
 * into the project, whoever gets the project's directory but not the home. What it does not: a process of the same
 * user that reads the key, and a log that was cut off at its end or taken away as a whole.
 */
export function createSealer(home: string, { store }: { store: Store }): Sealer {
  const path = join(home, "seal.key");
  let loaded: Promise<{ key: Buffer; keyId: string }> | null = null;

  async function loadKey(): Promise<{ key: Buffer; keyId: string }> {
    const text = (await readKey()) ?? (await makeKey());
    if (!KEY.test(text))
      throw new OkstraError("OKSTRA_CONFIG_INVALID", {
        message: `${path} is not a key of okstra.`,
        hint: `Move it away; what was sealed with it is then not known as okstra's own: mv ${path} ${path}.old`,
        details: { path },
      });
    const key = Buffer.from(text.trim(), "hex");
    return { key, keyId: createHash("sha256").update(key).digest("hex").slice(0, 16) };
  }

  function readKey(): Promise<string | null> {
    return store.readText(path, { maxBytes: MAX_KEY_BYTES, regularFileOnly: true });
  }

  async function makeKey(): Promise<string> {
    await store.ensureDirectory(home);
    const text = `${randomBytes(32).toString("hex")}\n`;
    if (await store.createText(path, text)) return text;
    return (await readKey()) ?? "";
  }

  return {
    async seal(text) {
      loaded ??= loadKey();
      const { key, keyId } = await loaded.catch((error: unknown) => {
        loaded = null;
        throw error;
      });
      return { keyId, mac: createHmac("sha256", key).update(text, "utf8").digest("hex") };
    },
  };
}

import { collectSecrets } from "@okstra/core/domain/redaction";
import type { App } from "../app.ts";

const MAX_ENV_BYTES = 1024 * 1024;

/** Values that must appear in no record: the surroundings' own secrets and those of the trees' `.env` files. */
export async function loadSecrets(app: App, directories: readonly string[]): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const directory of new Set(directories)) {
    for (const name of await app.store.listDirectory(directory)) {
      if (!/^\.env(?:\.(?!example$|sample$|template$).+)?$/.test(name)) continue;
      texts.push((await app.store.readText(`${directory}/${name}`, { maxBytes: MAX_ENV_BYTES }).catch(() => null)) ?? "");
    }
  }
  return collectSecrets(app.surroundings.env, texts);
}

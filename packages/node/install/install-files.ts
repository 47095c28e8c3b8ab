import { createHash } from "node:crypto";
import { lstat, readdir, readFile, realpath, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { InstallFiles } from "@okstra/core/install-port";
import type { Store } from "@okstra/core/ports";
import { asIoError, errnoOf, isAbsent } from "../io-error.ts";
import { isTemporaryOf } from "../store/store.ts";

/** The real {@link InstallFiles}. */
export function createInstallFiles(store: Store): InstallFiles {
  return {
    async find(base, path) {
      try {
        const absolute = join(base, path);
        const stats = await lstat(absolute);
        if (!stats.isFile() || (await leadsOut(base, dirname(absolute)))) return "other";
        return {
          sha256: createHash("sha256")
            .update(await readFile(absolute))
            .digest("hex"),
        };
      } catch (error) {
        if (isAbsent(error)) return "absent";
        throw asIoError(error, join(base, path));
      }
    },
    async write(base, path, text) {
      const absolute = join(base, path);
      await refuseWayOut(base, dirname(absolute));
      await store.ensureSharedDirectory(dirname(absolute));
      await refuseWayOut(base, dirname(absolute));
      await store.writeText(absolute, text, { mode: 0o666 & ~umask() });
    },
    async remove(base, path) {
      const absolute = join(base, path);
      await refuseWayOut(base, dirname(absolute));
      try {
        await rm(absolute, { force: true });
        for (let directory = dirname(absolute); basename(directory) !== "skills" && directory !== base; directory = dirname(directory))
          await rmdir(directory);
      } catch (error) {
        if (["ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "") || isAbsent(error)) return;
        throw asIoError(error, absolute);
      }
    },
    async sweep(base, path) {
      const directory = dirname(join(base, path));
      try {
        if (await leadsOut(base, directory)) return;
        for (const name of await readdir(directory))
          if (isTemporaryOf(name, basename(path))) await rm(join(directory, name), { force: true });
      } catch (error) {
        if (!isAbsent(error)) throw asIoError(error, directory);
      }
    },
  };
}

/** Asking for the mask means setting it; nothing happens in between. */
function umask(): number {
  const mask = process.umask(0o077);
  process.umask(mask);
  return mask;
}

async function refuseWayOut(base: string, directory: string): Promise<void> {
  if (!(await leadsOut(base, directory))) return;
  throw new OkstraError("OKSTRA_PATH_IS_LINK", {
    message: `${directory} leads out of ${base}.`,
    hint: "Put a directory in the place of the link, or install for other agents: okstra install --agents NAME",
    details: { path: directory, base },
  });
}

/** Whether the directory, or the deepest one on the way that is there, is really outside the base. */
async function leadsOut(base: string, directory: string): Promise<boolean> {
  for (let at = directory; ; at = dirname(at)) {
    try {
      const [real, root] = [await realpath(at), await realpath(base)];
      return real !== root && !real.startsWith(root + sep);
    } catch (error) {
      // A link that leads nowhere is there, and would be followed by whoever makes what it names.
      const isDangling =
        isAbsent(error) &&
        (await lstat(at)
          .then((stats) => stats.isSymbolicLink())
          .catch(() => false));
      if (isDangling || errnoOf(error) === "ELOOP") return true;
      if (!isAbsent(error) || at === base || at === dirname(at)) throw asIoError(error, at);
    }
  }
}

import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Writes a package that brings skills, as `okstra install` reads it; what was there of an earlier one goes.
 * @param files path below `assets/` -> text
 */
export function writeSkillPackage(directory: string, version: string, files: Readonly<Record<string, string>>): string {
  rmSync(join(directory, "assets"), { recursive: true, force: true });
  const hashes: Record<string, string> = {};
  for (const [path, text] of Object.entries(files)) {
    const absolute = join(directory, "assets", path);
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, text);
    hashes[`assets/${path}`] = createHash("sha256").update(text).digest("hex");
  }
  mkdirSync(join(directory, "dist"), { recursive: true });
  writeFileSync(join(directory, "dist/BUILD.json"), `${JSON.stringify({ version, commit: null, files: hashes })}\n`);
  return directory;
}

import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { TestRepo } from "./test-repo.ts";

/** All files and links of a tree with content and mode, git's and okstra's own left out. */
export function photograph(root: string, below = ""): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const name of readdirSync(join(root, below)).sort()) {
    const relative = below === "" ? name : `${below}/${name}`;
    const stats = lstatSync(join(root, relative));
    if (relative === ".git" || relative === ".project-docs") continue;
    if (stats.isSymbolicLink()) seen[relative] = `link ${readlinkSync(join(root, relative))}`;
    else if (stats.isDirectory()) Object.assign(seen, photograph(root, relative));
    else seen[relative] = `${(stats.mode & 0o777).toString(8)} ${readFileSync(join(root, relative)).toString("latin1")}`;
  }
  return seen;
}

/** Work of every kind in a worktree, with names and bytes that are easily spoilt; needs `*.log` and `build/` ignored. */
export async function makeWork(repo: TestRepo, path: string): Promise<void> {
  await repo.commit("on the branch", { "committed.txt": "committed\n", "gone.txt": "gone\n", "crlf.txt": "a\n" }, path);
  repo.write("staged.txt", "staged\n", { at: path });
  await repo.git(["add", "staged.txt"], { cwd: path });
  repo.write("staged.txt", "staged, then changed\n", { at: path });
  repo.write("crlf.txt", "a\r\nb\r\n", { at: path });
  repo.write("src/a.txt", "dirty\n", { at: path, mode: 0o755 });
  rmSync(join(path, "gone.txt"));
  repo.write("private.txt", "only mine\n", { at: path, mode: 0o600 });
  repo.write('한글 파일 "q".txt', "untracked\n", { at: path });
  repo.write("line\nbreak.txt", "odd name\n", { at: path });
  repo.write("bytes.bin", Uint8Array.from([0, 255, 254, 10, 13, 0]), { at: path });
  symlinkSync("/nowhere/at all", join(path, "dangling"));
  repo.write("debug.log", "ignored\n", { at: path, mode: 0o640 });
  repo.write("build/out/a.bin", Uint8Array.from([1, 2, 255]), { at: path });
  repo.write("@build/x.log", "a name that tar could take for an archive\n", { at: path });
}

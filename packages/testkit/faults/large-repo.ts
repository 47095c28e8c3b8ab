import { createGitProcess } from "@okstra/node/exec/git-process";
import type { TestRepo } from "../test-repo.ts";

/** Commits `count` small files, 200 a directory (`d000/f0.txt` ...), on top of what is there; fast for tens of thousands. */
export async function commitManyFiles(repo: TestRepo, count: number): Promise<string> {
  const head = await repo.resolve("HEAD");
  const parts: string[] = [`commit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\ndata 4\nmany\nfrom ${head}\n`];
  for (let at = 0; at < count; at += 1) {
    const text = `file ${at}\n${"x".repeat(at % 400)}\n`;
    const name = `d${String(Math.floor(at / 200)).padStart(3, "0")}/f${at % 200}.txt`;
    parts.push(`M 100644 inline ${name}\ndata ${text.length}\n${text}\n`);
  }
  await createGitProcess().run(["fast-import", "--quiet", "--force"], { cwd: repo.root, stdin: parts.join("") });
  await repo.git(["reset", "--quiet", "--hard", "main"]);
  return repo.resolve("HEAD");
}

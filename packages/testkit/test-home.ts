import { mkdtempSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Everything that git or okstra could take from the machine is replaced for one test file's process. */
const FIXED: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.com",
  TZ: "UTC",
};
const REMOVED = ["XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "OKSTRA_WORKTREE_SYNC_DIRS"];

/** A private HOME and OKSTRA_HOME, which git children of this process see too; `remove` puts everything back. */
export interface TestHome {
  /** Real path of a directory for the test's own use; HOME and OKSTRA_HOME lie in it. */
  readonly root: string;
  readonly home: string;
  readonly okstraHome: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a directory in `root`, made if it is not there. */
  directory(name: string): string;
  /** Replaces the person's git configuration. */
  writeGitConfig(text: string): void;
  remove(): void;
}

export function createTestHome(): TestHome {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "okstra-test-")));
  const home = join(root, "home");
  const okstraHome = join(root, "okstra-home");
  mkdirSync(home);
  const before = new Map<string, string | undefined>();
  const set = (name: string, value: string | undefined): void => {
    if (!before.has(name)) before.set(name, process.env[name]);
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const name of REMOVED) set(name, undefined);
  for (const [name, value] of Object.entries({ ...FIXED, HOME: home, OKSTRA_HOME: okstraHome })) set(name, value);
  const writeGitConfig = (text: string): void => writeFileSync(join(home, ".gitconfig"), text);
  writeGitConfig('[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n');
  return {
    root,
    home,
    okstraHome,
    get env() {
      return { ...process.env };
    },
    directory(name) {
      const path = join(root, name);
      mkdirSync(path, { recursive: true });
      return path;
    },
    writeGitConfig,
    remove() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}

import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createTestRepo, type TestRepo } from "../test-repo.ts";

/** A bare repository that tests push to, by whatever transport. */
export interface BareRemote {
  readonly path: string;
  /** `file://` URL. */
  readonly url: string;
  /** Runs git in it and answers its stdout without the last line break. */
  readonly git: TestRepo["git"];
}

/** Makes an empty bare repository `<parent>/<name>`; a name like `team/app.git` makes folders. */
export async function createBareRemote(parent: string, name: string): Promise<BareRemote> {
  const path = join(parent, name);
  const { git } = await createTestRepo(path, { bare: true });
  return { path, url: pathToFileURL(path).href, git };
}

/** One line of `protected-branches` is a shell pattern of a branch's name. Runs in the repository. */
const PRE_RECEIVE = `#!/bin/sh
while read -r old new ref; do
  while IFS= read -r pattern; do
    case "$ref" in
      refs/heads/$pattern)
        echo "Protected branch update failed for $ref." >&2
        refused=1
        ;;
    esac
  done <protected-branches
done
exit "\${refused:-0}"
`;

/**
 * From now on the remote refuses every change of branches that the shell pattern matches (`main`, `release/*`), as a
 * forge does. May be called for several patterns.
 */
export function protectBranch(remote: BareRemote, branchPattern: string): void {
  const hook = join(remote.path, "hooks", "pre-receive");
  mkdirSync(join(remote.path, "hooks"), { recursive: true });
  appendFileSync(join(remote.path, "protected-branches"), `${branchPattern}\n`);
  writeFileSync(hook, PRE_RECEIVE);
  chmodSync(hook, 0o755);
}

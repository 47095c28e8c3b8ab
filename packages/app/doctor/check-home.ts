import type { App } from "../app.ts";
import { failed, failedBy, passed, type Check } from "./check.ts";

/** Mode, owner and kind of the directories and files that okstra keeps its state in. */
export async function checkHome(app: App): Promise<readonly Check[]> {
  const { home } = app.surroundings;
  const checks: Check[] = [];
  for (const name of [
    "",
    "/worktrees",
    "/locks",
    "/trash",
    "/worktrees/registry.json",
    "/worktrees/registry.history.jsonl",
    "/trust.json",
    "/config.json",
  ]) {
    const path = `${home}${name}`;
    const facts = await app.files.inspectOwn(path);
    if (facts === null) continue;
    if (facts.type === "link") checks.push(failed("home", `${path} is a symbolic link`, `mv ${quote(path)} ${quote(`${path}.old`)}`));
    else if (!facts.own) checks.push(failed("home", `${path} belongs to another user`, `sudo chown -R "$(id -u)" ${quote(path)}`));
    else if (app.surroundings.platform !== "win32" && (facts.mode & 0o077) !== 0) {
      checks.push(
        failed(
          "home",
          `${path} can be read by others (mode ${facts.mode.toString(8)})`,
          `chmod ${facts.type === "directory" ? "700" : "600"} ${quote(path)}`,
        ),
      );
    }
  }
  return checks.length > 0
    ? checks
    : [passed("home", (await app.store.exists(home)) ? `${home} is private` : `${home} does not exist yet; the first command makes it`)];
}

export async function checkNetwork(app: App): Promise<readonly Check[]> {
  const { home } = app.surroundings;
  const network = await app.files.findNetworkFileSystem(home);
  if (network === null) return [passed("file-system", `${home} is on a local file system`)];
  return [
    failed(
      "file-system",
      `${home} is on a network file system (${network}): locks and durable writes may not hold there, so two okstra at once can lose each other's work`,
      "export OKSTRA_HOME=<a directory on a local disk>",
    ),
  ];
}

/** Two descriptors of one lock: the second must not get it while the first has it. */
export async function checkLocks(app: App): Promise<readonly Check[]> {
  const { home } = app.surroundings;
  if (!(await app.store.exists(home))) return [passed("locks", "not tried: there is no OKSTRA_HOME yet")];
  try {
    const name = `doctor-${app.ids.randomHex(6)}`;
    const first = await app.locks.tryAcquire(name);
    const second = await app.locks.tryAcquire(name);
    const held = "lease" in first && !("lease" in second);
    if ("lease" in first) await first.lease.release();
    if ("lease" in second) await second.lease.release();
    await app.store.remove(`${home}/locks/${name}.lock`);
    return [
      held
        ? passed("locks", "kernel locks work here")
        : failed("locks", `locks do not hold on the file system of ${home}`, "export OKSTRA_HOME=<a directory on a local disk>"),
    ];
  } catch (error) {
    return [failedBy("locks", error)];
  }
}

export async function checkTemporary(app: App): Promise<readonly Check[]> {
  const left = await app.files.listTemporary();
  return [
    left.length === 0
      ? passed("temporary-files", "none left over")
      : failed("temporary-files", `${left.length} left over, as ${left[0]?.path ?? ""}`, "okstra worktree repair"),
  ];
}

/** One word for a POSIX shell. */
export function quote(path: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

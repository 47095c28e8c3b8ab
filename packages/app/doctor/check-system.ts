import type { App } from "../app.ts";
import { failed, failedBy, passed, type Check } from "./check.ts";

const OLDEST_NODE = [20, 19] as const;
const OLDEST_GIT = [2, 31] as const;

function isAtLeast(version: string, oldest: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

export async function checkNode(app: App): Promise<readonly Check[]> {
  const { nodeVersion } = app.surroundings;
  return [
    isAtLeast(nodeVersion, OLDEST_NODE)
      ? passed("node", `node ${nodeVersion}`)
      : failed("node", `node ${nodeVersion} is older than ${OLDEST_NODE.join(".")}`, "Install Node 20.19 or newer: https://nodejs.org"),
  ];
}

export async function checkGit(app: App): Promise<readonly Check[]> {
  try {
    const { stdout } = await app.git.run("/", ["--version"]);
    const version = /(\d+\.\d+[.\d]*)/.exec(stdout)?.[1] ?? "";
    return [
      isAtLeast(version, OLDEST_GIT)
        ? passed("git", `git ${version}`)
        : failed("git", `git ${version} is older than ${OLDEST_GIT.join(".")}`, "Install git 2.31 or newer"),
    ];
  } catch (error) {
    return [failedBy("git", error)];
  }
}

/** A weaker isolation is recorded in every receipt, so it is told and does not fail. */
export async function checkIsolation(app: App): Promise<readonly Check[]> {
  const isolation = await app.processes.isolation();
  return [
    passed(
      "isolation",
      isolation === "pid-namespace"
        ? "workers run in PID namespaces: their whole tree ends with okstra"
        : "no PID namespaces here: workers run in process groups, and one that calls setsid may outlive okstra",
    ),
  ];
}

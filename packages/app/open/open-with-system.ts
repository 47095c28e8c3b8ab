import type { App } from "../app.ts";

/** What opens a file or an address for a person, by platform. Each takes it as its only argument and asks no shell. */
const OPENERS: Readonly<Record<string, string>> = { darwin: "open", win32: "explorer.exe" };
const OTHER_OPENER = "xdg-open";

export interface Opened {
  readonly opened: boolean;
  /** Absolute path of the program that was asked to open it; null when none was. */
  readonly opener: string | null;
  /** Its exit status; null when none was asked. */
  readonly status: number | null;
  /** Why it was not opened, in words; null when it was. */
  readonly reason: string | null;
}

/**
 * Opens a file or an address with the system's opener, on the person's terminal. The opener is looked for outside some
 * directories only: what a project brings along is not started.
 * @param target absolute path or address; it is the opener's only argument
 * @param roots directories of projects and worktrees
 */
export async function openWithSystem(app: App, target: string, roots: readonly string[]): Promise<Opened> {
  const { env, platform, home } = app.surroundings;
  const search = withoutProjects(env["PATH"] ?? "", roots);
  const name = OPENERS[platform] ?? OTHER_OPENER;
  const opener = await app.processes.findProgram(name, search);
  if (opener === null) return { opened: false, opener, status: null, reason: `there is no ${name} here` };
  const passed = Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  const cwd = (await app.store.exists(home)) ? home : "/";
  const status = await app.runInherited({ command: [opener, target], cwd, env: { ...passed, PATH: search } });
  return { opened: status === 0, opener, status, reason: status === 0 ? null : `${opener} ended with status ${status}` };
}

/** The directories of PATH that are not below any of some directories. */
export function withoutProjects(path: string, roots: readonly string[]): string {
  const isInside = (directory: string): boolean =>
    roots.some((root) => root !== "" && root !== "/" && `${directory}/`.startsWith(`${root.replace(/\/+$/, "")}/`));
  return path
    .split(":")
    .filter((directory) => directory.startsWith("/") && !isInside(directory))
    .join(":");
}

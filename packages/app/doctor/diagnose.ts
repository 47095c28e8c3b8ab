import type { App } from "../app.ts";
import { checkHome, checkLocks, checkNetwork, checkTemporary } from "./check-home.ts";
import { checkProject } from "./check-project.ts";
import { checkGit, checkIsolation, checkNode } from "./check-system.ts";
import { checkRegistry, checkTasks } from "./check-tasks.ts";
import type { Check } from "./check.ts";

export interface Diagnosis {
  readonly checks: readonly Check[];
  readonly verdict: "ok" | "problems";
}

/** Looks at everything okstra stands on and changes nothing. Every failing check names the command that mends it. */
export async function diagnose(app: App, dir: string): Promise<Diagnosis> {
  const checks: Check[] = [];
  const parts: readonly ((app: App, dir: string) => Promise<readonly Check[]>)[] = [
    checkNode,
    checkGit,
    checkHome,
    checkNetwork,
    checkLocks,
    checkRegistry,
    checkTasks,
    checkTemporary,
    checkIsolation,
    checkProject,
  ];
  for (const part of parts) checks.push(...(await part(app, dir)));
  return { checks, verdict: checks.every(({ ok }) => ok) ? "ok" : "problems" };
}

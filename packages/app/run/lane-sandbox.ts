import { findAgent } from "@okstra/core/domain/agents";
import type { SandboxSetting } from "@okstra/core/domain/agent-use";
import type { RosterEntry, RunManifest } from "@okstra/core/domain/run";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { OkstraError } from "@okstra/core/errors";
import type { SandboxRequest } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { planSandbox } from "./plan-sandbox.ts";

/** The worker's own setting, else the run's; not set it is auto for agents and off for programs of the person's own. */
export function sandboxSetting(entry: Pick<RosterEntry, "kind" | "sandbox">, ofRun: SandboxSetting | null): SandboxSetting {
  // okstra's own checks are the project's commands, which the person runs as well.
  if (entry.kind === "checks") return "off";
  return entry.sandbox ?? ofRun ?? (isAgentKind(entry.kind) ? "auto" : "off");
}

export function runSandboxSetting(manifest: Pick<RunManifest, "settings">): SandboxSetting | null {
  return (manifest.settings["sandbox"] as SandboxSetting | null | undefined) ?? null;
}

/**
 * What a lane's tree may write; null when it runs without a sandbox, `missing` when one was wanted where it is possible.
 * @throws OKSTRA_PREPARE_SANDBOX_UNAVAILABLE when one is required and there is none
 */
export async function planLaneSandbox(
  app: App,
  options: { manifest: RunManifest; entry: RosterEntry; laneDir: string; mode: "read-only" | "edit" },
): Promise<{ request: SandboxRequest | null; missing: boolean }> {
  const setting = sandboxSetting(options.entry, runSandboxSetting(options.manifest));
  if (setting === "off") return { request: null, missing: false };
  const { state, reason } = await app.processes.sandbox();
  if (state === "unavailable") {
    if (setting === "require") throw sandboxUnavailable([options.entry.worker], reason);
    return { request: null, missing: true };
  }
  const agent = isAgentKind(options.entry.kind)
    ? findAgent(options.entry.kind, options.entry.preset ?? options.entry.command[0] ?? "")
    : null;
  const { env } = app.surroundings;
  const [main] = agent?.stateBelowHome ?? [];
  // Only what exists can be written in a sandbox, and an agent that cannot make its own directory does nothing.
  if (main !== undefined && env["HOME"]?.startsWith("/") === true) await app.store.ensureSharedDirectory(`${env["HOME"]}/${main}`);
  const statePaths = (agent?.env ?? []).flatMap((name) => {
    const path = /_(?:HOME|CONFIG_DIR)$/.test(name) ? env[name] : undefined;
    return path?.startsWith("/") === true ? [path] : [];
  });
  return {
    request: await planSandbox(app, { ...options, stateBelowHome: agent?.stateBelowHome ?? [], state: statePaths }),
    missing: false,
  };
}

/** Which workers of a roster would run without the sandbox that is wanted. @throws OKSTRA_PREPARE_SANDBOX_UNAVAILABLE */
export async function listUnsandboxed(
  app: App,
  roster: readonly Pick<RosterEntry, "worker" | "kind" | "sandbox">[],
  ofRun: SandboxSetting | null,
): Promise<{ workers: readonly string[]; reason: string }> {
  const wanting = roster.filter((entry) => sandboxSetting(entry, ofRun) !== "off");
  if (wanting.length === 0) return { workers: [], reason: "" };
  const { state, reason } = await app.processes.sandbox();
  if (state !== "unavailable") return { workers: [], reason: "" };
  const requiring = wanting.filter((entry) => sandboxSetting(entry, ofRun) === "require");
  if (requiring.length > 0)
    throw sandboxUnavailable(
      requiring.map(({ worker }) => worker),
      reason,
    );
  return { workers: wanting.map(({ worker }) => worker), reason: reason ?? "" };
}

function sandboxUnavailable(workers: readonly string[], reason: string | null): OkstraError {
  return new OkstraError("OKSTRA_PREPARE_SANDBOX_UNAVAILABLE", {
    message: `A sandbox is required for ${workers.join(", ")}, and there is none here${reason === null ? "" : `: ${reason}`}.`,
    details: { workers, reason },
  });
}

import { DEFAULT_SYNC_DIRECTORIES } from "@okstra/core/domain/project";
import type { RunManifest } from "@okstra/core/domain/run";
import type { SandboxRequest } from "@okstra/core/ports";
import type { App } from "../app.ts";

/** Where people keep keys, below HOME. */
const SECRETS_BELOW_HOME = [
  ".ssh",
  ".gnupg",
  ".aws",
  ".azure",
  ".config/gh",
  ".config/gcloud",
  ".config/glab-cli",
  ".docker",
  ".kube",
  ".netrc",
  ".npmrc",
  ".git-credentials",
  ".config/git/credentials",
  ".password-store",
] as const;

/** Through these sockets programs outside the sandbox take orders, whatever may be written. */
const DAEMON_SOCKETS = ["/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock"] as const;

/** Other branches that are made read-only one by one; of more the first so many. */
const MOST_BRANCHES = 1000;

export interface SandboxPlan {
  readonly manifest: Pick<RunManifest, "provision" | "project">;
  /** `workers/<lane>` of the run. */
  readonly laneDir: string;
  readonly mode: "read-only" | "edit";
  /** What the agent itself must be able to write, relative to HOME. */
  readonly stateBelowHome: readonly string[];
  /** The same by absolute path, where the person's environment says where it is. */
  readonly state?: readonly string[];
}

/**
 * What a lane's tree may write (docs: agents). An executor: the worktree, git's objects, its own bookkeeping, its own
 * branch and that branch's log; never configuration, hooks, other branches or the main checkout. Everybody else: nothing
 * but the lane's door and temporary directory, and the agent's own state. okstra's home and the person's keys are hidden.
 */
export async function planSandbox(app: App, { manifest, laneDir, mode, stateBelowHome, state = [] }: SandboxPlan): Promise<SandboxRequest> {
  const { path: worktree } = manifest.provision;
  const { home, env, runtime, launcher } = app.surroundings;
  const personHome = env["HOME"] ?? "";
  const below = (names: readonly string[]): string[] => (personHome === "" ? [] : names.map((name) => `${personHome}/${name}`));
  const git = mode === "edit" ? await gitPlaces(app, manifest) : { writable: [], readOnly: [] };
  const links = await linkedSources(app, manifest);
  const okstras = `${manifest.project.root}/.project-docs/okstra`;
  // The person's runtime directory has the sockets of key agents, keyrings and the service manager.
  const runtimeDirectory = env["XDG_RUNTIME_DIR"] ?? "";
  const sockets = [...DAEMON_SOCKETS, ...(runtimeDirectory.startsWith("/") ? [runtimeDirectory] : [])];
  const hidden = [home, ...below(SECRETS_BELOW_HOME), ...sockets];
  // okstra's own program starts the door; everything but what is hidden can be read anyway. A directory around something
  // hidden is never laid over it again.
  const own = [runtime, ...launcher].filter((path) => hidden.some((each) => path.startsWith(`${each}/`)));
  return {
    writable: [...git.writable, ...links, ...below(stateBelowHome), ...state],
    readOnly: [...git.readOnly, okstras],
    hidden,
    // Read again what lies in something hidden or read-only; the worktree lies in okstra's home.
    exposed: [
      ...own.map((path) => ({ path, writable: false })),
      { path: worktree, writable: mode === "edit" },
      ...(mode === "edit" ? [{ path: `${worktree}/.git`, writable: false }, ...inPlaceGit(worktree, git.isInPlace)] : []),
      { path: `${laneDir}/door`, writable: true },
      { path: `${laneDir}/tmp`, writable: true },
    ],
  };
}

/** In a checkout of the person's own the repository is inside the worktree: the executor commits there, and changes no rule. */
function inPlaceGit(worktree: string, isInPlace: boolean | undefined): SandboxRequest["exposed"] {
  if (isInPlace !== true) return [];
  const git = `${worktree}/.git`;
  return [
    { path: git, writable: true },
    ...["config", "hooks", "info", "packed-refs"].map((name) => ({ path: `${git}/${name}`, writable: false })),
  ];
}

async function gitPlaces(
  app: App,
  { provision }: Pick<RunManifest, "provision">,
): Promise<{ writable: string[]; readOnly: string[]; isInPlace?: boolean }> {
  const location = await app.git.locate(provision.path);
  if (location === null) return { writable: [], readOnly: [] };
  const { gitDir, commonDir } = location;
  if (gitDir === commonDir) return { writable: [], readOnly: [], isInPlace: true };
  // There all branches are in one table: who may write one may write all, and the lead compares them afterwards.
  const table = `${commonDir}/reftable`;
  const hasTable = await app.store.exists(table);
  const branch = hasTable ? "" : provision.branch;
  const refs = `${commonDir}/refs/heads`;
  const directory = branch.includes("/") ? `${refs}/${branch.slice(0, branch.lastIndexOf("/"))}` : refs;
  // git writes a ref through a lock beside it, so its directory must be writable; the other branches there are not. One
  // that is only in packed-refs could be covered by a file written by hand (git itself cannot write its log): the lead,
  // who compares all refs afterwards, notices that.
  // Packing the refs takes the directory away, and nobody in the sandbox could make it again.
  if (branch !== "") await app.store.ensureSharedDirectory(directory);
  // Read-only like the rest of the configuration, which only a file that exists can be; git takes an empty one for none.
  await app.store.createText(`${gitDir}/config.worktree`, "");
  const siblings =
    branch === "" ? [] : (await app.store.listDirectory(directory)).filter((name) => `${directory}/${name}` !== `${refs}/${branch}`);
  const log = `${commonDir}/logs/refs/heads/${branch}`;
  return {
    writable: [`${commonDir}/objects`, gitDir, ...(branch === "" ? [] : [directory, log]), ...(hasTable ? [table] : [])],
    readOnly: [
      `${gitDir}/commondir`,
      `${gitDir}/gitdir`,
      `${gitDir}/config.worktree`,
      // okstra's marker names the links whose sources are writable: whoever could change it could open the next lane's sandbox.
      `${gitDir}/okstra.json`,
      ...siblings.slice(0, MOST_BRANCHES).map((name) => `${directory}/${name}`),
    ],
  };
}

/** Directories of the main worktree that okstra links into every tree: writing through the link is allowed. */
async function linkedSources(app: App, { provision, project }: Pick<RunManifest, "provision" | "project">): Promise<string[]> {
  const location = await app.git.locate(provision.path);
  if (location === null || location.mainRoot === null) return [];
  const marker = await app.files.loadMarkerOf(location.commonDir, provision.path);
  return (marker?.links ?? DEFAULT_SYNC_DIRECTORIES).map((name) => `${project.root}/${name}`);
}

import * as z from "zod";

/** The agents that okstra brings its skills to, and the directory that each of them reads skills from. */
export const AGENT_SKILLS = {
  claude: { directory: ".claude/skills", home: ".claude", program: "claude" },
  codex: { directory: ".agents/skills", home: ".codex", program: "codex" },
  gemini: { directory: ".agents/skills", home: ".gemini", program: "gemini" },
  cursor: { directory: ".agents/skills", home: ".cursor", program: "cursor-agent" },
  opencode: { directory: ".agents/skills", home: ".config/opencode", program: "opencode" },
} as const;

export type AgentName = keyof typeof AGENT_SKILLS;
export const AGENT_NAMES = Object.keys(AGENT_SKILLS) as readonly AgentName[];

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** `BUILD.json` of a package: what it was built from, and the SHA-256 of its files by their path in the package. */
export const buildSchema = z.looseObject({
  version: z.string(),
  commit: z.string().nullable(),
  files: z.record(z.string(), sha256Schema),
});
export type Build = z.infer<typeof buildSchema>;

const targetSchema = z.looseObject({
  scope: z.enum(["user", "project"]),
  /** Absolute path of the HOME or the main worktree. */
  base: z.string().regex(/^(?:\/|[A-Za-z]:[\\/])/),
  agents: z.array(z.enum(AGENT_NAMES as [AgentName, ...AgentName[]])),
});
export type InstallTarget = z.infer<typeof targetSchema>;

const installedFileSchema = z.looseObject({ base: z.string(), path: z.string(), sha256: sha256Schema });
export type InstalledFile = z.infer<typeof installedFileSchema>;

/** `OKSTRA_HOME/installed.json`: where skills were installed, and each file with the hash that it was written with. */
export const installedSchema = z.looseObject({
  schema: z.literal(1),
  version: z.string(),
  targets: z.array(targetSchema),
  files: z.array(installedFileSchema),
});
export type Installed = z.infer<typeof installedSchema>;

/** The name that a new file gets beside one that the user changed. */
export const BESIDE = ".okstra-new";

/** A file of ours below one of the directories that agents read skills from, as a path from its base; nothing else is ever touched. */
export function isOwnPath(path: string): boolean {
  return /^\.(?:claude|agents)\/skills\/okstra-[a-z0-9-]+(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(path) && !path.includes("..");
}

/** What is at a path: nothing, a file with this hash, or something that is no regular file. */
export type FoundFile = { readonly sha256: string } | "absent" | "other";

export type Outcome = "created" | "updated" | "unchanged" | "kept" | "removed" | "gone";

export interface FilePlan {
  readonly path: string;
  /** `kept`: the user changed it, so it stays; `gone`: it was ours and is no more. */
  readonly outcome: Outcome;
  /** Hash of what is to be written; null where nothing is. */
  readonly write: string | null;
  /** Hash to be remembered; null where the file is none of ours (any more). */
  readonly remember: string | null;
  /** Of a kept file: where the new one is laid; null where there is none. */
  readonly beside: string | null;
}

/**
 * What is to be done with each file of one base, by hashes alone: the same input has the same answer, and after it is done
 * the answer is `unchanged` for all.
 * @param wanted path -> hash of the version to be there
 * @param known path -> hash that was written there before
 * @param found what is there, for every path of both and for those with {@link BESIDE} behind them
 */
export function planFiles(
  wanted: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, string>,
  found: (path: string) => FoundFile,
): readonly FilePlan[] {
  const plans: FilePlan[] = [];
  const besides = new Set<string>();
  for (const [path, sha256] of wanted) {
    const one = planOne(path, sha256, known.get(path), found(path));
    if (one !== null) {
      plans.push(one);
      continue;
    }
    const beside = `${path}${BESIDE}`;
    // Of the user's file only the hash that was ours is remembered: put back, it is ours again.
    plans.push({ path, outcome: "kept", write: null, remember: known.get(path) ?? null, beside });
    const other = planOne(beside, sha256, known.get(beside), found(beside));
    if (other === null) continue;
    besides.add(beside);
    plans.push(other);
  }
  for (const [path, sha256] of known) {
    if (wanted.has(path) || besides.has(path)) continue;
    const there = found(path);
    if (there === "absent") plans.push({ path, outcome: "gone", write: null, remember: null, beside: null });
    else if (there !== "other" && there.sha256 === sha256)
      plans.push({ path, outcome: "removed", write: null, remember: null, beside: null });
    else plans.push({ path, outcome: "kept", write: null, remember: null, beside: null });
  }
  return plans;
}

/** Null for a file that the user changed. */
function planOne(path: string, sha256: string, known: string | undefined, there: FoundFile): FilePlan | null {
  if (there === "absent") return { path, outcome: "created", write: sha256, remember: sha256, beside: null };
  if (there === "other") return null;
  if (there.sha256 === sha256) return { path, outcome: "unchanged", write: null, remember: sha256, beside: null };
  if (there.sha256 === known) return { path, outcome: "updated", write: sha256, remember: sha256, beside: null };
  return null;
}

/** Below 0 when the first version is the older one (Semantic Versioning 2.0, section 11); what is no version is older than any. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [readVersion(one), readVersion(other)];
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  for (let at = 0; at < 3; at += 1) if (a.core[at] !== b.core[at]) return (a.core[at] ?? 0) - (b.core[at] ?? 0);
  // A version is newer than its pre-releases.
  if (a.pre.length === 0 || b.pre.length === 0) return Number(a.pre.length === 0) - Number(b.pre.length === 0);
  for (let at = 0; at < Math.max(a.pre.length, b.pre.length); at += 1) {
    const [left, right] = [a.pre[at], b.pre[at]];
    if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
    if (left === right) continue;
    const [isLeftNumber, isRightNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (isLeftNumber && isRightNumber) return Number(left) - Number(right);
    if (isLeftNumber !== isRightNumber) return isLeftNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

function readVersion(text: string): { readonly core: readonly number[]; readonly pre: readonly string[] } | null {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(text);
  if (match === null) return null;
  return { core: match.slice(1, 4).map(Number), pre: match[4] === undefined ? [] : match[4].split(".") };
}

/** What an agent asks to do, as far as its request tells. */
export interface PermissionQuestion {
  readonly mode: "read-only" | "edit";
  /** ACP's kind of tool; `other` when none is said. */
  readonly toolKind: string;
  readonly title: string;
  /** Absolute paths that the request names. */
  readonly paths: readonly string[];
  readonly worktree: string;
  readonly sandboxed: boolean;
  /** Whether it is a tool of okstra's own server. */
  readonly isDoor: boolean;
}

export interface PermissionDecision {
  readonly answer: "allowed" | "refused";
  /** Stable name of the rule that decided. */
  readonly rule: string;
}

const LOOKING = ["read", "search", "think"];
const CHANGING = ["edit", "delete", "move"];

/**
 * What an agent may do, decided from facts and never from its words. A sandbox is what holds it; this is what it is
 * told. Reading is allowed everywhere, editing to the executor inside the worktree, commands to the executor and, in a
 * sandbox, to everybody; the network and other modes to nobody.
 */
export function decidePermission(question: PermissionQuestion): PermissionDecision {
  const { mode, toolKind, paths, worktree, sandboxed, isDoor } = question;
  const answer = (allowed: boolean, rule: string): PermissionDecision => ({ answer: allowed ? "allowed" : "refused", rule });
  if (isDoor && !CHANGING.includes(toolKind)) return answer(true, "door");
  if (LOOKING.includes(toolKind)) return answer(true, "reading");
  if (CHANGING.includes(toolKind)) {
    if (mode === "read-only") return answer(false, "read-only-phase");
    // Without a path nobody can tell where it edits; git and the sandbox see it afterwards.
    if (paths.some((path) => !isInside(worktree, path))) return answer(false, "outside-worktree");
    return paths.length > 0 || sandboxed ? answer(true, "edit-in-worktree") : answer(false, "edit-without-a-path");
  }
  if (toolKind === "execute") return mode === "edit" || sandboxed ? answer(true, "command") : answer(false, "command-without-sandbox");
  if (toolKind === "fetch") return answer(false, "network");
  if (toolKind === "switch_mode") return answer(false, "mode-is-okstras");
  return answer(mode === "edit" && sandboxed, "unknown-tool");
}

/** Lexically inside; `..` leads out whatever it would resolve to. */
function isInside(root: string, path: string): boolean {
  if (path.split(/[\\/]/).includes("..")) return false;
  return path === root || path.startsWith(`${root}/`);
}

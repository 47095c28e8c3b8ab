import { OkstraError } from "../errors.ts";

/** The task types in the order of a full task; `improvement-discovery` stands beside them as a second entry. */
export const TASK_TYPES = [
  "requirements-discovery",
  "error-analysis",
  "implementation-planning",
  "implementation",
  "final-verification",
  "release-handoff",
  "improvement-discovery",
] as const;
export type TaskType = (typeof TASK_TYPES)[number];

const BRANCH_PREFIX = { bugfix: "fix", feature: "feat", refactor: "refactor", ops: "ops", improvement: "improve" } as const;

/** What a task's category is while nobody classified it. */
export const UNCLASSIFIED = "task";

/** @throws OKSTRA_TASK_TYPE_UNKNOWN */
export function requireTaskType(value: string): TaskType {
  if ((TASK_TYPES as readonly string[]).includes(value)) return value as TaskType;
  throw new OkstraError("OKSTRA_TASK_TYPE_UNKNOWN", {
    message: `"${value}" is not a task type; known: ${TASK_TYPES.join(", ")}.`,
    details: { given: value, known: TASK_TYPES },
  });
}

/** Any word is a category (contract: "anything else `task`"), so that an unknown one only loses its prefix. */
function branchPrefix(category: string): string {
  return Object.hasOwn(BRANCH_PREFIX, category) ? BRANCH_PREFIX[category as keyof typeof BRANCH_PREFIX] : "task";
}

/** What a branch's name says: the category of its prefix and the rest (`fix-login`, `fix/login` -> bugfix, login). */
export function categoryOfBranch(branch: string): { category: string; rest: string } {
  const matched = /^(fix|feat|refactor|ops|improve|task)[-/](.+)$/s.exec(branch);
  if (matched === null) return { category: UNCLASSIFIED, rest: branch };
  const category = Object.entries(BRANCH_PREFIX).find(([, prefix]) => prefix === matched[1])?.[0];
  return { category: category ?? UNCLASSIFIED, rest: matched[2] ?? branch };
}

/**
 * The branch names a task may get, best first: `fix-login`, `fix-<group>-login`, then that with six hex digits
 * of the key, for tasks of one repository whose names meet.
 */
export function branchCandidates(
  category: string,
  key: { project: string; group: string; task: string },
  sha256: (text: string) => string,
): readonly [string, string, string] {
  const prefix = branchPrefix(category);
  const grouped = `${prefix}-${key.group}-${key.task}`;
  const digits = sha256(`${key.project}/${key.group}/${key.task}`).slice(0, 6);
  return [`${prefix}-${key.task}`, grouped, `${grouped}-${digits}`];
}

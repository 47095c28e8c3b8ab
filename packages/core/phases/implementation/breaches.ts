import type { DecisionInput } from "../phase.ts";

/** Characters of a commit id that are shown. */
const SHORT = 12;

/** Something that git or the file system saw which the executor must not do. */
export interface Breach {
  /** Code of a gate's reason. */
  readonly code: string;
  readonly details: readonly string[];
}

/** What is outside the executor's limits, gravest first; nothing without git. */
export function listBreaches({ work, context }: Pick<DecisionInput, "work" | "context">): Breach[] {
  if (work === null) return [];
  const breaches: (Breach & { readonly is: boolean })[] = [
    { code: "history-rewritten", is: work.rewritten, details: [] },
    list("other-refs-changed", work.otherRefs.map(describeRef)),
    list("main-checkout-changed", work.mainCheckout),
    // Without a plan there is nothing that an edit could be outside of.
    list("outside-plan", context.plan === null ? [] : work.outsidePlan),
    list("uncommitted-work", work.uncommitted),
    list("agent-settings-changed", work.agentSettings),
    list("protected-paths-changed", work.protectedPaths),
  ];
  return breaches.filter(({ is }) => is).map(({ code, details }) => ({ code, details }));
}

/** `refs/heads/main: a41d0c9e77b2 → none`. */
function describeRef({ ref, from, to }: NonNullable<DecisionInput["work"]>["otherRefs"][number]): string {
  return `${ref}: ${from?.slice(0, SHORT) ?? "none"} → ${to?.slice(0, SHORT) ?? "none"}`;
}

function list(code: string, details: readonly string[]): Breach & { readonly is: boolean } {
  return { code, is: details.length > 0, details };
}

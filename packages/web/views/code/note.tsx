import type { TaskRef } from "@okstra/core/dashboard/api";
import { taskHash } from "../../router.ts";
import type { Facts } from "../findings/facts.ts";
import { Severity } from "../findings/list.tsx";

/** A finding under the lines that it is about. @param at a commit that is not the one it was seen at, else null */
export function InlineNote({ task, facts, isMain, at = null }: { task: TaskRef; facts: Facts; isMain: boolean; at?: string | null }) {
  const { key, id, severity, state, class: kind, claim } = facts;
  return (
    <div class={isMain ? "inline-note main" : "inline-note"}>
      <p class="said-who">
        <Severity severity={severity} />
        <a href={taskHash(task, "findings", { finding: key })}>{id}</a>
        <span>{state}</span>
        <span class="quiet">{kind}</span>
        {at !== null && <span class="quiet">seen at {at}: the line may be another here</span>}
      </p>
      <p class="words">{claim}</p>
    </div>
  );
}

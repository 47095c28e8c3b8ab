import type { TaskPage } from "@okstra/core/dashboard/api";
import type { ComponentChildren } from "preact";

/** What a section with an action of a person needs. */
export interface ActProps {
  readonly page: TaskPage;
  readonly onDone: (page: TaskPage) => void;
  readonly onChanged: () => void;
}

/** @param id what `?at=` in the address names, too */
export function SectionHeading({ id, count, children }: { id: string; count?: number | undefined; children: ComponentChildren }) {
  return (
    <h2 id={id} tabIndex={-1}>
      {children} {count !== undefined && count > 0 && <span class="count">{count}</span>}
    </h2>
  );
}

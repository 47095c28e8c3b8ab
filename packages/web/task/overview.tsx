import { useEffect } from "preact/hooks";
import { Markdown } from "../parts/markdown.tsx";
import { Gates } from "./gates.tsx";
import { PlanSection } from "./plan.tsx";
import { Questions } from "./questions.tsx";
import { RunsTable } from "./runs.tsx";
import { SectionHeading, type ActProps } from "./section.tsx";
import { Timeline } from "./timeline.tsx";

/** @param at section that the focus goes to: plan, questions, gates */
export function Overview({ page, onDone, onChanged, at }: ActProps & { at: string | null }) {
  useEffect(() => {
    if (at === null || !/^[a-z]+$/u.test(at)) return;
    const heading = document.getElementById(at);
    heading?.focus({ preventScroll: true });
    heading?.scrollIntoView({ block: "start" });
  }, [at, page.taskKey]);
  const acts = { page, onDone, onChanged };
  return (
    <div class="overview">
      <Questions {...acts} />
      <PlanSection {...acts} />
      <Gates {...acts} />
      <section class="section" aria-labelledby="timeline">
        <SectionHeading id="timeline">Timeline</SectionHeading>
        <Timeline page={page} />
      </section>
      <section class="section" aria-labelledby="brief">
        <SectionHeading id="brief">Brief</SectionHeading>
        {page.brief === null ? (
          <p class="quiet">It has none.</p>
        ) : (
          <div class="panel">
            <Markdown text={page.brief} />
          </div>
        )}
      </section>
      <section class="section" aria-labelledby="runs">
        <SectionHeading id="runs">Runs</SectionHeading>
        <RunsTable page={page} />
      </section>
    </div>
  );
}

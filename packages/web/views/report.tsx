import type { ReportText, TaskRef } from "@okstra/core/dashboard/api";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { taskPath, useApi } from "../api-client.ts";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { Ago } from "../parts/time.tsx";
import { taskHash, useRoute } from "../router.ts";
import { buildReport, findHeading } from "./report/build-report.ts";
import { RunSelect, useRunChoice } from "./run-choice.tsx";

interface ReportViewProps {
  readonly task: TaskRef;
  /** Null: the newest run that has a report. */
  readonly type: string | null;
  readonly run: number | null;
}

/** The report of a run. */
export function ReportView({ task, type, run }: ReportViewProps) {
  const { runs, chosen, data: page, failure: noPage, reload } = useRunChoice(task, type, run, ({ hasReport }) => hasReport);
  const path = chosen === null ? null : taskPath(task, `/runs/${encodeURIComponent(chosen.type)}/${chosen.run}/report`);
  const report = useApi<ReportText>(path);
  if (chosen === null) {
    if (noPage !== null) return <Failure failure={noPage} retry={reload} />;
    return page === null ? <Skeleton lines={12} /> : <Empty title="No run of the task has a report yet." />;
  }
  return (
    <>
      <div class="view-filters">
        <RunSelect task={task} tab="report" runs={runs} chosen={chosen} />
      </div>
      {report.failure !== null && <Failure failure={report.failure} retry={report.reload} />}
      {report.data === null && report.failure === null && <Skeleton lines={12} label="Loading the report" />}
      {report.data !== null && <Report task={task} report={report.data} />}
    </>
  );
}

const VALIDITY = { true: "valid", false: "not valid", null: "not validated" } as const;

function Report({ task, report }: { task: TaskRef; report: ReportText }) {
  const { type, run, lang, verdict, valid, generatedAt, markdown } = report;
  const section = useRoute().query.get("section");
  const place = useRef<HTMLDivElement>(null);
  const built = useMemo(() => buildReport(markdown), [markdown]);
  useLayoutEffect(() => {
    place.current?.replaceChildren(built.content.cloneNode(true));
  }, [built]);
  useEffect(() => {
    if (section === null) return;
    const heading = findHeading(section);
    heading?.scrollIntoView({ block: "start" });
    heading?.focus({ preventScroll: true });
  }, [section, built]);
  return (
    <div class="report">
      <p class="report-facts">
        <b>{verdict}</b>
        <span class={valid === false ? "bad" : "quiet"}>{VALIDITY[`${valid}`]}</span>
        <span class="quiet">
          written <Ago at={generatedAt} />
        </span>
      </p>
      {built.headings.length > 2 && (
        <details class="report-contents" open={built.headings.length <= 30}>
          <summary>Contents</summary>
          <ul>
            {built.headings.map(({ slug, text, level }) => (
              <li key={slug} class={`level-${level}`}>
                <a href={taskHash(task, "report", { type, run, section: slug })}>{text === "" ? slug : text}</a>
              </li>
            ))}
          </ul>
        </details>
      )}
      <div ref={place} class="markdown report-text" lang={lang} />
    </div>
  );
}

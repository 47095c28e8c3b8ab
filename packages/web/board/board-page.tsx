import type { Board, BoardTask } from "@okstra/core/dashboard/api";
import { useEffect, useRef } from "preact/hooks";
import { useApi } from "../api-client.ts";
import { announce } from "../parts/announce.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { countOf } from "../format.ts";
import { navigate, pageHash } from "../router.ts";
import { useReloadOn } from "../stream.ts";
import { Columns } from "./columns.tsx";
import { Filters, matchesFilters } from "./filters.tsx";
import { Waiting } from "./waiting.tsx";

export function BoardPage({ query }: { query: URLSearchParams }) {
  const asked = useApi<Board>("/api/board");
  useReloadOn(asked, (message) => message.kind === "change" || (message.kind === "event" && message.event.type !== "lane-activity"));
  const { data, failure, reload } = asked;
  useAnnouncedWaits(data);
  const shown = data?.tasks.filter((task) => matchesFilters(task, query)) ?? [];
  const waiting = shown.filter(({ state }) => state === "waiting");
  return (
    <>
      <div class="page-head">
        <PageHeading page="board">Board</PageHeading>
        {data !== null && <p class="quiet">{countTasks(shown.length, data.tasks.length)}</p>}
      </div>
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {data === null && failure === null && <Skeleton lines={8} />}
      {data !== null && data.tasks.length === 0 && (
        <Empty title="No task yet.">
          <p>
            Make one in a repository: <code>okstra task new &lt;group&gt;/&lt;task&gt;</code>
          </p>
        </Empty>
      )}
      {data !== null && data.tasks.length > 0 && (
        <>
          <Filters board={data} query={query} />
          {shown.length === 0 ? (
            <Empty title="No task is like that.">
              <button type="button" class="button" onClick={() => navigate(pageHash("board"), { replace: true })}>
                Show all
              </button>
            </Empty>
          ) : (
            <>
              <Waiting tasks={waiting} />
              <Columns phases={data.phases} tasks={shown} />
            </>
          )}
        </>
      )}
    </>
  );
}

function countTasks(shown: number, all: number): string {
  return shown === all ? countOf(all, "task") : `${shown} of ${countOf(all, "task")}`;
}

/** Says which task began to wait for a person; the title of the page counts them. */
function useAnnouncedWaits(board: Board | null): void {
  const known = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    const waiting = board?.tasks.filter(({ state }) => state === "waiting") ?? [];
    document.title = `${waiting.length === 0 ? "" : `(${waiting.length}) `}Board · okstra`;
    if (board === null) return;
    const before = known.current;
    known.current = new Set(waiting.map(({ taskKey }) => taskKey));
    if (before === null) return;
    const fresh = waiting.filter(({ taskKey }: BoardTask) => !before.has(taskKey));
    const [first] = fresh;
    if (first === undefined) return;
    announce(fresh.length === 1 ? `${first.group}/${first.task} waits for you: ${first.why}` : `${fresh.length} more tasks wait for you.`);
  }, [board]);
}

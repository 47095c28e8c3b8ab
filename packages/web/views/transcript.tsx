import type { TaskRef } from "@okstra/core/dashboard/api";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { countOf, formatNumber, formatTime } from "../format.ts";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { navigate, taskHash } from "../router.ts";
import { useRows } from "./rows.ts";
import { RunSelect, useRunChoice } from "./run-choice.tsx";
import { usePages, type TranscriptLine } from "./transcript/use-pages.ts";

interface TranscriptViewProps {
  readonly task: TaskRef;
  /** Null: the newest run. */
  readonly type: string | null;
  readonly run: number | null;
  /** Null: of all workers. */
  readonly worker: string | null;
}

/** What the workers of a run said, and say while it goes on. */
export function TranscriptView({ task, type, run, worker }: TranscriptViewProps) {
  const { runs, chosen, data: page, failure, reload } = useRunChoice(task, type, run, () => true);
  if (chosen === null) {
    if (failure !== null) return <Failure failure={failure} retry={reload} />;
    return page === null ? <Skeleton lines={12} /> : <Empty title="The task has no run yet." />;
  }
  const own = runs.find((each) => each.type === chosen.type && each.run === chosen.run);
  const workers = [...new Set([...(own?.lanes ?? []).map((lane) => lane.worker), ...(worker === null ? [] : [worker])])];
  const choose = (value: string): void => navigate(taskHash(task, "transcripts", { ...chosen, worker: value }), { replace: true });
  return (
    <Lines
      key={`${chosen.type} ${chosen.run} ${worker ?? ""}`}
      task={task}
      type={chosen.type}
      run={chosen.run}
      worker={worker}
      isRunning={own?.state === "running"}
    >
      <RunSelect task={task} tab="transcripts" runs={runs} chosen={chosen} />
      <label class="field">
        <span>Worker</span>
        <select value={worker ?? ""} onChange={(event) => choose(event.currentTarget.value)}>
          <option value="">all</option>
          {workers.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
    </Lines>
  );
}

/** Letters of a line that are shown before somebody asks for all of it. */
const MOST_LETTERS = 3000;
/** Pixels that a line is taken to have until it is measured. */
const LINE = 64;
/** Rows before the end from which the next page is asked for. */
const NEAR_END = 60;

interface LinesProps {
  readonly task: TaskRef;
  readonly type: string;
  readonly run: number;
  readonly worker: string | null;
  readonly isRunning: boolean;
  /** Choices that stand before those of the lines. */
  readonly children: ComponentChildren;
}

function Lines({ task, type, run, worker, isRunning, children }: LinesProps) {
  const pages = usePages(task, type, run, worker ?? "");
  const { lines, failure, isAtTail, isEnd, isLoading, wantMore, retry } = pages;
  const [kind, setKind] = useState("");
  const [asked, setFollowing] = useState<boolean | null>(null);
  // A run that goes on is followed until somebody says otherwise.
  const isFollowing = asked ?? isRunning;
  const kinds = useMemo(() => [...new Set(lines.map((line) => line.kind))].toSorted(), [lines]);
  const shown = useMemo(() => (kind === "" ? lines : lines.filter((line) => line.kind === kind)), [lines, kind]);
  const rows = useRows({ count: shown.length, sizeOf: () => LINE });
  const last = shown.length - 1;
  const lastShown = rows.items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (lastShown >= last - NEAR_END) wantMore();
  }, [lastShown, last, isLoading]);
  useLayoutEffect(() => {
    if (isFollowing && last >= 0) rows.scrollTo(last, "end");
  }, [isFollowing, last, rows.height]);
  const follow = (isOn: boolean): void => {
    setFollowing(isOn);
    if (isOn) wantMore(true);
  };
  // A hand at the wheel, or keys that go up, let go of the end.
  const scroll = (event: WheelEvent): void => {
    if (event.deltaY < 0) setFollowing(false);
  };
  const press = (event: KeyboardEvent): void => {
    if (["ArrowUp", "PageUp", "Home"].includes(event.key)) setFollowing(false);
    if (event.key === "End" && !event.ctrlKey) {
      event.preventDefault();
      wantMore(true);
      rows.scrollTo(last, "end");
    }
  };
  const state = isEnd ? "all of it" : isAtTail ? "it goes on" : isLoading ? "loading" : "there is more";
  return (
    <>
      <div class="view-filters">
        {children}
        <label class="field">
          <span>Kind</span>
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="">all</option>
            {kinds.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        {!isEnd && (
          <label class="tick">
            <input type="checkbox" checked={isFollowing} onChange={(event) => follow(event.currentTarget.checked)} />
            <span>Follow</span>
          </label>
        )}
        <p class="quiet view-filters-end">
          {shown.length === lines.length
            ? countOf(lines.length, "line")
            : `${formatNumber(shown.length)} of ${countOf(lines.length, "line")}`}
          , {state}
        </p>
        {!isEnd && !isAtTail && !isLoading && (
          <button type="button" class="button" onClick={() => wantMore(true)}>
            Load all
          </button>
        )}
      </div>
      {failure !== null && <Failure failure={failure} retry={retry} />}
      {lines.length === 0 && isLoading && <Skeleton lines={12} label="Loading the transcript" />}
      {shown.length === 0 && !isLoading && failure === null && <Empty title={isEnd ? "Nothing was said." : "Nothing was said yet."} />}
      {shown.length > 0 && (
        <div
          ref={rows.frame}
          class="transcript-frame"
          role="region"
          tabIndex={0}
          aria-label={`Transcript of ${type} ${run}`}
          onWheel={scroll}
          onTouchMove={() => setFollowing(false)}
          onKeyDown={press}
        >
          <div role="list" class="v-rows" style={{ height: `${rows.height}px` }}>
            {rows.items.map(({ key, index, start }) => {
              const line = shown[index];
              if (line === undefined) return null;
              return (
                <div
                  key={key}
                  ref={rows.measure}
                  data-index={index}
                  role="listitem"
                  aria-setsize={isEnd ? shown.length : -1}
                  aria-posinset={index + 1}
                  class={`v-row said-line kind-${/^[a-z-]+$/u.test(line.kind) ? line.kind : "other"}`}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <Line line={line} />
                </div>
              );
            })}
          </div>
        </div>
      )}
    </>
  );
}

function Line({ line: { at, lane, worker, kind, text } }: { line: TranscriptLine }) {
  const [isWhole, setWhole] = useState(text.length <= MOST_LETTERS);
  return (
    <>
      <p class="said-line-head">
        <b>{worker}</b>
        {lane !== worker && <span class="quiet">{lane}</span>}
        <span class="said-kind">{kind}</span>
        {at !== null && (
          <time class="quiet" dateTime={at}>
            {formatTime(at)}
          </time>
        )}
      </p>
      <p class="words">
        {isWhole ? text : text.slice(0, MOST_LETTERS)}
        {!isWhole && (
          <button type="button" class="code-more" onClick={() => setWhole(true)}>
            … {formatNumber(text.length - MOST_LETTERS)} more letters
          </button>
        )}
      </p>
    </>
  );
}

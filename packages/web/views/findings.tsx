import type { TaskRef } from "@okstra/core/dashboard/api";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { countOf, formatNumber } from "../format.ts";
import { announce } from "../parts/announce.tsx";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { navigate, taskHash, useRoute } from "../router.ts";
import { FindingDetail } from "./findings/detail.tsx";
import { findFacts, useFindings, type Facts } from "./findings/facts.ts";
import {
  countValues,
  describeFilter,
  isFiltering,
  NO_FILTER,
  pickFindings,
  readFilter,
  SORTS,
  type Filter,
  type Sort,
} from "./findings/filter.ts";
import { FindingList } from "./findings/list.tsx";
import { NARROW, useMedia } from "./use-media.ts";

/** Milliseconds that the address is behind what was typed or gone to: a browser refuses to be told too often. */
const ADDRESS_MS = 300;

/** The findings of a task: a list of however many, filters, and everything about the one that has the mark. */
export function FindingsView({ task }: { task: TaskRef }) {
  const { data, facts, failure, reload } = useFindings(task);
  if (failure !== null && data === null) return <Failure failure={failure} retry={reload} />;
  if (data === null) return <Skeleton lines={12} label="Loading the findings" />;
  return (
    <>
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {data.unheard.length > 0 && (
        <details class="notice">
          <summary>
            {countOf(data.unheard.length, "finding")} of lanes that did not end well {data.unheard.length === 1 ? "is" : "are"} not in the
            list
          </summary>
          <p>{data.unheard.join(", ")}</p>
        </details>
      )}
      {facts.length === 0 ? <Empty title="There are no findings." /> : <Browser task={task} all={facts} />}
    </>
  );
}

function Browser({ task, all }: { task: TaskRef; all: readonly Facts[] }) {
  const { query } = useRoute();
  const asked = query.get("finding");
  const isNarrow = useMedia(NARROW);
  const [filter, setFilter] = useState<Filter>(() => readFilter(query));
  const [picked, setPicked] = useState<string | null>(() => findFacts(all, asked)?.key ?? null);
  const [isOpen, setOpen] = useState(asked !== null);
  /** Counts up whenever the detail is to get the focus. */
  const [focus, setFocus] = useState(0);
  const place = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => pickFindings(all, filter), [all, filter]);
  const found = shown.findIndex(({ key }) => key === picked);
  const active = found === -1 ? (shown.length === 0 ? -1 : 0) : found;
  const current = shown[active];

  const written = useRef(asked);
  useEffect(() => {
    // Another address than this view wrote: somebody followed a link to a finding.
    if (asked === null || asked === written.current) return;
    written.current = asked;
    const wanted = findFacts(all, asked);
    if (wanted === undefined) return;
    setPicked(wanted.key);
    setOpen(true);
    if (!shown.includes(wanted)) setFilter(NO_FILTER);
  }, [asked]);
  useEffect(() => {
    const timer = setTimeout(() => {
      written.current = picked;
      const hash = taskHash(task, "findings", { ...describeFilter(filter), finding: picked });
      if (hash !== location.hash && location.hash.startsWith(taskHash(task, "findings"))) navigate(hash, { replace: true });
    }, ADDRESS_MS);
    return () => clearTimeout(timer);
  }, [filter, picked, task.project, task.group, task.task]);
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) announce(`${formatNumber(shown.length)} of ${countOf(all.length, "finding")}`);
    isFirst.current = false;
  }, [shown]);

  const open = (index: number): void => {
    setPicked(shown[index]?.key ?? null);
    setOpen(true);
    setFocus((each) => each + 1);
  };
  const close = (): void => {
    setOpen(false);
    // On a phone the list is shown again only by the next rendering.
    requestAnimationFrame(() => place.current?.querySelector<HTMLElement>("[role=listbox]")?.focus());
  };
  const pick = (key: string): void => {
    if (!shown.some((each) => each.key === key)) setFilter(NO_FILTER);
    setPicked(key);
    setFocus((each) => each + 1);
  };
  // On a phone a finding has the page for itself.
  const hasList = !isOpen || !isNarrow || current === undefined;
  return (
    <>
      {hasList && <Filters isNarrow={isNarrow} all={all} filter={filter} onFilter={setFilter} />}
      {hasList && (
        <p class="quiet findings-count">
          {shown.length === all.length
            ? countOf(all.length, "finding")
            : `${formatNumber(shown.length)} of ${countOf(all.length, "finding")}`}
        </p>
      )}
      {shown.length === 0 && (
        <Empty title="No finding passes the filters.">
          <button type="button" class="button" onClick={() => setFilter(NO_FILTER)}>
            Show all
          </button>
        </Empty>
      )}
      {current !== undefined && (
        <div ref={place} class={isOpen ? "findings is-open" : "findings"}>
          <FindingList
            findings={shown}
            active={active}
            isNarrow={isNarrow}
            choice={filter}
            onActive={(index) => setPicked(shown[index]?.key ?? null)}
            onOpen={open}
          />
          {(isOpen || !isNarrow) && (
            <FindingDetail task={task} facts={current} same={findSame(all, current)} focus={focus} onPick={pick} onClose={close} />
          )}
        </div>
      )}
    </>
  );
}

/** Clusters are named within their run. */
function findSame(all: readonly Facts[], { finding: { cluster, type, run } }: Facts): readonly Facts[] {
  if (cluster === null || cluster.possiblySame.length === 0) return [];
  const wanted = new Set(cluster.possiblySame);
  return all.filter(({ finding: other }) => other.type === type && other.run === run && wanted.has(other.cluster?.id ?? ""));
}

interface FiltersProps {
  readonly isNarrow: boolean;
  readonly all: readonly Facts[];
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
}

function Filters({ isNarrow, all, filter, onFilter }: FiltersProps) {
  const values = useMemo(
    () => ({
      severity: countValues(all, (facts) => facts.severity),
      state: countValues(all, (facts) => facts.state),
      class: countValues(all, (facts) => facts.class),
    }),
    [all],
  );
  const choose = (name: "severity" | "state" | "class", title: string) => (
    <label class="field">
      <span>{title}</span>
      <select value={filter[name]} onChange={(event) => onFilter({ ...filter, [name]: event.currentTarget.value })}>
        <option value="">all</option>
        {values[name].map(([value, count]) => (
          <option key={value} value={value}>
            {value} ({formatNumber(count)})
          </option>
        ))}
      </select>
    </label>
  );
  const type = (name: "file" | "text", title: string) => (
    <label class="field">
      <span>{title}</span>
      <input
        type="text"
        value={filter[name]}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onFilter({ ...filter, [name]: event.currentTarget.value })}
      />
    </label>
  );
  const fields = (
    <>
      {choose("severity", "Severity")}
      {choose("state", "State")}
      {choose("class", "Class")}
      {type("file", "File has")}
      <label class="field">
        <span>Order</span>
        <select value={filter.sort} onChange={(event) => onFilter({ ...filter, sort: event.currentTarget.value as Sort })}>
          {Object.entries(SORTS).map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </>
  );
  return (
    <form class="view-filters" aria-label="Filters of findings" onSubmit={(event) => event.preventDefault()}>
      {type("text", "Text has")}
      {isNarrow ? (
        <details class="more-filters" open={isFiltering({ ...filter, text: "" })}>
          <summary>More filters</summary>
          <div class="view-filters">{fields}</div>
        </details>
      ) : (
        fields
      )}
      {isFiltering(filter) && (
        <button type="button" class="button" onClick={() => onFilter({ ...NO_FILTER, sort: filter.sort })}>
          Clear
        </button>
      )}
    </form>
  );
}

import { useLayoutEffect } from "preact/hooks";
import { countOf } from "../../format.ts";
import { useRows } from "../rows.ts";
import type { Facts } from "./facts.ts";

/** Pixels of a row: two lines of text, on a phone three; views.css has the same. */
const ROW = 58;
const ROW_NARROW = 84;

interface FindingListProps {
  readonly findings: readonly Facts[];
  /** Place of the one that has the mark; -1 when there are none. */
  readonly active: number;
  readonly isNarrow: boolean;
  /** Another one when other findings or another order were asked for: the mark is brought into sight then. */
  readonly choice: unknown;
  readonly onActive: (index: number) => void;
  readonly onOpen: (index: number) => void;
}

/**
 * All findings as a list box: the focus stays on the list, the arrows move the mark. Only rows in sight are in the page;
 * each says its place and how many there are.
 */
export function FindingList({ findings, active, isNarrow, choice, onActive, onOpen }: FindingListProps) {
  const size = isNarrow ? ROW_NARROW : ROW;
  const rows = useRows({ count: findings.length, sizeOf: () => size, keyOf: (index) => findings[index]?.key ?? index, kept: active });
  useLayoutEffect(() => {
    if (active >= 0) rows.scrollTo(active);
  }, [active, choice, size]);
  const last = findings.length - 1;
  const steps: Readonly<Record<string, () => number>> = {
    ArrowDown: () => active + 1,
    ArrowUp: () => active - 1,
    j: () => active + 1,
    k: () => active - 1,
    Home: () => 0,
    End: () => last,
    PageDown: () => active + rows.pageSize(size),
    PageUp: () => active - rows.pageSize(size),
  };
  const press = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || last < 0) return;
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      onActive(Math.min(last, Math.max(0, step())));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onOpen(active);
    }
  };
  return (
    <div
      ref={rows.frame}
      class="findings-list"
      role="listbox"
      tabIndex={0}
      data-step
      aria-label={`${countOf(findings.length, "finding")}; Enter opens`}
      aria-activedescendant={active >= 0 ? `finding-${active}` : undefined}
      onKeyDown={press}
    >
      <div role="presentation" class="v-rows" style={{ height: `${rows.height}px` }}>
        {rows.items.map(({ key, index, start }) => {
          const facts = findings[index];
          if (facts === undefined) return null;
          return (
            <div
              key={key}
              id={`finding-${index}`}
              class={index === active ? "v-row finding-row active" : "v-row finding-row"}
              role="option"
              aria-selected={index === active}
              aria-setsize={findings.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${start}px)`, height: `${size}px` }}
              onClick={() => onOpen(index)}
            >
              <span class="finding-head">
                <Severity severity={facts.severity} />
                <span class="finding-id">{facts.id}</span>
                <span class={`finding-state ${facts.state}`}>{facts.state}</span>
                <span class="quiet">{facts.class}</span>
                <span class="finding-place" title={facts.place}>
                  <span>{facts.place.slice(0, facts.place.lastIndexOf("/") + 1)}</span>
                  <span>{facts.place.slice(facts.place.lastIndexOf("/") + 1)}</span>
                </span>
              </span>
              <span class="finding-claim">{facts.claim}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

export function Severity({ severity }: { severity: string }) {
  return <span class={`severity severity-${severity}`}>{severity}</span>;
}

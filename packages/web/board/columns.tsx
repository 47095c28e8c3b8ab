import type { BoardTask } from "@okstra/core/dashboard/api";
import { useEffect, useRef, useState } from "preact/hooks";
import { StateBadge } from "../parts/badge.tsx";
import { Elapsed } from "../parts/time.tsx";
import { taskHash } from "../router.ts";

interface Column {
  readonly name: string;
  readonly going: readonly BoardTask[];
  /** Done or handed off: shown on demand, for there are ever more of them. */
  readonly finished: readonly BoardTask[];
}

/** Tasks without a phase. */
const NO_PHASE = "no phase";

function makeColumns(phases: readonly string[], tasks: readonly BoardTask[]): readonly Column[] {
  const names = [...phases, ...new Set(tasks.map(({ phase }) => phase ?? NO_PHASE).filter((name) => !phases.includes(name)))];
  return names
    .map((name) => {
      const own = tasks.filter(({ phase }) => (phase ?? NO_PHASE) === name);
      const isFinished = ({ state }: BoardTask): boolean => state === "done" || state === "handed-off";
      return { name, going: own.filter((task) => !isFinished(task)), finished: own.filter(isFinished) };
    })
    .filter(({ going, finished }) => going.length + finished.length > 0);
}

/** Columns by phase. One card is reached by Tab, the others by arrows from it. */
export function Columns({ phases, tasks }: { phases: readonly string[]; tasks: readonly BoardTask[] }) {
  const [active, setActive] = useState<string | null>(null);
  const area = useRef<HTMLDivElement>(null);
  const hadFocus = useRef(false);
  const columns = makeColumns(phases, tasks);
  const onlyFinished = columns.every(({ going }) => going.length === 0);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const isOpen = ({ name }: Column): boolean => onlyFinished || open.has(name);
  const visible = columns.flatMap((column) => [...column.going, ...(isOpen(column) ? column.finished : [])]);
  const tabbable = visible.some(({ taskKey }) => taskKey === active) ? active : (visible[0]?.taskKey ?? null);

  // A card that moves to another column is made anew there, and takes the focus with it.
  useEffect(() => {
    if (!hadFocus.current || document.activeElement !== document.body) return;
    area.current?.querySelector<HTMLElement>("[data-card][tabindex='0']")?.focus();
  });
  const move = (event: KeyboardEvent): void => {
    const target = findTarget(area.current, event.key);
    if (target === null) return;
    event.preventDefault();
    target.focus();
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const toggle = (name: string): void => {
    setOpen((all) => (all.has(name) ? new Set([...all].filter((each) => each !== name)) : new Set([...all, name])));
  };
  return (
    <section class="columns-region" aria-label="Tasks by phase">
      <div
        ref={area}
        class="columns"
        onKeyDown={move}
        onFocusIn={(event) => {
          hadFocus.current = true;
          const card = (event.target as HTMLElement).dataset["card"];
          if (card !== undefined) setActive(card);
        }}
        onFocusOut={(event) => {
          // Without another element that gets it, the card itself is gone or the window is left.
          if (event.relatedTarget !== null) hadFocus.current = area.current?.contains(event.relatedTarget as Node) ?? false;
        }}
      >
        {columns.map((column) => (
          <section key={column.name} class="column" data-column aria-label={column.name}>
            <h2 class="column-name">
              {column.name} <span class="count">{column.going.length + column.finished.length}</span>
            </h2>
            <ul class="cards">
              {column.going.map((task) => (
                <Card key={task.taskKey} task={task} isTabbable={task.taskKey === tabbable} />
              ))}
            </ul>
            {column.finished.length > 0 && !onlyFinished && (
              <button type="button" class="button fold" aria-expanded={isOpen(column)} onClick={() => toggle(column.name)}>
                {isOpen(column) ? "Hide" : "Show"} {column.finished.length} finished
              </button>
            )}
            {isOpen(column) && (
              <ul class="cards">
                {column.finished.map((task) => (
                  <Card key={task.taskKey} task={task} isTabbable={task.taskKey === tabbable} />
                ))}
              </ul>
            )}
          </section>
        ))}
      </div>
    </section>
  );
}

/** Where a key leads from the card that has the focus; null: nowhere. */
function findTarget(area: HTMLElement | null, key: string): HTMLElement | null {
  const current = document.activeElement;
  if (area === null || !(current instanceof HTMLElement) || current.dataset["card"] === undefined) return null;
  const columns = [...area.querySelectorAll("[data-column]")]
    .map((column) => [...column.querySelectorAll<HTMLElement>("[data-card]")])
    .filter((cards) => cards.length > 0);
  const at = columns.findIndex((cards) => cards.includes(current));
  const cards = columns[at] ?? [];
  const row = cards.indexOf(current);
  if (key === "ArrowDown") return cards[row + 1] ?? null;
  if (key === "ArrowUp") return cards[row - 1] ?? null;
  if (key === "Home") return cards[0] ?? null;
  if (key === "End") return cards.at(-1) ?? null;
  const beside = key === "ArrowRight" ? columns[at + 1] : key === "ArrowLeft" ? columns[at - 1] : undefined;
  return beside?.[Math.min(row, beside.length - 1)] ?? null;
}

function Card({ task, isTabbable }: { task: BoardTask; isTabbable: boolean }) {
  const { project, group, state, cycle, lanes, run } = task;
  return (
    <li>
      <a class={`card edge-${state}`} href={taskHash(task)} data-card={task.taskKey} data-step tabIndex={isTabbable ? 0 : -1}>
        <span class="card-name">{task.task}</span>
        <span class="card-facts quiet">
          {project}/{group}
          {cycle > 1 && <span class="unbroken"> · cycle {cycle}</span>}
        </span>
        <span class="card-facts">
          <StateBadge state={state} />
          {run !== null && <span class="quiet">run {run}</span>}
        </span>
        {lanes.map(({ lane, worker, role, since }) => (
          <span key={lane} class="card-lane">
            <span>
              {worker} <span class="quiet">{role}</span>
            </span>
            <Elapsed since={since} />
          </span>
        ))}
      </a>
    </li>
  );
}

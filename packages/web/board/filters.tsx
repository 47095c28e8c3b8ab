import type { Board, BoardTask } from "@okstra/core/dashboard/api";
import { navigate, pageHash } from "../router.ts";

const NAMES = ["project", "group", "phase", "state"] as const;
type Name = (typeof NAMES)[number];

export function matchesFilters(task: BoardTask, query: URLSearchParams): boolean {
  return NAMES.every((name) => {
    const wanted = query.get(name);
    return wanted === null || wanted === "" || task[name] === wanted;
  });
}

/** Choices that the tasks of the board give, kept in the address; none of them asks anything. */
export function Filters({ board, query }: { board: Board; query: URLSearchParams }) {
  const valuesOf = (name: Name): readonly string[] => {
    const values = new Set(board.tasks.flatMap((task) => task[name] ?? []));
    const chosen = query.get(name);
    if (chosen !== null && chosen !== "") values.add(chosen);
    if (name === "phase")
      return [...board.phases.filter((each) => values.has(each)), ...[...values].filter((each) => !board.phases.includes(each))];
    return [...values].toSorted();
  };
  const choose = (name: Name, value: string): void => {
    const next = new URLSearchParams(query);
    if (value === "") next.delete(name);
    else next.set(name, value);
    navigate(pageHash("board", next), { replace: true });
  };
  const isFiltered = NAMES.some((name) => (query.get(name) ?? "") !== "");
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      {NAMES.map((name) => (
        <label key={name} class="field">
          <span>{name}</span>
          <select value={query.get(name) ?? ""} onChange={(event) => choose(name, event.currentTarget.value)}>
            <option value="">all</option>
            {valuesOf(name).map((value) => (
              <option key={value} value={value}>
                {value}
              </option>
            ))}
          </select>
        </label>
      ))}
      <button type="button" class="button" disabled={!isFiltered} onClick={() => navigate(pageHash("board"), { replace: true })}>
        Clear
      </button>
    </form>
  );
}

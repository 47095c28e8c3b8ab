import type { Board } from "@okstra/core/dashboard/api";
import { useApi } from "../../api-client.ts";
import { navigate, pageHash } from "../../router.ts";

export type ScopePage = "schedule" | "time" | "cost";
export type ScopeName = "project" | "group" | "phase" | "since" | "until" | "capacity";

interface ScopeProps {
  readonly page: ScopePage;
  readonly query: URLSearchParams;
  readonly names: readonly ScopeName[];
}

/** What a page is about, kept in its address. */
export function Scope({ page, query, names }: ScopeProps) {
  const { data: board } = useApi<Board>("/api/board");
  const change = (name: ScopeName, value: string): void => {
    const next = new URLSearchParams(query);
    if (value === "") next.delete(name);
    else next.set(name, value);
    navigate(pageHash(page, next), { replace: true });
  };
  const project = query.get("project") ?? "";
  const values: Readonly<Partial<Record<ScopeName, readonly string[]>>> = {
    project: board?.projects.map((each) => each.project) ?? [],
    group: [
      ...new Set((board?.tasks ?? []).filter((task) => project === "" || task.project === project).map((task) => task.group)),
    ].toSorted(),
    phase: board?.phases ?? [],
  };
  return (
    <form class="view-filters" aria-label="What is shown" onSubmit={(event) => event.preventDefault()}>
      {names.map((name) => {
        const given = query.get(name) ?? "";
        const known = values[name];
        const all = known === undefined || given === "" || known.includes(given) ? known : [given, ...known];
        return (
          <label key={name} class="field">
            <span>{TITLES[name]}</span>
            {all !== undefined ? (
              <select value={given} onChange={(event) => change(name, event.currentTarget.value)}>
                <option value="">all</option>
                {all.map((value) => (
                  <option key={value} value={value}>
                    {value}
                  </option>
                ))}
              </select>
            ) : name === "capacity" ? (
              <input
                type="number"
                min={1}
                max={64}
                value={given}
                placeholder="as set"
                onChange={(event) => change(name, event.currentTarget.value)}
              />
            ) : (
              <input type="date" value={given} onChange={(event) => change(name, event.currentTarget.value)} />
            )}
          </label>
        );
      })}
    </form>
  );
}

const TITLES: Readonly<Record<ScopeName, string>> = {
  project: "Project",
  group: "Group",
  phase: "Phase",
  since: "Since",
  until: "Until",
  capacity: "Lanes at once",
};

/** The question of a page: only what it knows of the address. */
export function scopePath(path: string, query: URLSearchParams, names: readonly ScopeName[]): string {
  const kept = names.flatMap((name) => {
    const value = query.get(name);
    return value === null || value === "" ? [] : [[name, value]];
  });
  return kept.length === 0 ? path : `${path}?${new URLSearchParams(kept).toString()}`;
}

import type { TaskRef } from "@okstra/core/dashboard/api";
import { useEffect, useState } from "preact/hooks";

export const TASK_TABS = ["overview", "findings", "code", "diff", "report", "transcripts", "time", "cost"] as const;
export type TaskTab = (typeof TASK_TABS)[number];

export type Route =
  | { readonly page: "board" | "schedule" | "time" | "cost" | "search" | "lost"; readonly query: URLSearchParams }
  | { readonly page: "task"; readonly task: TaskRef; readonly tab: TaskTab; readonly query: URLSearchParams };

const PAGES = ["schedule", "time", "cost", "search"] as const;

/** @param hash as `location.hash` has it */
function parseHash(hash: string): Route {
  const text = hash.replace(/^#/u, "");
  const cut = text.indexOf("?");
  const path = cut === -1 ? text : text.slice(0, cut);
  const query = new URLSearchParams(cut === -1 ? "" : text.slice(cut + 1));
  const lost: Route = { page: "lost", query };
  let parts: string[];
  try {
    parts = path.split("/").slice(1).map(decodeURIComponent);
  } catch {
    return lost;
  }
  const [first = "", project = "", group = "", task = "", tab = "overview", ...more] = parts;
  if (first === "" && parts.length <= 1) return { page: "board", query };
  const page = PAGES.find((each) => each === first);
  if (page !== undefined) return parts.length === 1 ? { page, query } : lost;
  const known = TASK_TABS.find((each) => each === tab);
  if (first !== "t" || project === "" || group === "" || task === "" || known === undefined || more.length > 0) return lost;
  return { page: "task", task: { project, group, task }, tab: known, query };
}

type Query = URLSearchParams | Readonly<Record<string, string | number | null | undefined>>;

function withQuery(path: string, query: Query): string {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const kept = entries.flatMap(([name, value]) => (value === null || value === undefined || value === "" ? [] : [[name, String(value)]]));
  return kept.length === 0 ? `#${path}` : `#${path}?${new URLSearchParams(kept).toString()}`;
}

/** The address of a page that is not a task's: `#/schedule`. */
export function pageHash(page: "board" | (typeof PAGES)[number], query: Query = {}): string {
  return withQuery(page === "board" ? "/" : `/${page}`, query);
}

/** The address of a task's page: `#/t/p/g/t/findings?finding=F1`. */
export function taskHash({ project, group, task }: TaskRef, tab: TaskTab = "overview", query: Query = {}): string {
  const path = ["", "t", ...[project, group, task].map(encodeURIComponent), ...(tab === "overview" ? [] : [tab])].join("/");
  return withQuery(path, query);
}

/** @param replace true: the address before it is not gone back to */
export function navigate(hash: string, { replace = false }: { replace?: boolean } = {}): void {
  if (!replace) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, "", hash);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Where the page is, and again whenever that changes. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseHash(location.hash));
  useEffect(() => {
    // What is no address of a page (`#section`) leaves the page where it is.
    const read = (): void => {
      if (location.hash === "" || location.hash.startsWith("#/")) setRoute(parseHash(location.hash));
    };
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  return route;
}

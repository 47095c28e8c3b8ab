import type { SearchAnswer, SearchHit } from "@okstra/core/dashboard/api";
import { useEffect } from "preact/hooks";
import { useApi } from "../api-client.ts";
import { countOf } from "../format.ts";
import { announce } from "../parts/announce.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { taskHash } from "../router.ts";

export function SearchPage({ query }: { query: URLSearchParams }) {
  const text = (query.get("q") ?? "").trim();
  const { data, failure, isLoading, reload } = useApi<SearchAnswer>(text === "" ? null : `/api/search?${new URLSearchParams({ q: text })}`);
  useEffect(() => {
    if (data !== null) announce(`${countOf(data.hits.length, "hit")} for ${text}`);
  }, [data, text]);
  return (
    <>
      <div class="page-head">
        <PageHeading page="search">Search</PageHeading>
        {data !== null && (
          <p class="quiet">
            {countOf(data.hits.length, "hit")} for <q>{text}</q>
            {data.isCut && "; there are more: add a word"}
          </p>
        )}
      </div>
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {isLoading && data === null && <Skeleton lines={6} />}
      {text === "" && <Empty title="Words of tasks, briefs, findings and files; every word must occur." />}
      {data !== null && data.hits.length === 0 && <Empty title="Nothing has all of these words." />}
      {data !== null && data.hits.length > 0 && (
        <ul class="hits">
          {data.hits.map((hit) => (
            <Hit key={`${hit.taskKey} ${hit.id ?? ""}`} hit={hit} />
          ))}
        </ul>
      )}
    </>
  );
}

function Hit({ hit }: { hit: SearchHit }) {
  const { what, id, title, severity, state, file, line, project, group, task } = hit;
  const href = what === "task" ? taskHash(hit) : taskHash(hit, "findings", { finding: id });
  return (
    <li class="hit">
      <a href={href} data-step class="hit-title">
        {title}
      </a>
      <span class="hit-facts quiet">
        <span>{what === "task" ? "task" : `finding ${id ?? ""}`}</span>
        {severity !== null && <span class={`severity severity-${severity}`}>{severity}</span>}
        {state !== null && <span>{state}</span>}
        <span>
          {project}/{group}/{task}
        </span>
        {file !== null && (
          <code>
            {file}
            {line !== null && `:${line}`}
          </code>
        )}
      </span>
    </li>
  );
}

import type { TaskPage } from "@okstra/core/dashboard/api";
import { shortHash } from "../format.ts";
import { Ago } from "../parts/time.tsx";
import { taskHash } from "../router.ts";

/** Every run, the newest first. */
export function RunsTable({ page }: { page: TaskPage }) {
  if (page.runs.length === 0) return <p class="quiet">No run yet.</p>;
  return (
    <div class="table-frame" tabIndex={0} role="region" aria-label="Runs">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Cycle</th>
            <th scope="col">Begun</th>
            <th scope="col">State</th>
            <th scope="col">Verdict</th>
            <th scope="col">Report</th>
            <th scope="col">Checked</th>
            <th scope="col">Commit</th>
          </tr>
        </thead>
        <tbody>
          {page.runs.toReversed().map(({ type, run, cycle, createdAt, state, verdict, hasReport, valid, commit, damaged }) => (
            <tr key={`${type} ${run}`}>
              <th scope="row">
                <a href={taskHash(page, "transcripts", { type, run })}>
                  {type} {run}
                </a>
              </th>
              <td>{cycle}</td>
              <td>
                <Ago at={createdAt} />
              </td>
              <td>{damaged === null ? state : <span class="bad">damaged: {damaged}</span>}</td>
              <td>{verdict === "none" ? "–" : verdict}</td>
              <td>{hasReport ? <a href={taskHash(page, "report", { type, run })}>Report</a> : "–"}</td>
              <td>{valid === null ? "–" : valid ? "✓ valid" : <span class="bad">✕ broken</span>}</td>
              <td>
                <code>{commit === "" ? "–" : shortHash(commit)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

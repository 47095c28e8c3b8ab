import type { OverrideBody, RunOfTask } from "@okstra/core/dashboard/api";
import { useState } from "preact/hooks";
import { taskPath } from "../api-client.ts";
import { shortHash } from "../format.ts";
import { Ago } from "../parts/time.tsx";
import { Confirm, type Bound } from "./confirm.tsx";
import { SectionHeading, type ActProps } from "./section.tsx";

/** The newest run of each type, with its gate. */
function listGates(runs: readonly RunOfTask[]): readonly RunOfTask[] {
  const newest = new Map(runs.map((run) => [run.type, run]));
  return [...newest.values()].filter(({ gate }) => gate !== null);
}

function describe({ type, run, gate, commit }: RunOfTask): Bound {
  const boundTo = gate?.boundTo ?? null;
  return [
    ["Gate", gate?.name ?? ""],
    ["Run", `${type} ${run}`],
    ["Held by", gate?.reasons.join(", ") ?? ""],
    ["At commit", shortHash(commit)],
    ["Bound to", boundTo === null ? "nothing: it cannot be overridden any more" : shortHash(boundTo)],
  ];
}

export function Gates({ page, onDone, onChanged }: ActProps) {
  const [asked, setAsked] = useState<RunOfTask | null>(null);
  const [reason, setReason] = useState("");
  const [until, setUntil] = useState("");
  const gates = listGates(page.runs);
  if (gates.length === 0) return null;
  const open = (run: RunOfTask): void => {
    setReason("");
    setUntil("");
    setAsked(run);
  };
  const now = asked === null ? undefined : gates.find(({ type, run }) => type === asked.type && run === asked.run);
  const bodyOf = ({ type, run, gate }: RunOfTask): OverrideBody => ({
    type,
    run,
    reason: reason.trim(),
    gate: gate?.name ?? "",
    until: until === "" ? null : until,
    boundTo: gate?.boundTo ?? "",
  });
  return (
    <section class="section" aria-labelledby="gates">
      <SectionHeading id="gates" count={gates.filter(({ gate }) => gate?.passed === false).length}>
        Gates
      </SectionHeading>
      <ul class="gates">
        {gates.map((run) => (
          <Gate key={`${run.type} ${run.run}`} run={run} onOverride={() => open(run)} />
        ))}
      </ul>
      {asked !== null && (
        <Confirm
          title="Override this gate"
          bound={describe(asked)}
          now={now === undefined ? null : describe(now)}
          path={taskPath(page, "/override")}
          body={bodyOf(asked)}
          act="Override the gate"
          isGrave
          isReady={reason.trim() !== ""}
          done={`The gate of ${asked.type} ${asked.run} is overridden.`}
          onDone={onDone}
          onChanged={onChanged}
          onClose={() => setAsked(null)}
        >
          <p>The task goes on as if the gate had passed. Your name and your reason stay in the record and in the report.</p>
          <label class="field wide">
            <span>Reason</span>
            <textarea rows={3} maxLength={8000} required value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
          <label class="field">
            <span>Until (may be left empty)</span>
            <input type="date" value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </section>
  );
}

function Gate({ run, onOverride }: { run: RunOfTask; onOverride: () => void }) {
  const { type, run: number, gate } = run;
  if (gate === null) return null;
  const { name, passed, by, reasons, override, boundTo } = gate;
  return (
    <li class="panel gate">
      <p>
        <strong class={passed ? "good" : "bad"}>{passed ? "✓ passed" : "✕ holds"}</strong> {type} {number} <code class="quiet">{name}</code>
      </p>
      {by !== null && <p>{by}</p>}
      {!passed && reasons.length > 0 && (
        <p class="reasons">
          {reasons.map((reason) => (
            <code key={reason}>{reason}</code>
          ))}
        </p>
      )}
      {override !== null && (
        <p class="quiet">
          Overridden by {override.by}, <Ago at={override.at} />: {override.reason}
          {override.until !== null && ` (until ${override.until})`}
        </p>
      )}
      {!passed && boundTo !== null && (
        <button type="button" class="button" onClick={onOverride}>
          Override …
        </button>
      )}
    </li>
  );
}

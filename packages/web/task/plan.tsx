import type { ApprovalBody, RejectionBody, TaskPage } from "@okstra/core/dashboard/api";
import type { Plan } from "@okstra/core/domain/task-context";
import { useState } from "preact/hooks";
import { taskPath } from "../api-client.ts";
import { countOf, shortHash } from "../format.ts";
import { Ago } from "../parts/time.tsx";
import { Confirm, type Bound } from "./confirm.tsx";
import { SectionHeading, type ActProps } from "./section.tsx";

type PlanOfTask = NonNullable<TaskPage["plan"]>;

const WORDS: Readonly<Record<PlanOfTask["state"], string>> = {
  pending: "waits for your word",
  approved: "approved",
  override: "passed by an override",
  rejected: "rejected",
  stale: "out of date: what it rests on changed",
};

function describe({ run, planSha256, plan }: PlanOfTask): Bound {
  return [
    ["Plan", `run ${run} of implementation-planning, by ${plan.proposedBy}`],
    ["Hash", shortHash(planSha256)],
    ["Way", plan.options.find(({ id }) => id === plan.recommended)?.title ?? plan.recommended],
    ["Stages", plan.stages.map(({ id, title }) => `${id}: ${title}`).join("; ")],
  ];
}

export function PlanSection({ page, onDone, onChanged }: ActProps) {
  const [asked, setAsked] = useState<{ readonly what: "approve" | "reject"; readonly plan: PlanOfTask } | null>(null);
  const [reason, setReason] = useState("");
  const [isRead, setRead] = useState(false);
  const { plan } = page;
  if (plan === null) return null;
  const { state, run, planSha256, approval, rejection } = plan;
  const open = (what: "approve" | "reject"): void => {
    setReason("");
    setRead(false);
    setAsked({ what, plan });
  };
  const approvalOf = (bound: PlanOfTask): ApprovalBody => ({ run: bound.run, planSha256: bound.planSha256 });
  const rejectionOf = (bound: PlanOfTask): RejectionBody => ({ ...approvalOf(bound), reason: reason.trim() });
  // A plan that somebody decided about meanwhile is not there to be decided about.
  const now = state === "pending" ? describe(plan) : null;
  return (
    <section class="section" aria-labelledby="plan">
      <SectionHeading id="plan">Plan</SectionHeading>
      <div class="panel">
        <p>
          <strong>{WORDS[state]}</strong>{" "}
          <span class="quiet">
            run {run} · <code>{shortHash(planSha256)}</code> · by {plan.plan.proposedBy}
          </span>
        </p>
        {approval !== null && (
          <p class="quiet">
            Approved by {approval.by}, <Ago at={approval.at} />
          </p>
        )}
        {rejection !== null && (
          <p class="quiet">
            Rejected by {rejection.by}, <Ago at={rejection.at} />: {rejection.reason}
          </p>
        )}
        <PlanText plan={plan.plan} />
        {state === "pending" && (
          <div class="acts">
            <button type="button" class="button primary" onClick={() => open("approve")}>
              Approve …
            </button>
            <button type="button" class="button" onClick={() => open("reject")}>
              Reject …
            </button>
          </div>
        )}
      </div>
      {asked?.what === "approve" && (
        <Confirm
          title="Approve this plan"
          bound={describe(asked.plan)}
          now={now}
          path={taskPath(page, "/approval")}
          body={approvalOf(asked.plan)}
          act={`Approve ${shortHash(asked.plan.planSha256)}`}
          isReady={isRead}
          done={`The plan of run ${asked.plan.run} is approved.`}
          onDone={onDone}
          onChanged={onChanged}
          onClose={() => setAsked(null)}
        >
          <label class="tick">
            <input type="checkbox" checked={isRead} onChange={(event) => setRead(event.currentTarget.checked)} />
            <span>I have read its {countOf(asked.plan.plan.stages.length, "stage")}; workers may edit by it.</span>
          </label>
        </Confirm>
      )}
      {asked?.what === "reject" && (
        <Confirm
          title="Reject this plan"
          bound={describe(asked.plan)}
          now={now}
          path={taskPath(page, "/rejection")}
          body={rejectionOf(asked.plan)}
          act="Reject"
          isGrave
          isReady={reason.trim() !== ""}
          done={`The plan of run ${asked.plan.run} is rejected.`}
          onDone={onDone}
          onChanged={onChanged}
          onClose={() => setAsked(null)}
        >
          <label class="field wide">
            <span>Reason: the next planning is given it</span>
            <textarea rows={3} maxLength={8000} required value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        </Confirm>
      )}
    </section>
  );
}

function PlanText({ plan }: { plan: Plan }) {
  const { options, recommended, reason, stages } = plan;
  return (
    <div class="plan">
      <p>{reason}</p>
      <details>
        <summary>{countOf(options.length, "way")} considered</summary>
        <ul class="options">
          {options.map(({ id, title, summary, pros, cons }) => (
            <li key={id}>
              <span class="quiet">{id}</span> <strong>{title}</strong> {id === recommended && <span class="badge">recommended</span>}{" "}
              <span>{summary}</span>
              <ul class="pros">
                {pros.map((pro) => (
                  <li key={pro}>+ {pro}</li>
                ))}
                {cons.map((con) => (
                  <li key={con}>− {con}</li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      </details>
      <ol class="stages">
        {stages.map(({ id, title, dependsOn, steps, validation, rollback }) => (
          <li key={id} class="stage">
            <p class="stage-title">
              <span class="quiet">{id}</span> <strong>{title}</strong>
              {dependsOn.length > 0 && <span class="quiet"> after {dependsOn.join(", ")}</span>}
            </p>
            <ul class="steps">
              {steps.map((step) => (
                <li key={step.id}>
                  <span class="quiet">{step.id}</span> {step.text} <span class="quiet">{step.minutes} min</span>
                  <span class="files">
                    {step.files.map((file) => (
                      <code key={file}>{file}</code>
                    ))}
                  </span>
                </li>
              ))}
            </ul>
            <p>
              <span class="quiet">Shown by</span>{" "}
              {validation.map((each) => (
                <code key={each}>{each}</code>
              ))}
            </p>
            <p>
              <span class="quiet">Undone by</span> {rollback}
            </p>
          </li>
        ))}
      </ol>
    </div>
  );
}

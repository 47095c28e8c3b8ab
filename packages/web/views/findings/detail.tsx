import type { FindingOfTask, TaskRef } from "@okstra/core/dashboard/api";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { shortHash } from "../../format.ts";
import { taskHash } from "../../router.ts";
import { formatLines, type Facts } from "./facts.ts";
import { Severity } from "./list.tsx";

interface FindingDetailProps {
  readonly task: TaskRef;
  readonly facts: Facts;
  /** Findings that may be the same defect. */
  readonly same: readonly Facts[];
  /** Changes when it is to get the focus. */
  readonly focus: number;
  readonly onPick: (key: string) => void;
  readonly onClose: () => void;
}

/** Everything that is known of a finding. */
export function FindingDetail({ task, facts, same, focus, onPick, onClose }: FindingDetailProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const frame = useRef<HTMLElement>(null);
  useEffect(() => {
    if (focus > 0) heading.current?.focus();
  }, [focus]);
  useEffect(() => {
    if (frame.current !== null) frame.current.scrollTop = 0;
  }, [facts.key]);
  const { finding } = facts;
  const { cluster, row, members, votes, executions } = finding;
  const press = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    onClose();
  };
  return (
    <section ref={frame} class="finding-detail" aria-label={`Finding ${facts.id}`} tabIndex={0} onKeyDown={press}>
      <button type="button" class="button small finding-back" onClick={onClose}>
        Back to the list
      </button>
      <h2 ref={heading} tabIndex={-1} class="finding-title">
        <Severity severity={facts.severity} /> <span class="finding-id">{facts.id}</span> {facts.claim}
      </h2>
      <dl class="pairs">
        <Pair name="State">{facts.state}</Pair>
        <Pair name="Class">
          {facts.class}, {WORDS[facts.disposition] ?? facts.disposition}
        </Pair>
        <Pair name="Verification">{facts.verification}</Pair>
        {cluster !== null && cluster.baseline !== "unknown" && (
          <Pair name="Baseline">{cluster.baseline === "new" ? "not at the base commit" : "at the base commit too"}</Pair>
        )}
        {cluster?.flaky === true && <Pair name="Outcome">flaky: not the same every time</Pair>}
        {cluster !== null && cluster.reason !== null && <Pair name="Why">{cluster.reason}</Pair>}
        <Pair name="Category">{facts.category}</Pair>
        {facts.file !== null && (
          <Pair name="Place">
            <code>{facts.place}</code>
          </Pair>
        )}
        {finding.commit !== "" && (
          <Pair name="Commit">
            <code title={finding.commit}>{shortHash(finding.commit)}</code>
          </Pair>
        )}
      </dl>
      {facts.file !== null && finding.commit !== "" && (
        <p>
          <a class="button" href={codeHash(task, facts)}>
            Show in code
          </a>
        </p>
      )}
      {facts.quote !== null && <Quote text={facts.quote} label="Quote" />}
      <h3>As it was raised</h3>
      {members.length === 0 && <p class="quiet">No words are kept of it.</p>}
      <ul class="said">
        {members.map((member) => (
          <li key={member.id}>
            <p class="said-who">
              <b>{member.worker}</b> <span class="quiet">{member.id}</span> <Severity severity={member.severity} />
              {member.file !== null && (
                <code>
                  {member.file}
                  {formatLines(member.startLine, member.endLine, ":")}
                </code>
              )}
            </p>
            <p class="words">{member.claim}</p>
            {member.quote !== null && member.quote !== facts.quote && <Quote text={member.quote} label={`Quote of ${member.worker}`} />}
            {member.fix !== null && (
              <>
                <p class="quiet">Fix that it proposes:</p>
                <Quote text={member.fix} label={`Fix that ${member.worker} proposes`} />
              </>
            )}
          </li>
        ))}
      </ul>
      <h3>Votes</h3>
      {votes.length === 0 && <p class="quiet">Nobody was asked about it.</p>}
      <ul class="said">
        {votes.map((vote) => (
          <li key={`${vote.item} ${vote.worker}`}>
            <p class="said-who">
              <b>{vote.worker}</b> <span class="quiet">{vote.family}</span> <b class={`answer-${vote.answer}`}>{vote.answer}</b>
              <span>
                by {vote.evidence}
                {vote.claimedEvidence !== vote.evidence && ` (it says: ${vote.claimedEvidence})`}
              </span>
            </p>
            <p class="words">{vote.text}</p>
            {vote.quote !== null && (
              <>
                <p class="quiet">
                  {vote.file !== null && <code>{vote.file}</code>}{" "}
                  {vote.grounded ? "the quote is in the file" : "the quote is not in the file"}
                </p>
                <Quote text={vote.quote} label={`Quote of ${vote.worker}`} />
              </>
            )}
            {vote.command !== null && <Quote text={vote.command} label={`Command of ${vote.worker}`} />}
          </li>
        ))}
      </ul>
      {(executions.length > 0 || (cluster?.reproducedBy.length ?? 0) > 0) && <Executions finding={finding} />}
      {cluster !== null && (
        <>
          <h3>Cluster {cluster.id}</h3>
          <dl class="pairs">
            <Pair name="Raised by">{cluster.families.join(", ")}</Pair>
            <Pair name="Support">
              {cluster.support} of {cluster.kEff} {cluster.kEff === 1 ? "family" : "families"} that could have agreed
            </Pair>
            {cluster.score !== null && <Pair name="Likeness">{cluster.score.toFixed(2)} of 1, of the two that are least alike</Pair>}
            {cluster.possiblySame.length > 0 && (
              <Pair name="Maybe the same">
                {same.map((other) => (
                  <button key={other.key} type="button" class="button small" onClick={() => onPick(other.key)}>
                    {other.id} {shorten(other.claim)}
                  </button>
                ))}
                {same.length === 0 && cluster.possiblySame.join(", ")}
              </Pair>
            )}
          </dl>
        </>
      )}
      {row !== null && (
        <>
          <h3>History</h3>
          <dl class="pairs">
            <Pair name="First seen">
              <RunLink task={task} seen={row.firstSeen} />
            </Pair>
            <Pair name="Last seen">
              <RunLink task={task} seen={row.lastSeen} />
            </Pair>
          </dl>
        </>
      )}
    </section>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  blocks: "blocks the gate",
  held: "holds the gate until it is cleared up",
  advisory: "advisory",
};

/** The code that a finding is about, with it in its place. */
export function codeHash(task: TaskRef, { finding, key, file, startLine, endLine }: Facts): string {
  return taskHash(task, "code", { commit: finding.commit, path: file, lines: formatLines(startLine, endLine), finding: key });
}

function Pair({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Text as it stands, in a frame that scrolls by itself. */
function Quote({ text, label }: { text: string; label: string }) {
  return (
    <pre class="quote" tabIndex={0} role="region" aria-label={label}>
      {text}
    </pre>
  );
}

function Executions({ finding: { executions, cluster } }: { finding: FindingOfTask }) {
  return (
    <>
      <h3>What okstra executed</h3>
      <ul class="said">
        {executions.map(({ worker, command, outcome }, at) => (
          <li key={at}>
            <p class="said-who">
              <b>{outcome}</b> <span class="quiet">for {worker}</span>
            </p>
            <Quote text={command} label={`Command executed for ${worker}`} />
          </li>
        ))}
        {(cluster?.reproducedBy ?? [])
          .filter((command) => executions.every((each) => each.command !== command))
          .map((command) => (
            <li key={command}>
              <p class="said-who">
                <b>failed at the commit</b>
              </p>
              <Quote text={command} label="Command that failed" />
            </li>
          ))}
      </ul>
    </>
  );
}

function RunLink({ task, seen: { type, run, round } }: { task: TaskRef; seen: { type: string; run: number; round: number } }) {
  return (
    <>
      <a href={taskHash(task, "report", { type, run })}>
        {type} {run}
      </a>
      , round {round}
    </>
  );
}

function shorten(claim: string): string {
  return claim.length <= 60 ? claim : `${claim.slice(0, 59)}…`;
}

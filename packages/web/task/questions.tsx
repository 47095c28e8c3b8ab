import type { AnswersBody, TaskPage } from "@okstra/core/dashboard/api";
import { useState } from "preact/hooks";
import { taskPath } from "../api-client.ts";
import { countOf } from "../format.ts";
import { Ago } from "../parts/time.tsx";
import { Confirm, type Bound } from "./confirm.tsx";
import { SectionHeading, type ActProps } from "./section.tsx";

type Question = TaskPage["clarifications"][number];

const BLOCKS: Readonly<Record<string, string>> = {
  approval: "No phase goes on before the answer",
  progress: "The next phase waits for the answer",
  none: "Nothing waits for the answer",
};

export function Questions({ page, ...acts }: ActProps) {
  const open = page.clarifications.filter(({ answer }) => answer === null);
  const answered = page.clarifications.filter(({ answer }) => answer !== null);
  if (page.clarifications.length === 0) return null;
  return (
    <section class="section" aria-labelledby="questions">
      <SectionHeading id="questions" count={open.length}>
        Questions
      </SectionHeading>
      {open.map((question) => (
        <OpenQuestion key={question.id} question={question} page={page} {...acts} />
      ))}
      {answered.length > 0 && (
        <details>
          <summary>{countOf(answered.length, "answered question")}</summary>
          <dl class="answers">
            {answered.map(({ id, question, answer }) => (
              <div key={id}>
                <dt>
                  {id} {question}
                </dt>
                <dd>
                  {answer?.text}{" "}
                  <span class="quiet">
                    {answer?.by}, {answer !== null && <Ago at={answer.at} />}
                  </span>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}

function describe({ id, question, boundTo }: Question): Bound {
  return [
    ["Question", id],
    ["Asks", question],
    ["Bound to", boundTo.slice(0, 12)],
  ];
}

function OpenQuestion({ question, page, onDone, onChanged }: { question: Question } & ActProps) {
  const [text, setText] = useState("");
  const [asked, setAsked] = useState<Question | null>(null);
  const { id, why, blocks, raisedBy } = question;
  const workers = [...new Set(raisedBy.map(({ worker }) => worker))];
  const now = page.clarifications.find((each) => each.id === id && each.answer === null);
  const body = (bound: Question): AnswersBody => ({ answers: [{ id, text: text.trim(), boundTo: bound.boundTo }] });
  return (
    <form
      class="panel question"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== "") setAsked(question);
      }}
    >
      <p class="question-text">
        <span class="quiet">{id}</span> {question.question}
      </p>
      <p class="quiet">
        {why} Raised by {workers.join(", ")}. {BLOCKS[blocks] ?? blocks}.
      </p>
      <label class="field wide">
        <span>Answer to {id}</span>
        <textarea rows={2} maxLength={8000} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button primary" disabled={text.trim() === ""}>
        Answer {id} …
      </button>
      {asked !== null && (
        <Confirm
          title={`Answer ${id}`}
          bound={describe(asked)}
          now={now === undefined ? null : describe(now)}
          path={taskPath(page, "/answers")}
          body={body(asked)}
          act="Send this answer"
          isReady
          done={`${id} is answered.`}
          onDone={onDone}
          onChanged={onChanged}
          onClose={() => setAsked(null)}
        >
          <p class="dialog-label">Your answer</p>
          <blockquote class="typed">{text.trim()}</blockquote>
        </Confirm>
      )}
    </form>
  );
}

import type { BoardTask } from "@okstra/core/dashboard/api";
import { Command } from "../parts/command.tsx";
import { Ago } from "../parts/time.tsx";
import { taskHash } from "../router.ts";

/** Where on the task's page is done what a command of okstra asks of a person, and in which words. */
const ACTIONS: readonly (readonly [command: string, section: string, words: string])[] = [
  ["okstra approve", "plan", "Review the plan"],
  ["okstra answer", "questions", "Answer"],
  // What leaves this machine is chosen in a terminal.
  ["okstra handoff", "", ""],
  ["okstra task done", "", ""],
  ["", "gates", "Look at the gate"],
];

/** The longest wait first. */
export function Waiting({ tasks }: { tasks: readonly BoardTask[] }) {
  const sorted = tasks.toSorted((a, b) => (a.since ?? "").localeCompare(b.since ?? ""));
  return (
    <section class="waiting" aria-labelledby="waiting-heading">
      <h2 id="waiting-heading">
        Waits for you <span class="count">{tasks.length}</span>
      </h2>
      {tasks.length === 0 ? (
        <p class="quiet">Nothing.</p>
      ) : (
        <ul class="waiting-list">
          {sorted.map((task) => (
            <WaitingTask key={task.taskKey} task={task} />
          ))}
        </ul>
      )}
    </section>
  );
}

function WaitingTask({ task }: { task: BoardTask }) {
  const { command, why, since, project, group, phase } = task;
  const [, section = "", words = ""] = ACTIONS.find(([start]) => (command ?? "").startsWith(start)) ?? [];
  return (
    <li class="waiting-task">
      <div class="waiting-words">
        <a class="waiting-name" href={taskHash(task)} data-step>
          {task.task}
        </a>
        <span class="quiet">
          {project}/{group}
          {phase !== null && ` · ${phase}`}
          {since !== null && (
            <>
              {" · "}
              <Ago at={since} />
            </>
          )}
        </span>
        <span class="waiting-why">{why}</span>
      </div>
      <div class="waiting-act">
        {section !== "" && (
          <a class="button soft" href={taskHash(task, "overview", { at: section })} aria-label={`${words}: ${group}/${task.task}`}>
            {words}
          </a>
        )}
        {command !== null && <Command command={command} />}
      </div>
    </li>
  );
}

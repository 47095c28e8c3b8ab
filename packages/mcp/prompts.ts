import type { GetPromptResult } from "@modelcontextprotocol/server";

/** What the skill okstra-brief asks for, for clients without skills. */
export function writeBriefPrompt(request: string): GetPromptResult {
  return ask(`Turn the request below into a task brief for okstra, then make the task.

1. Look whether it is a task already: okstra_search, okstra_status. Read the code that it touches; change nothing.
2. Ask the person only what neither the code nor the request says and what would change the work: at most three questions, in one message.
3. Write the brief as Markdown in the person's language: a first line that could be the title of a pull request; "What is asked" (what happens now, what is to happen, how to reproduce it as commands); "Why"; "Done when" (points one can check, with the command that shows each); "Not part of it"; "Where"; "Open". No solution, unless it was asked for.
4. Show it. When the person agrees, call okstra_create_task with a group and a name, and tell what is due.

The request, as it was said:

${request}`);
}

/** What the skill okstra-run asks for, for clients without skills. */
export function workOnTaskPrompt(task: string): GetPromptResult {
  return ask(`Take the okstra task ${JSON.stringify(task)} on until a person is needed.

1. okstra_next says which phase is due, or what holds it.
2. When a phase is due: okstra_start_run with it, then okstra_run_status with waitMs until it no longer goes on, then okstra_run_result and okstra_report. Do not edit the task's worktree yourself.
3. When a person is needed: show the verdict, the open findings and the questions, name the command that okstra_next tells, and wait. You cannot approve, answer, override or hand off, and you do not look for another way to.
4. Begin again at 1.`);
}

function ask(text: string): GetPromptResult {
  return { messages: [{ role: "user", content: { type: "text", text } }] };
}

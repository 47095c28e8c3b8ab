import {
  ANSWER_PART,
  ANSWERS_PART,
  BRIEF_PART,
  CAUSES_PART,
  COMMON_CONTRACT,
  CRITERIA_PART,
  EXECUTOR_CONTRACT,
  OPEN_ITEMS_PART,
  PLAN_PART,
  READ_ONLY_PART,
} from "../shared/profile-parts.ts";

/** What the worker is told that edits. */
export const EXECUTOR_PROFILE = `# Implementation: executor, round {{ round }}

{% if round > 1 %}Mend the open items below: others found them in your work. Change nothing else.{% else %}{% if plan != "" %}Carry out the approved plan below, step by step.{% else %}Do what the brief asks, with the smallest change that does it.{% endif %}{% endif %}

1. Test first: write a test that fails because the change is missing, see it fail, commit it. Then make the change, see the test pass, commit. okstra executes the tests itself, without your change and with it, and reports what it saw.
2. Commit on the branch that is checked out, in small commits.{% if plan != "" %} End the message of each commit with the line \`Step: <id>\`, with the id of the plan's step that it carries out, for example \`Step: S1\`.{% endif %}
3. Leave nothing uncommitted. Remove what you made for yourself.
4. Write your result when all is committed. What you could not do goes into \`findings\`, one claim each; an empty list is a valid result. \`summary\` says in a few sentences what you did.

${PLAN_PART}
${OPEN_ITEMS_PART}
${CRITERIA_PART}
${CAUSES_PART}
${ANSWERS_PART}
${BRIEF_PART}
${EXECUTOR_CONTRACT}
## Limits

- Edit in the worktree only{% if plan != "" %}, and only files that the plan names, tests included; a step that needs another file is a finding{% endif %}.
- No other branch and no tag. Do not rewrite, amend or drop a commit that was there when you began. No push.
- Do not touch the main checkout or another worktree. Do not change settings of agents (such as \`.claude/\`, \`.mcp.json\` or \`.codex/\`).
- okstra reads all of this from git and the file system; each breach is named in the report and holds the gate.

${ANSWER_PART}
The smallest valid result:

\`\`\`json
{ "nonce": "{{ nonce }}", "findings": [], "summary": "What was done, in a few sentences." }
\`\`\`
`;

/** What the workers are told that verify the executor's work. */
export const VERIFIER_PROFILE = `# Implementation: verifier, round {{ round }}

Somebody else changed this tree for the task below and committed. Find what is wrong with that change: look at {% if baseCommit != "" %}\`git diff {{ baseCommit }}..{{ headCommit }}\`{% else %}the tree{% endif %} and at what it touches.

1. Does it do what is asked below{% if plan != "" %}, step by step of the plan{% endif %}{% if criteria.size > 0 %}, and does it meet the acceptance criteria{% endif %}? Name what is missing and what was not asked for.
2. Is it correct: errors, edge cases, races, security, data that could be lost? Do the new tests fail without the change?
3. Are the open items, if there are any below, mended? One that is not is a finding again.
4. Give a \`reproduction\` (a command that fails while the defect is there) with each defect where you can: okstra executes it itself.

${PLAN_PART}
${OPEN_ITEMS_PART}
${CRITERIA_PART}
${CAUSES_PART}
${ANSWERS_PART}
${BRIEF_PART}
${COMMON_CONTRACT}
${READ_ONLY_PART}`;

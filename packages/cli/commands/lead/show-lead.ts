import type { App } from "@okstra/app/app";
import type { LeadAnswer } from "@okstra/app/lead/lead-steps";
import type { DueStep } from "@okstra/app/lead/due";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";
import { describeRun, statusOf } from "../run/show-run.ts";

/** Prints where a run stands that an agent leads. @returns 10 while something is due, else as the gate says */
export async function answerLead(context: Pick<CliContext, "ui">, app: App, answer: LeadAnswer): Promise<number> {
  context.ui.answer(answer, await describeLead(app, answer));
  return answer.state === "ended" ? statusOf(answer) : EXIT_GATE_HOLDS;
}

/** What is due, one thing after the other, with the exact commands; of a run that has ended its verdict card. */
export async function describeLead(app: App, answer: LeadAnswer): Promise<string> {
  const notes = answer.notes.map((note) => `note      ${neutralise(note)}`);
  if (answer.state === "ended") return [...notes, await describeRun(app, answer)].join("\n");
  return [
    ...notes,
    `${answer.state === "cancelled" ? "cancelled" : "waits"}${answer.state === "cancelled" ? " " : "     "}${answer.taskKey} ${answer.type} run ${answer.run}`,
    ...[...answer.lanes, ...answer.verification].flatMap(({ lane, end, reason }) =>
      end === null ? [] : [`ended     ${lane}: ${end}${reason === null ? "" : ` (${neutralise(reason)})`}`],
    ),
    ...answer.due.flatMap(describeStep),
    `launch    ${answer.runDir}/launch.md`,
  ].join("\n");
}

function describeStep({ step, lane, command, failCommand }: DueStep): readonly string[] {
  const name = step.padEnd(9);
  const who = lane === null ? "" : `${lane.lane} (${lane.kind}, ${lane.role}${lane.round > 1 ? `, round ${lane.round}` : ""})`;
  return [
    `${name} ${lane === null ? (command ?? "") : who}`,
    ...(lane?.result === null || lane === null
      ? []
      : [`  prompt  ${lane.prompt ?? ""}`, `  result  ${lane.result}`, `  nonce   ${lane.nonce ?? ""}`]),
    ...(lane === null || command === null ? [] : [`  do      ${command}`]),
    ...(failCommand === null ? [] : [`  or      ${failCommand}`]),
  ];
}

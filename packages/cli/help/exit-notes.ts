/** What an exit status of a command says beside the common ones of docs/en/commands.md, by the words of the command. */
export const EXIT_NOTES: Readonly<Record<string, string>> = {
  setup: "10: somebody cancelled at a question, so nothing was written",
  run: "10: the gate holds; it is blocked, or a person is needed",
  resume: "10: the gate holds; it is blocked, or a person is needed",
  go: "10: it stopped where a person is needed",
  verify: "10: the branch does not pass",
  next: "10: something holds the task",
  approve: "10: the gate holds all the same",
  handoff: "10: nobody chose, so nothing was done",
  validate: "1: a run is not what it claims to be",
  doctor: "1: something is not in order",
  exec: "That of the command; 127 when it was not found",
  "lead finish": "10: the gate holds; it is blocked, or a person is needed",
};

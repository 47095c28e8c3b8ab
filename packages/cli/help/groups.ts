/** A command in the overview of `okstra --help`. */
export interface Entry {
  readonly name: string;
  /** Where the command's own brief is too long for the line. */
  readonly short?: string;
}

export interface Group {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/**
 * What a person wants to do, in the order in which they come to it; every command of okstra is in just one (help.test.ts).
 * One that is not there (any more) is left out.
 */
export const GROUPS: readonly Group[] = [
  {
    title: "Begin",
    entries: [
      { name: "setup", short: "Set up this repository as a project" },
      { name: "check-project" },
      { name: "config" },
      { name: "trust", short: "Approve filters, hooks and agents' settings of a repository" },
      { name: "workers" },
      { name: "doctor", short: "Say whether everything okstra stands on is in order" },
      { name: "migrate", short: "Take over the tasks and runs of the Python okstra" },
    ],
  },
  {
    title: "Work",
    entries: [
      { name: "task", short: "Make tasks, look at them, say which comes first" },
      { name: "go", short: "Run phase after phase until it is verified or you are needed" },
      { name: "next" },
      { name: "run" },
      { name: "resume", short: "Go on with a task's newest run" },
      { name: "cancel" },
      { name: "verify", short: "Verify the branch that you are on, without a task" },
      { name: "path" },
      { name: "exec", short: "Run a command in a task's worktree" },
      { name: "worktree" },
      { name: "lead", short: "Lead a run from a chat agent" },
    ],
  },
  {
    title: "Look",
    entries: [
      { name: "status" },
      { name: "watch", short: "Say what begins to wait for you, and which runs end" },
      { name: "dashboard", short: "All of it in a browser of this machine" },
      { name: "history" },
      { name: "report", short: "Print, find, open and compare reports" },
      { name: "logs" },
      { name: "schedule", short: "Order, critical path and forecast of the open tasks" },
      { name: "time", short: "Where the time of tasks went" },
      { name: "cost", short: "Tokens and money that runs used" },
    ],
  },
  {
    title: "Decide",
    entries: [{ name: "approve" }, { name: "reject" }, { name: "answer" }, { name: "override" }],
  },
  {
    title: "Hand off",
    entries: [{ name: "handoff", short: "Commits, push and pull request, only as you chose" }],
  },
  {
    title: "Keep",
    entries: [
      { name: "validate" },
      { name: "index", short: "Make the lists of runs anew" },
      { name: "paths" },
      { name: "upgrade", short: "Bring what was installed up to this okstra" },
      { name: "completion", short: "Let your shell complete okstra's commands" },
    ],
  },
  {
    title: "Agents",
    entries: [
      { name: "install", short: "Put okstra's skills where your agents look for them" },
      { name: "ensure-installed", short: "Say nothing when they are in place, else put them there" },
      { name: "uninstall", short: "Take okstra's skills away again" },
      { name: "mcp", short: "MCP server for agents" },
      { name: "converge", short: "Group what several reviewers found by defect" },
      { name: "schema" },
    ],
  },
];

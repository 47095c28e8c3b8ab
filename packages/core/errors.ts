/**
 * Errors are values with stable codes. `kind` is the only thing that decides the exit status;
 * callers match on `code`, never on the text.
 */
export type ErrorKind = "user" | "external" | "usage" | "config" | "conflict" | "internal" | "interrupted" | "gate";

interface CatalogueRow {
  readonly kind: ErrorKind;
  /** When it happens: one line, shown in the generated page of errors. */
  readonly when: string;
  /** What to do: one line, printed as the hint unless the thrower has a better one. */
  readonly cure: string;
}

/** Every code okstra can answer with. The generated page docs/en/errors.md is this table. */
export const ERROR_CATALOGUE = {
  OKSTRA_USAGE: { kind: "usage", when: "The command line names an unknown command, flag or value.", cure: "Run the command with --help." },
  OKSTRA_TASK_KEY_INVALID: {
    kind: "usage",
    when: "A task was not given as <group>/<task>.",
    cure: "Name the task as <group>/<task>, for example bugs/login.",
  },
  OKSTRA_TASK_TYPE_UNKNOWN: {
    kind: "usage",
    when: "--task-type is none of the known task types.",
    cure: "Use one of the task types that the message lists.",
  },
  OKSTRA_DIRECTORY_NOT_FOUND: { kind: "user", when: "A directory named on the command line does not exist.", cure: "Check the path." },
  OKSTRA_MIGRATE_NO_HOME: {
    kind: "user",
    when: "A directory that okstra migrate --from names is no home of an okstra.",
    cure: "Name the directory that has worktrees/registry.json, for example ~/.okstra.",
  },
  OKSTRA_REPOSITORY_NOT_FOUND: {
    kind: "user",
    when: "The command needs a git repository and the directory is in none.",
    cure: "Run it inside a git repository, or name one with --project-root.",
  },
  OKSTRA_REPOSITORY_EMPTY: {
    kind: "user",
    when: "The repository has no commit that a task could start from.",
    cure: "Make a first commit: git commit --allow-empty -m init",
  },
  OKSTRA_REPOSITORY_BARE: {
    kind: "user",
    when: "The directory is a bare repository, which has no main worktree.",
    cure: "Run it in a clone or a worktree of the repository.",
  },
  OKSTRA_REPOSITORY_TAMPERED: {
    kind: "external",
    when: "A worktree's .git file, its commondir or its gitdir does not lead where git wrote it.",
    cure: "Look at the named file, then run: okstra worktree repair",
  },
  OKSTRA_PROJECT_NOT_SET_UP: {
    kind: "config",
    when: "The repository has no .project-docs/okstra/project.json.",
    cure: "Run: okstra setup",
  },
  OKSTRA_PROJECT_INVALID: {
    kind: "config",
    when: "project.json is not valid JSON or breaks its schema.",
    cure: "Mend the named member, or run: okstra setup --yes",
  },
  OKSTRA_PROJECT_ID_TAKEN: {
    kind: "conflict",
    when: "Another repository has this project id on this machine.",
    cure: "Give this one another id: okstra setup --project-id <id>",
  },
  OKSTRA_CONFIG_INVALID: {
    kind: "config",
    when: "OKSTRA_HOME/config.json is not valid JSON or breaks its schema.",
    cure: "Mend the named member.",
  },
  OKSTRA_CONFIG_KEY_UNKNOWN: {
    kind: "user",
    when: "A setting that was asked for is not set.",
    cure: "List what is set: okstra config list",
  },
  OKSTRA_SCHEMA_NEWER: { kind: "config", when: "A file was written by a newer okstra, so it is read-only here.", cure: "Upgrade okstra." },
  OKSTRA_NOT_INSTALLED: {
    kind: "config",
    when: "No skills of okstra were installed for this person.",
    cure: "Run: npx okstra@latest install",
  },
  OKSTRA_INSTALL_NEWER: {
    kind: "conflict",
    when: "A newer okstra installed its skills; an older one does not replace them.",
    cure: "Use the newer one, or uninstall with it first.",
  },
  OKSTRA_INSTALLED_UNREADABLE: {
    kind: "config",
    when: "OKSTRA_HOME/installed.json is not what okstra writes.",
    cure: "Move it away, then run: okstra install",
  },
  OKSTRA_PACKAGE_DAMAGED: {
    kind: "config",
    when: "A file of the installed package is missing, or is not the one that was built.",
    cure: "Install the package again: npm install --global okstra",
  },
  OKSTRA_BASE_REF_NOT_FOUND: {
    kind: "user",
    when: "--base-ref or --head names no commit of the repository.",
    cure: "Name a branch, tag or commit that exists: git branch -a",
  },
  OKSTRA_BRANCH_NOT_FOUND: {
    kind: "user",
    when: "The repository has no local branch of that name.",
    cure: "List the branches: git branch -a",
  },
  OKSTRA_BRANCH_OWNED: { kind: "conflict", when: "The branch is a task's already.", cure: "Use that task, or choose another branch." },
  OKSTRA_BRANCH_EXISTS: {
    kind: "conflict",
    when: "The branch of the task exists and belongs to no task.",
    cure: "Adopt it or rename it as the hint says.",
  },
  OKSTRA_BRANCH_ELSEWHERE: {
    kind: "conflict",
    when: "The task's directory has another branch checked out, or its branch is checked out elsewhere.",
    cure: "Switch back as the hint says.",
  },
  OKSTRA_BRANCH_LOST: {
    kind: "external",
    when: "Both the directory and the branch of a task are gone.",
    cure: "Make the branch again at the last known commit as the hint says.",
  },
  OKSTRA_REF_UNSAFE: {
    kind: "usage",
    when: "A ref begins with - or has characters outside the allow-list.",
    cure: "Use a ref of letters, digits and . _ / - @ ^ ~ { }.",
  },
  OKSTRA_PATH_EXISTS: {
    kind: "conflict",
    when: "The task's directory exists and okstra does not know it.",
    cure: "Move it away as the hint says.",
  },
  OKSTRA_PATH_IS_LINK: {
    kind: "external",
    when: "A directory under OKSTRA_HOME that okstra writes to is a symbolic link.",
    cure: "Remove the link.",
  },
  OKSTRA_PATH_NOT_MOUNTED: {
    kind: "external",
    when: "The parent of a task's directory is missing, as when a disk is not mounted.",
    cure: "Mount the disk, or run: okstra worktree repair",
  },
  OKSTRA_FILTER_NOT_TRUSTED: {
    kind: "config",
    when: "The repository's own configuration requires a filter or hook that nobody approved.",
    cure: "Look at it and run: okstra trust",
  },
  OKSTRA_TASK_NOT_FOUND: { kind: "user", when: "No such task is registered.", cure: "List the tasks: okstra worktree list" },
  OKSTRA_TASK_EXISTS: {
    kind: "conflict",
    when: "A task with that key is there already.",
    cure: "Remove or rename one of them: okstra worktree list",
  },
  OKSTRA_TASK_BUSY: {
    kind: "conflict",
    when: "Another process is running or changing this task.",
    cure: "Wait for it, or stop it: okstra cancel <group>/<task>",
  },
  OKSTRA_LOCK_TIMEOUT: {
    kind: "conflict",
    when: "A lock was not free within its time.",
    cure: "Wait for the other okstra command, then try again.",
  },
  OKSTRA_WORKTREE_HAS_WORK: {
    kind: "conflict",
    when: "Removing the worktree would lose work.",
    cure: "Look at the list; --yes keeps it under a recovery ref first.",
  },
  OKSTRA_WORKTREE_IN_USE: {
    kind: "conflict",
    when: "A live process has its working directory in the worktree.",
    cure: "End that process first.",
  },
  OKSTRA_WORKTREE_LOCKED: {
    kind: "conflict",
    when: "git's own lock keeps the worktree from being removed.",
    cure: "Unlock it: git worktree unlock <path>",
  },
  OKSTRA_WORKTREE_MISSING: {
    kind: "external",
    when: "The task is registered, but its worktree is not there.",
    cure: "Check it out again: okstra worktree provision <group>/<task>",
  },
  OKSTRA_WORKTREE_NOT_OURS: {
    kind: "conflict",
    when: "git does not list the directory as a worktree of this repository.",
    cure: "Remove it by hand if you are sure.",
  },
  OKSTRA_ARCHIVE_TOO_LARGE: {
    kind: "conflict",
    when: "The ignored files to keep are over 100 MB.",
    cure: "Run it again with --yes-large, or delete what is not needed.",
  },
  OKSTRA_TRASH_NOT_FOUND: {
    kind: "user",
    when: "There is nothing to restore for this task.",
    cure: "List what was kept: git for-each-ref refs/okstra/trash",
  },
  OKSTRA_UPDATE_CONFLICT: {
    kind: "conflict",
    when: "The new base does not merge cleanly into the task's branch.",
    cure: "Resolve it by hand in the worktree.",
  },
  OKSTRA_UPDATE_FAILED: {
    kind: "external",
    when: "git could not rebase or merge, and everything was put back.",
    cure: "See what git said in details.",
  },
  OKSTRA_TREE_DIRTY: {
    kind: "conflict",
    when: "The worktree has uncommitted changes and the command needs a clean one.",
    cure: "Commit or stash them.",
  },
  OKSTRA_PREPARE_COMMAND_FAILED: {
    kind: "external",
    when: "The project's prepare command failed in a new worktree.",
    cure: "Mend the command or the tree; the next provision runs it again.",
  },
  OKSTRA_PREPARE_BRIEF_UNREADABLE: {
    kind: "user",
    when: "The brief cannot be read or is not UTF-8 text.",
    cure: "Give a readable text file, or - for standard input.",
  },
  OKSTRA_PREPARE_BRIEF_TOO_LARGE: {
    kind: "user",
    when: "The brief is over 1 MiB.",
    cure: "Shorten the brief and name the large files in it.",
  },
  OKSTRA_PREPARE_WORKER_UNKNOWN: {
    kind: "config",
    when: "A worker is neither built in nor configured.",
    cure: "Add it under workers in project.json or OKSTRA_HOME/config.json.",
  },
  OKSTRA_PREPARE_SANDBOX_UNAVAILABLE: {
    kind: "config",
    when: "A sandbox is required and this system has none that works.",
    cure: "Install bubblewrap (Linux), or let the workers run without: okstra config set sandbox off",
  },
  OKSTRA_PREPARE_WORKER_NOT_FOUND: {
    kind: "config",
    when: "A worker's program is not on PATH.",
    cure: "Install it, or mend the worker's command.",
  },
  OKSTRA_PREPARE_MODEL_UNKNOWN: {
    kind: "config",
    when: "A worker's model is neither an id nor an alias that okstra knows.",
    cure: "Use one that the message lists, or add it under models in project.json or OKSTRA_HOME/config.json.",
  },
  OKSTRA_PREPARE_UNTRUSTED_SETTINGS: {
    kind: "config",
    when: "The tree supplies settings that an agent would obey, and nobody approved them as they are now.",
    cure: "Look at them and run: okstra trust <group>/<task>",
  },
  OKSTRA_PREPARE_NO_WORKERS: { kind: "config", when: "The roster of the run is empty.", cure: "Name workers with --workers." },
  OKSTRA_PREPARE_TREE_DIRTY: {
    kind: "conflict",
    when: "The phase judges a commit, and the worktree has changes that are in none.",
    cure: "Commit them or put them away, then run it again.",
  },
  OKSTRA_PREPARE_WORKTREE_FAILED: {
    kind: "external",
    when: "The task's worktree could not be provisioned for the run; details.cause has the reason.",
    cure: "See details.cause.",
  },
  OKSTRA_PREPARE_HERE_REQUIRED: {
    kind: "user",
    when: "An implementation run was started inside another task's worktree.",
    cure: "Run it in the main worktree, or say --here.",
  },
  OKSTRA_WORKER_EXISTS: {
    kind: "conflict",
    when: "A worker of that name is configured already.",
    cure: "Choose another name, or say --replace.",
  },
  OKSTRA_PHASE_NOT_AVAILABLE: {
    kind: "usage",
    when: "The task type is known but this version cannot run it.",
    cure: "Use one of the task types that the message lists.",
  },
  OKSTRA_WORKER_NOT_IN_RUN: {
    kind: "user",
    when: "The run has no such worker.",
    cure: "Leave --worker out, or name one of those that the message lists.",
  },
  OKSTRA_RUN_NOT_FOUND: {
    kind: "user",
    when: "The task has no such run.",
    cure: "Start one: okstra run <group>/<task> --task-type <type>",
  },
  OKSTRA_RUN_CORRUPT: {
    kind: "external",
    when: "A run's files cannot be read as what okstra wrote.",
    cure: "Run: okstra validate <run dir>, then start a new run.",
  },
  OKSTRA_RUN_ENDED: { kind: "conflict", when: "The run has ended, so there is nothing to resume or cancel.", cure: "Start a new run." },
  OKSTRA_LEAD_IS_CODE: {
    kind: "conflict",
    when: "A command of a chat lead names a run that okstra's own code leads.",
    cure: "Go on with: okstra resume <group>/<task>",
  },
  OKSTRA_LEAD_NOT_DUE: {
    kind: "conflict",
    when: "What a chat lead wants to do next is not due: the lane was not dispatched, has ended, or is none of the run.",
    cure: "See what is due: okstra lead next <group>/<task>",
  },
  OKSTRA_LANE_RESULT_INVALID: {
    kind: "user",
    when: "The result that a chat lead gives for a lane is not there, has another nonce, or breaks its schema.",
    cure: "Mend what the message names and collect again; the lane stays open.",
  },
  OKSTRA_TERMINAL_NEEDED: {
    kind: "user",
    when: "A command starts a program on the person's terminal, and there is none.",
    cure: "Run it on a terminal, without --json.",
  },
  OKSTRA_RUN_COMMIT_MOVED: {
    kind: "conflict",
    when: "The worktree is at another commit than the run is bound to.",
    cure: "Start a new run.",
  },
  OKSTRA_GATE_HOLDS: {
    kind: "gate",
    when: "The phase may not start, or the task not go on, before a person answers a gate.",
    cure: "Look what is due: okstra next <group>/<task>",
  },
  OKSTRA_PLAN_NOT_FOUND: {
    kind: "user",
    when: "The task has no plan that a person could approve or reject.",
    cure: "Make one: okstra run <group>/<task> --task-type implementation-planning",
  },
  OKSTRA_PLAN_SUPERSEDED: {
    kind: "conflict",
    when: "The named planning run is not the newest one of the task.",
    cure: "Look at the newest plan, then approve that: okstra task show <group>/<task>",
  },
  OKSTRA_CLARIFICATION_UNKNOWN: {
    kind: "user",
    when: "An answer names no question of the task.",
    cure: "List the questions: okstra answer <group>/<task>",
  },
  OKSTRA_HANDOFF_NO_CHOICE: {
    kind: "gate",
    when: "A hand-off was asked for without a terminal and without the hash of a plan, so that nobody has chosen.",
    cure: "Plan it: okstra handoff <group>/<task> --plan --action pr --base <branch>; then approve the plan's hash.",
  },
  OKSTRA_HANDOFF_PLAN_UNKNOWN: {
    kind: "user",
    when: "No hand-off of the task has a plan with that hash.",
    cure: "Plan it again: okstra handoff <group>/<task> --plan …, and approve the hash that it prints.",
  },
  OKSTRA_HANDOFF_CHANGED: {
    kind: "conflict",
    when: "The commit, the base, the remote, the title or the body are no longer those of the plan.",
    cure: "Look at the new plan: okstra handoff <group>/<task> --plan …",
  },
  OKSTRA_HANDOFF_UNFINISHED: {
    kind: "conflict",
    when: "A hand-off that a person chose has begun and has not ended, so that no other one is planned.",
    cure: "Go on with it: okstra handoff <group>/<task>",
  },
  OKSTRA_HANDOFF_NO_BRANCH: {
    kind: "user",
    when: "The task has no branch or worktree of its own, so that there is nothing to hand off.",
    cure: "Hand the work off by hand.",
  },
  OKSTRA_HANDOFF_NO_REMOTE: {
    kind: "config",
    when: "The repository has no remote, or several of which none is named.",
    cure: "Name one with --remote, or add one: git remote add origin <url>",
  },
  OKSTRA_HANDOFF_URL_REFUSED: {
    kind: "config",
    when: "The remote's URL is of a transport that okstra does not push over.",
    cure: "Use a remote over ssh, https or a path.",
  },
  OKSTRA_HANDOFF_URL_MISMATCH: {
    kind: "config",
    when: "The repository's own configuration pushes somewhere else than it fetches from, and nobody said that this is meant.",
    cure: "Say it with --push-url <url>, or unset it: git config --unset-all remote.<name>.pushurl",
  },
  OKSTRA_HANDOFF_BASE_NOT_FOUND: {
    kind: "user",
    when: "The base branch is not there, or is the task's own branch.",
    cure: "Name one of the branches that the message lists with --base.",
  },
  OKSTRA_HANDOFF_CONFLICT: {
    kind: "conflict",
    when: "The task's branch does not merge into the base branch.",
    cure: "Bring the base in, and verify again: okstra worktree update <group>/<task>",
  },
  OKSTRA_HANDOFF_NOTHING: {
    kind: "user",
    when: "The base branch has all commits of the task already.",
    cure: "If it was merged: okstra task done <group>/<task>",
  },
  OKSTRA_HANDOFF_NOT_FAST_FORWARD: {
    kind: "conflict",
    when: "The remote's branch of the same name has commits that the task's branch has not; okstra never forces.",
    cure: "Look at them, bring them in, and verify again.",
  },
  OKSTRA_HANDOFF_SECRETS: {
    kind: "conflict",
    when: "Something that would leave the machine looks like a secret.",
    cure: "Take it out of the commits; if it is harmless, say so with --accept-secret <fingerprint>.",
  },
  OKSTRA_HANDOFF_MESSAGE_INVALID: {
    kind: "user",
    when: "The text that is to be title and body is empty, too long, or cannot be read.",
    cure: "Give a text file whose first line is the title, or --message as-is.",
  },
  OKSTRA_HANDOFF_TEMPLATE_INVALID: {
    kind: "config",
    when: "A template of the pull request's body cannot be read or rendered.",
    cure: "Mend it at the place that the message names, or leave it out for the built-in one.",
  },
  OKSTRA_HANDOFF_NO_PULL_REQUEST: {
    kind: "user",
    when: "The task has no pull request whose checks and comments could be taken up.",
    cure: "Open one: okstra handoff <group>/<task>",
  },
  OKSTRA_HANDOFF_REMOTE_FAILED: {
    kind: "external",
    when: "The remote could not be asked or pushed to.",
    cure: "Look at details.stderr, then run the command again: what is done is not done twice.",
  },
  OKSTRA_FINDING_NOT_FOUND: {
    kind: "user",
    when: "No run of the task has the finding that a new task is to be made from.",
    cure: "List the findings: okstra report <group>/<task>",
  },
  OKSTRA_TASK_LOG_CORRUPT: {
    kind: "external",
    when: "The task's own log has lines that okstra did not write here, or is not whole.",
    cure: "Move the log away; approvals and answers then have to be given again.",
  },
  OKSTRA_TASK_LINK_CYCLE: {
    kind: "conflict",
    when: "With the relation that was asked for, tasks would wait for each other in a circle.",
    cure: "Take one of the relations in the circle away: okstra task link <group>/<task> --after <group>/<task> --unlink",
  },
  OKSTRA_SCHEDULE_NOT_KEPT: {
    kind: "user",
    when: "No forecast of the project was kept that could be compared with now.",
    cure: "Keep one: okstra schedule --save",
  },
  OKSTRA_SCHEDULE_UNREADABLE: {
    kind: "external",
    when: "The forecast that was kept cannot be read.",
    cure: "Keep another, which takes its place: okstra schedule --save",
  },
  OKSTRA_OVERRIDE_IMPOSSIBLE: {
    kind: "conflict",
    when: "No gate holds that this override could pass.",
    cure: "Look at the run: okstra report <group>/<task>",
  },
  OKSTRA_VALIDATION_FAILED: {
    kind: "external",
    when: "The validator found broken rules.",
    cure: "See the list of rules; run the phase again.",
  },
  OKSTRA_DOOR_INVALID: {
    kind: "config",
    when: "okstra mcp --worker was started without the door of a lane, or what is there is not what okstra wrote.",
    cure: "Start it by a run only: okstra gives it to the agent of a lane, with OKSTRA_DOOR set.",
  },
  OKSTRA_RESULTS_INVALID: {
    kind: "user",
    when: "A file given to converge is neither a worker's result nor a SARIF 2.1.0 log, or breaks its schema.",
    cure: "Mend the named member, or leave the file out; okstra schema worker-result prints the schema.",
  },
  OKSTRA_TASK_NOT_MERGED: {
    kind: "gate",
    when: "Not all of a task's work is in the base branch, as the remote has it.",
    cure: "Merge it first; if it went into another branch, name that with --base.",
  },
  OKSTRA_HANDOFF_FORGE_FAILED: {
    kind: "external",
    when: "The forge, or gh or glab on the way to it, did not do what was asked, or answered what okstra cannot read.",
    cure: "Run okstra handoff <group>/<task> again: it asks what is there and goes on.",
  },
  OKSTRA_REGISTRY_READ_ONLY: { kind: "config", when: "The registry was written by a newer okstra.", cure: "Upgrade okstra." },
  OKSTRA_GIT_FAILED: { kind: "external", when: "A git command failed.", cure: "See what git said in details." },
  OKSTRA_GIT_NOT_FOUND: { kind: "external", when: "git is not on PATH.", cure: "Install git 2.31 or newer." },
  OKSTRA_DISK_FULL: {
    kind: "external",
    when: "There is no space or there are no inodes left.",
    cure: "Free space at the named path, then run the command again.",
  },
  OKSTRA_IO_FAILED: {
    kind: "external",
    when: "The operating system refused to read or write a file.",
    cure: "See the named path and reason.",
  },
  OKSTRA_DASHBOARD_PORT_TAKEN: {
    kind: "user",
    when: "The port for the dashboard is taken, or may not be used.",
    cure: "Name another one, or none for one that is free: okstra dashboard --port 0",
  },
  OKSTRA_DASHBOARD_FOREIGN: {
    kind: "user",
    when: "A request to the dashboard names another host than its own, or was made by another site's page.",
    cure: "Open the address that okstra dashboard printed.",
  },
  OKSTRA_DASHBOARD_NO_TOKEN: {
    kind: "user",
    when: "A request to the dashboard has neither its cookie nor the token, or the token was used already.",
    cure: "End okstra dashboard with Ctrl-C, start it again, and open the address that it prints.",
  },
  OKSTRA_DASHBOARD_ADDRESS_UNKNOWN: {
    kind: "user",
    when: "The dashboard has nothing at the address that was asked for.",
    cure: "Go back to its first page: /",
  },
  OKSTRA_DASHBOARD_REQUEST_INVALID: {
    kind: "user",
    when: "A request to the dashboard has a method, a size, a type, a query or a body that its address does not take.",
    cure: "Load the page again; a program looks at the message.",
  },
  OKSTRA_DASHBOARD_CHANGED: {
    kind: "conflict",
    when: "What an action in the dashboard was about is no longer what was shown there, so nothing was done.",
    cure: "Look at it again, and decide anew.",
  },
  OKSTRA_DASHBOARD_BUSY: {
    kind: "external",
    when: "The dashboard has as many open streams as it allows.",
    cure: "Close some of its pages.",
  },
  OKSTRA_INTERRUPTED: { kind: "interrupted", when: "The command was interrupted.", cure: "Go on with: okstra resume <group>/<task>" },
  OKSTRA_INTERNAL: { kind: "internal", when: "A defect of okstra.", cure: "Report it with the command and this message." },
} as const satisfies Record<string, CatalogueRow>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export interface ErrorParts {
  /** One line: what is wrong, with the names that matter. */
  readonly message: string;
  /** One line: what to do. Defaults to the catalogue's cure. */
  readonly hint?: string;
  /** Machine-readable facts, camelCase. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The one error class that crosses a package boundary. */
export class OkstraError extends Error {
  override readonly name = "OkstraError";
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(parts.message.replaceAll(/\s*\n\s*/g, " "), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.kind = ERROR_CATALOGUE[code].kind;
    this.hint = parts.hint ?? ERROR_CATALOGUE[code].cure;
    this.details = parts.details ?? {};
  }

  /** The document that `--json` prints under `error`. */
  toDocument(): { code: ErrorCode; kind: ErrorKind; message: string; hint: string; details: Readonly<Record<string, unknown>> } {
    return { code: this.code, kind: this.kind, message: this.message, hint: this.hint, details: this.details };
  }
}

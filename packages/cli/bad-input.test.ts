/** Each bad input is a clear error: code, exit status, one line and a hint; nothing else on stdout, nothing changed anywhere. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ERROR_CATALOGUE, type ErrorCode } from "@okstra/core/errors";
import { mountSmallDisk } from "@okstra/testkit/faults/small-disk";
import { createRunProject, WORKER_LINES } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { createTestRepo } from "@okstra/testkit/test-repo";
import { hashFiles } from "@okstra/testkit/tree-hash";
import { EXIT_CODES } from "./exit-codes.ts";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject();
});
afterEach(() => project.remove());

interface Call {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly stdin?: string;
}

interface BadInput {
  readonly what: string;
  readonly code: ErrorCode;
  /** What the message must name. */
  readonly names?: string;
  /** Makes the input bad; answers how okstra is called. */
  readonly prepare: () => Call | Promise<Call>;
}

const at = (name: string): string => project.home.directory(name);
const settingsPath = (): string => join(project.repo.root, ".project-docs/okstra/project.json");
const RUN = ["run", "g/t", "-t", "final-verification"] as const;
const writeSettings = (text: string): void => writeFileSync(settingsPath(), text);
const configureWorker = (worker: unknown): void =>
  writeSettings(JSON.stringify({ schema: 1, projectId: "sums", workers: { odd: worker } }));

async function makeRepo(name: string, options: Parameters<typeof createTestRepo>[1] = {}, isSetUp = false): Promise<string> {
  const { root } = await createTestRepo(at(name), options);
  if (isSetUp) {
    mkdirSync(join(root, ".project-docs/okstra"), { recursive: true });
    writeFileSync(join(root, ".project-docs/okstra/project.json"), '{"schema":1,"projectId":"other"}');
  }
  return root;
}

const BAD_INPUTS: readonly BadInput[] = [
  {
    what: "verify: no repository",
    code: "OKSTRA_REPOSITORY_NOT_FOUND",
    names: "nothing",
    prepare: () => ({ argv: ["verify"], cwd: at("nothing") }),
  },
  {
    what: "run: a repository without setup",
    code: "OKSTRA_PROJECT_NOT_SET_UP",
    names: "raw",
    prepare: async () => ({ argv: RUN, cwd: await makeRepo("raw") }),
  },
  {
    what: "provision: a repository without setup",
    code: "OKSTRA_PROJECT_NOT_SET_UP",
    prepare: async () => ({ argv: ["worktree", "provision", "g/t"], cwd: await makeRepo("raw") }),
  },
  {
    what: "report: a repository without setup",
    code: "OKSTRA_PROJECT_NOT_SET_UP",
    prepare: async () => ({ argv: ["report", "g/t"], cwd: await makeRepo("raw") }),
  },
  {
    what: "check-project: a repository without setup",
    code: "OKSTRA_PROJECT_NOT_SET_UP",
    prepare: async () => ({ argv: ["check-project"], cwd: await makeRepo("raw") }),
  },
  {
    what: "run: a repository without a commit",
    code: "OKSTRA_REPOSITORY_EMPTY",
    prepare: async () => ({ argv: RUN, cwd: await makeRepo("empty", { empty: true }, true) }),
  },
  {
    what: "provision: a repository without a commit",
    code: "OKSTRA_REPOSITORY_EMPTY",
    prepare: async () => ({ argv: ["worktree", "provision", "g/t"], cwd: await makeRepo("empty", { empty: true }, true) }),
  },
  {
    what: "verify: a repository without a commit",
    code: "OKSTRA_REPOSITORY_EMPTY",
    prepare: async () => ({ argv: ["verify"], cwd: await makeRepo("empty", { empty: true }) }),
  },
  {
    what: "run: a bare repository",
    code: "OKSTRA_REPOSITORY_BARE",
    prepare: async () => ({ argv: RUN, cwd: await makeRepo("bare.git", { bare: true }) }),
  },
  {
    what: "verify: a bare repository",
    code: "OKSTRA_REPOSITORY_BARE",
    prepare: async () => ({ argv: ["verify"], cwd: await makeRepo("bare.git", { bare: true }) }),
  },
  {
    what: "setup: a bare repository",
    code: "OKSTRA_REPOSITORY_BARE",
    prepare: async () => ({ argv: ["setup"], cwd: await makeRepo("bare.git", { bare: true }) }),
  },
  { what: "run: inside .git", code: "OKSTRA_REPOSITORY_BARE", prepare: () => ({ argv: RUN, cwd: join(project.repo.root, ".git") }) },
  {
    what: "--project-root: no such directory",
    code: "OKSTRA_DIRECTORY_NOT_FOUND",
    names: "missing",
    prepare: () => ({ argv: [...RUN, "--project-root", "missing"] }),
  },
  {
    what: "run: an unknown task type",
    code: "OKSTRA_TASK_TYPE_UNKNOWN",
    names: "final-verification",
    prepare: () => ({ argv: ["run", "g/t", "-t", "final-verificatoin"] }),
  },
  {
    what: "provision: an unknown task type",
    code: "OKSTRA_TASK_TYPE_UNKNOWN",
    prepare: () => ({ argv: ["worktree", "provision", "g/t", "-t", "nonsense"] }),
  },
  {
    what: "report: an unknown task type",
    code: "OKSTRA_TASK_TYPE_UNKNOWN",
    prepare: () => ({ argv: ["report", "g/t", "-t", "nonsense"] }),
  },
  {
    what: "run: a task without a group",
    code: "OKSTRA_TASK_KEY_INVALID",
    names: "login",
    prepare: () => ({ argv: ["run", "login", "-t", "final-verification"] }),
  },
  { what: "run: an empty task", code: "OKSTRA_TASK_KEY_INVALID", prepare: () => ({ argv: ["run", "g/", "-t", "final-verification"] }) },
  {
    what: "project.json: not JSON",
    code: "OKSTRA_PROJECT_INVALID",
    names: "project.json",
    prepare: () => (writeSettings("{ projectId: 'x' }"), { argv: RUN }),
  },
  { what: "project.json: empty", code: "OKSTRA_PROJECT_INVALID", prepare: () => (writeSettings(""), { argv: RUN }) },
  { what: "project.json: a list", code: "OKSTRA_PROJECT_INVALID", prepare: () => (writeSettings("[]"), { argv: RUN }) },
  {
    what: "project.json: no id",
    code: "OKSTRA_PROJECT_INVALID",
    names: "projectId",
    prepare: () => (writeSettings('{"schema":1}'), { argv: ["worktree", "provision", "g/t"] }),
  },
  {
    what: "project.json: a wrong member",
    code: "OKSTRA_PROJECT_INVALID",
    names: "deadlineMs",
    prepare: () => (writeSettings('{"schema":1,"projectId":"sums","deadlineMs":"soon"}'), { argv: ["verify"] }),
  },
  {
    what: "project.json: a newer schema",
    code: "OKSTRA_SCHEMA_NEWER",
    names: "project.json",
    prepare: () => (writeSettings('{"schema":99,"projectId":"sums"}'), { argv: RUN }),
  },
  {
    what: "project.json: a directory",
    code: "OKSTRA_IO_FAILED",
    names: "project.json",
    prepare: () => (rmSync(settingsPath()), mkdirSync(settingsPath()), { argv: RUN }),
  },
  {
    what: "config.json of the home: not JSON",
    code: "OKSTRA_CONFIG_INVALID",
    names: "config.json",
    prepare: () => (
      mkdirSync(project.home.okstraHome, { recursive: true }),
      writeFileSync(join(project.home.okstraHome, "config.json"), "{"),
      { argv: RUN }
    ),
  },
  {
    what: "--brief: a file of 10 MB",
    code: "OKSTRA_PREPARE_BRIEF_TOO_LARGE",
    names: "10485760",
    prepare: () => (
      writeFileSync(join(at("notes"), "brief.md"), "a".repeat(10 * 1024 * 1024)),
      { argv: [...RUN, "--brief", join(at("notes"), "brief.md")] }
    ),
  },
  {
    what: "--brief -: 10 MB on standard input",
    code: "OKSTRA_PREPARE_BRIEF_TOO_LARGE",
    prepare: () => ({ argv: [...RUN, "--brief", "-"], stdin: "a".repeat(10 * 1024 * 1024) }),
  },
  {
    what: "--brief: no such file",
    code: "OKSTRA_PREPARE_BRIEF_UNREADABLE",
    names: "nowhere.md",
    prepare: () => ({ argv: [...RUN, "--brief", "nowhere.md"] }),
  },
  { what: "--brief: a directory", code: "OKSTRA_PREPARE_BRIEF_UNREADABLE", prepare: () => ({ argv: [...RUN, "--brief", at("notes")] }) },
  {
    what: "--brief: not UTF-8",
    code: "OKSTRA_PREPARE_BRIEF_UNREADABLE",
    prepare: () => (
      writeFileSync(join(at("notes"), "brief.bin"), Uint8Array.from([0xff, 0xfe, 0x00, 0x41])),
      { argv: [...RUN, "--brief", join(at("notes"), "brief.bin")] }
    ),
  },
  {
    what: "--workers: one that nobody knows",
    code: "OKSTRA_PREPARE_WORKER_UNKNOWN",
    names: "nobody",
    prepare: () => ({ argv: [...RUN, "--workers", "checks,nobody"] }),
  },
  {
    what: "--workers: a name of every object",
    code: "OKSTRA_PREPARE_WORKER_UNKNOWN",
    names: "constructor",
    prepare: () => ({ argv: [...RUN, "--workers", "constructor"] }),
  },
  { what: "--workers: none", code: "OKSTRA_PREPARE_NO_WORKERS", prepare: () => ({ argv: [...RUN, "--workers", ","] }) },
  {
    what: "a worker that is not on PATH",
    code: "OKSTRA_PREPARE_WORKER_NOT_FOUND",
    names: "no-such-program",
    prepare: () => (configureWorker({ kind: "command", command: ["no-such-program"] }), { argv: [...RUN, "--workers", "odd"] }),
  },
  {
    what: "a worker that is no program",
    code: "OKSTRA_PREPARE_WORKER_NOT_FOUND",
    names: "README.md",
    prepare: () => (configureWorker({ kind: "command", command: ["./README.md"] }), { argv: [...RUN, "--workers", "odd"] }),
  },
  {
    what: "a worker without a command",
    code: "OKSTRA_PREPARE_WORKER_UNKNOWN",
    names: "odd",
    prepare: () => (configureWorker({ kind: "command" }), { argv: [...RUN, "--workers", "odd"] }),
  },
  { what: "--deadline: no duration", code: "OKSTRA_USAGE", names: "soon", prepare: () => ({ argv: [...RUN, "--deadline", "soon"] }) },
  { what: "--deadline: nothing", code: "OKSTRA_USAGE", prepare: () => ({ argv: [...RUN, "--deadline", "0"] }) },
  {
    what: "--base-ref: nowhere",
    code: "OKSTRA_PREPARE_WORKTREE_FAILED",
    names: "nowhere",
    prepare: () => ({ argv: [...RUN, "--base-ref", "nowhere"] }),
  },
  {
    what: "case 7: --base-ref that looks like an option",
    code: "OKSTRA_REF_UNSAFE",
    prepare: () => ({ argv: ["worktree", "provision", "g/t", "--base-ref=--upload-pack=x"] }),
  },
  {
    what: "verify --head: nowhere",
    code: "OKSTRA_BASE_REF_NOT_FOUND",
    names: "nowhere",
    prepare: () => ({ argv: ["verify", "--head", "nowhere"] }),
  },
  { what: "an unknown command", code: "OKSTRA_USAGE", names: "verfy", prepare: () => ({ argv: ["verfy"] }) },
  { what: "an unknown flag", code: "OKSTRA_USAGE", names: "strickt", prepare: () => ({ argv: ["verify", "--strickt"] }) },
  { what: "a missing argument", code: "OKSTRA_USAGE", prepare: () => ({ argv: ["run", "-t", "final-verification"] }) },
  { what: "a missing flag", code: "OKSTRA_USAGE", names: "task-type", prepare: () => ({ argv: ["run", "g/t"] }) },
  { what: "a flag without its value", code: "OKSTRA_USAGE", prepare: () => ({ argv: ["run", "g/t", "--task-type"] }) },
  {
    what: "a value that is none of those known",
    code: "OKSTRA_USAGE",
    names: "pdf",
    prepare: () => ({ argv: ["report", "g/t", "--format", "pdf"] }),
  },
  { what: "one argument too many", code: "OKSTRA_USAGE", prepare: () => ({ argv: ["run", "g/t", "g/u", "-t", "final-verification"] }) },
  { what: "an unknown schema", code: "OKSTRA_USAGE", names: "reprot", prepare: () => ({ argv: ["schema", "reprot"] }) },
  { what: "report: no such run", code: "OKSTRA_RUN_NOT_FOUND", names: "sums/g/t", prepare: () => ({ argv: ["report", "g/t"] }) },
  { what: "resume: no such run", code: "OKSTRA_RUN_NOT_FOUND", prepare: () => ({ argv: ["resume", "g/t"] }) },
  { what: "cancel: no such run", code: "OKSTRA_RUN_NOT_FOUND", prepare: () => ({ argv: ["cancel", "g/t"] }) },
  {
    what: "override: no such run",
    code: "OKSTRA_RUN_NOT_FOUND",
    prepare: () => ({ argv: ["override", "g/t", "final-verification", "--reason", "r"] }),
  },
  {
    what: "override: no reason",
    code: "OKSTRA_USAGE",
    prepare: () => ({ argv: ["override", "g/t", "final-verification", "--reason", " "] }),
  },
  {
    what: "override: no date",
    code: "OKSTRA_USAGE",
    names: "someday",
    prepare: () => ({ argv: ["override", "g/t", "final-verification", "--reason", "r", "--until", "someday"] }),
  },
  { what: "validate: no such run", code: "OKSTRA_RUN_NOT_FOUND", prepare: () => ({ argv: ["validate", "g/t"] }) },
  { what: "validate: a directory that is no run", code: "OKSTRA_RUN_NOT_FOUND", prepare: () => ({ argv: ["validate", at("nothing")] }) },
  { what: "path: no such task", code: "OKSTRA_TASK_NOT_FOUND", prepare: () => ({ argv: ["path", "g/t"] }) },
  { what: "worktree show: no such task", code: "OKSTRA_TASK_NOT_FOUND", prepare: () => ({ argv: ["worktree", "show", "g/t"] }) },
];

test.each(BAD_INPUTS)("$what: $code", async ({ code, names, prepare }) => {
  const { argv, cwd = project.repo.root, stdin } = await prepare();
  const before = hashFiles(project.home.root);
  const wanted = EXIT_CODES[ERROR_CATALOGUE[code].kind];
  const options = { cwd, ...(stdin === undefined ? {} : { stdin }) };

  const text = await runOkstra(argv, options);
  const [message = "", hint = "", ...more] = text.stderr.trimEnd().split("\n");
  expect({ status: text.status, stdout: text.stdout, more }).toEqual({ status: wanted, stdout: "", more: [] });
  expect(message.startsWith(`error[${code}]: `), message).toBe(true);
  expect(hint).toMatch(/^hint: \S/);
  expect(text.stderr).not.toMatch(/\n\s+at |node:internal|ZodError|\[object/);
  if (names !== undefined) expect(message).toContain(names);

  const json = await runOkstra([...argv, "--json"], options);
  expect({ status: json.status, stderr: json.stderr, members: Object.keys(json.json ?? {}) }).toEqual({
    status: wanted,
    stderr: "",
    members: ["error"],
  });
  expect(Object.keys(json.json.error)).toEqual(["code", "kind", "message", "hint", "details"]);
  expect(json.json.error).toMatchObject({ code, kind: ERROR_CATALOGUE[code].kind });
  expect(json.json.error.message).not.toMatch(/[\n\r]/);
  expect(json.json.error.hint).not.toMatch(/[\n\r]/);

  expect(hashFiles(project.home.root)).toEqual(before);
});

describe("what is odd and no error", () => {
  test("no repository: provision says skipped-not-git and leaves nothing behind", async () => {
    const cwd = at("plain");
    const before = hashFiles(project.home.root);
    const { status, json } = await project.okstra(["worktree", "provision", "g/t"], { cwd });
    expect({ status, answer: json.status, path: json.path, branch: json.branch }).toEqual({
      status: 0,
      answer: "skipped-not-git",
      path: cwd,
      branch: "",
    });
    expect(hashFiles(project.home.root)).toEqual(before);
  });

  test("a detached HEAD: a task starts from it and it stays", async () => {
    const head = await project.repo.resolve("HEAD");
    await project.repo.git(["checkout", "--quiet", "--detach", head]);
    const { status, json } = await project.okstra([...RUN, "--workers", "checks,silent"]);
    expect({ status, verdict: json.verdict, commit: json.commit }).toEqual({ status: 0, verdict: "accepted", commit: head });
    expect(await project.repo.git(["symbolic-ref", "--quiet", "HEAD"], { okExitCodes: [0, 1] })).toBe("");
  });

  test("a path with spaces, quotes and Korean letters: a whole run, from within and by --project-root", async () => {
    const { root } = await createTestRepo(at("내 프로젝트 'a' $(b)"));
    mkdirSync(join(root, ".project-docs/okstra"), { recursive: true });
    const settings = {
      schema: 1,
      projectId: "한글",
      qaCommands: ["test -e README.md"],
      workers: { silent: { kind: "command", command: ["sh", "-c", WORKER_LINES.silent] } },
    };
    writeFileSync(join(root, ".project-docs/okstra/project.json"), JSON.stringify(settings));
    const argv = ["run", "버그/로그인 오류", "-t", "final-verification", "--workers", "checks,silent"];
    const within = await project.okstra(argv, { cwd: root });
    expect(within.json).toMatchObject({ verdict: "accepted", valid: true, run: 1 });
    const named = await project.okstra([...argv, "--project-root", root], { cwd: at("elsewhere") });
    expect(named.json).toMatchObject({ verdict: "accepted", valid: true, run: 2, taskKey: within.json.taskKey });
    expect((await project.okstra(["verify", "--workers", "checks,silent"], { cwd: root })).json).toMatchObject({ verdict: "accepted" });
    expect(
      (await project.okstra(["run", "버그/로그인 수정", "-t", "final-verification", "--workers", "silent"], { cwd: root })).json.taskKey,
    ).not.toBe(within.json.taskKey);
  });

  test("a phase that this version cannot run is told as such, and nothing is made", async () => {
    const before = hashFiles(project.home.root);
    const { status, json } = await project.okstra(["run", "g/t", "-t", "release-handoff"]);
    expect({ status, code: json.error?.code }).toEqual({ status: expect.any(Number), code: expect.stringMatching(/^OKSTRA_/) });
    expect(status).not.toBe(0);
    expect(hashFiles(project.home.root)).toEqual(before);
  });

  test("a result that is no JSON is a failed lane, not a failed command", async () => {
    const { status, json } = await project.okstra([...RUN, "--workers", "checks,garbage"]);
    expect({ status, verdict: json.verdict, end: json.lanes[1].end }).toEqual({ status: 10, verdict: "conditional-accept", end: "failed" });
  });
});

describe("case 24: no space left", () => {
  test("in OKSTRA_HOME or in the project: OKSTRA_DISK_FULL names the place, and with space again all goes on", async (context) => {
    const disk = mountSmallDisk(join(project.home.root, "disk"), "size=6m");
    if (typeof disk === "string") return context.skip(disk);
    try {
      const env = { OKSTRA_HOME: join(disk.path, "home") };
      disk.fill();
      const before = hashFiles(project.repo.root);
      const refused = await project.okstra([...RUN, "--workers", "silent"], { env });
      expect({ status: refused.status, code: refused.json.error.code }).toEqual({ status: 1, code: "OKSTRA_DISK_FULL" });
      expect(refused.json.error.message).toContain(disk.path);
      expect(hashFiles(project.repo.root)).toEqual(before);
      disk.free();
      expect((await project.okstra([...RUN, "--workers", "silent"], { env })).json).toMatchObject({ state: "ended", valid: true });

      // The project itself on the full disk: the run cannot be written, and is no run afterwards.
      const { root } = await createTestRepo(join(disk.path, "repo"));
      mkdirSync(join(root, ".project-docs/okstra"), { recursive: true });
      const settings = {
        schema: 1,
        projectId: "full",
        workers: { silent: { kind: "command", command: ["sh", "-c", WORKER_LINES.silent] } },
      };
      writeFileSync(join(root, ".project-docs/okstra/project.json"), JSON.stringify(settings));
      const argv = [...RUN, "--workers", "silent"];
      expect((await project.okstra([...argv, "--prepare-only"], { cwd: root })).status).toBe(0);
      disk.fill();
      const full = await project.okstra(argv, { cwd: root });
      expect({ status: full.status, code: full.json.error.code }).toEqual({ status: 1, code: "OKSTRA_DISK_FULL" });
      disk.free();
      expect((await project.okstra(["resume", "g/t"], { cwd: root })).json).toMatchObject({ run: 1, state: "ended", valid: true });
      expect((await project.okstra(argv, { cwd: root })).json).toMatchObject({ state: "ended", valid: true });
    } finally {
      disk.unmount();
    }
  });
});

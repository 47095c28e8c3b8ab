import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { canonicalJson } from "@okstra/core/domain/task-context";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";
import { createBareRemote, type BareRemote } from "@okstra/testkit/remotes/bare-remote";
import { startGitHttp } from "@okstra/testkit/remotes/git-http";
import { quoteShell } from "@okstra/testkit/remotes/quote-shell";
import { spyPrograms } from "@okstra/testkit/remotes/spy-programs";
import { sshStandIn } from "@okstra/testkit/remotes/ssh-stand-in";
import { runOkstra, type OkstraAnswer, type OnEvent } from "@okstra/testkit/run-okstra";
import { openTestRepo } from "@okstra/testkit/test-repo";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

// Two dozen runs of okstra in a test, on a machine that does other things too.
vi.setConfig({ testTimeout: 180_000 });

let work: HandoffProject;
let env: Record<string, string>;
beforeEach(async () => {
  env = {};
  work = await createHandoffProject();
});
afterEach(() => {
  vi.unstubAllEnvs();
  work.project.remove();
});

const okstra = (flags: readonly string[], onEvent?: OnEvent) =>
  work.project.okstra(["handoff", work.task, ...flags], { env, ...(onEvent === undefined ? {} : { onEvent }) });
const plan = (...flags: readonly string[]) => okstra(["--plan", "--action", "pr", "--base", "main", ...flags]);
const approve = (hash: string, onEvent?: OnEvent) => okstra(["--approve", hash], onEvent);
const place = (name: string) => work.project.home.directory(name);

async function requirePlan(...flags: readonly string[]): Promise<string> {
  const planned = await plan(...flags);
  expect(planned.status, planned.stdout + planned.stderr).toBe(0);
  return planned.json.hash;
}

/** Plans and approves; the commit must arrive and nothing else. */
async function handOff(
  ...flags: readonly string[]
): Promise<{ readonly plan: { readonly notes: readonly string[]; readonly outgoing: string } }> {
  const planned = await plan(...flags);
  expect(planned.status, planned.stdout + planned.stderr).toBe(0);
  const done = await approve(planned.json.hash);
  expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([0, "handed-off", true]);
  expect(await work.remoteCommit()).toBe(planned.json.plan.outgoing);
  return planned.json;
}

async function expectRefused(answer: Promise<OkstraAnswer>, code: string, status: number): Promise<OkstraAnswer["json"]> {
  const { json, stdout, status: given } = await answer;
  expect([given, json?.error?.code], stdout).toEqual([status, code]);
  expect(await work.remoteCommit()).toBeNull();
  return json.error;
}

const witness = () => join(work.project.home.root, "witness");
const ran = () => (existsSync(witness()) ? readFileSync(witness(), "utf8") : "");

/** A program that leaves its name behind. */
function plantProgram(path: string, name = path): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho ${quoteShell(name)} >>${quoteShell(witness())}\nexit 0\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Into the repository's own configuration, past git. */
const plantConfig = (text: string) => appendFileSync(join(work.project.repo.gitDir, "config"), `\n${text}\n`);

const HOOKS = `applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg commit-msg post-commit
  pre-rebase post-checkout post-merge pre-push pre-receive update proc-receive post-receive post-update reference-transaction
  push-to-checkout pre-auto-gc post-rewrite post-index-change fsmonitor-watchman`.split(/\s+/);

/** Commits on a branch of the remote, as somebody else would. */
async function pushElsewhere(branch: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(place("others"), `clone-${readdirSync(place("others")).length}`);
  await work.remote.git(["clone", "--quiet", work.remote.path, root]);
  const repo = openTestRepo(root);
  const commit = await repo.commit("by somebody else", files);
  await repo.git(["push", "--quiet", "origin", `HEAD:${branch}`]);
  return commit;
}

const refsOf = async (remote: BareRemote) =>
  (await remote.git(["for-each-ref", "--format=%(refname)"])).split("\n").filter((ref) => ref !== "");

const EVERYTHING = ["as-is", "squash"] as const;

test.each(EVERYTHING)("case 1: a planted core.fsmonitor does not run (%s)", async (commits) => {
  const program = plantProgram(join(place("evil"), "fsmonitor"));
  plantConfig(`[core]\n\tfsmonitor = ${program}\n\tuntrackedCache = true`);
  await handOff("--commits", commits);
  expect(ran()).toBe("");
});

test.each(EVERYTHING)("case 2: no hook of the project runs, wherever it stands (%s)", async (commits) => {
  const evil = place("evil-hooks");
  for (const hook of HOOKS) {
    plantProgram(join(evil, hook), `own ${hook}`);
    plantProgram(join(work.project.repo.gitDir, "hooks", hook), `git ${hook}`);
  }
  expect((await plan("--commits", commits)).status).toBe(0);
  plantConfig(`[core]\n\thooksPath = ${evil}`);
  await handOff("--commits", commits);
  expect(ran()).toBe("");
});

test.each(EVERYTHING)("case 3: filters, diff and merge drivers and attributes of the project do not run (%s)", async (commits) => {
  await work.advance("Attributes", { ".gitattributes": "* filter=evil diff=evil merge=evil\n", "README.md": "# changed\n" });
  const program = (name: string) => plantProgram(join(place("evil"), name), name);
  plantConfig(`[filter "evil"]\n\tclean = ${program("clean")}\n\tsmudge = ${program("smudge")}\n\tprocess = ${program("process")}`);
  plantConfig(`[diff "evil"]\n\ttextconv = ${program("textconv")}\n\tcommand = ${program("command")}`);
  plantConfig(`[merge "evil"]\n\tdriver = ${program("driver")} %O %A %B`);
  plantConfig(`[diff]\n\texternal = ${program("external")}\n[core]\n\tattributesFile = ${join(place("evil"), "attributes")}`);
  writeFileSync(join(place("evil"), "attributes"), "* filter=evil diff=evil merge=evil\n");
  mkdirSync(join(work.project.repo.gitDir, "info"), { recursive: true });
  writeFileSync(join(work.project.repo.gitDir, "info/attributes"), "* filter=evil diff=evil merge=evil\n");
  // git asks the clean filter only about files that look changed.
  utimesSync(join(work.worktree, "src/part-0.txt"), new Date(0), new Date(0));
  await pushElsewhere("clashes", { "README.md": "# of somebody else\n" });
  const conflict = await okstra(["--plan", "--action", "pr", "--base", "clashes", "--commits", commits]);
  expect([conflict.json.error?.code, conflict.json.error?.details.files], conflict.stdout).toEqual([
    "OKSTRA_HANDOFF_CONFLICT",
    ["README.md"],
  ]);
  await handOff("--commits", commits);
  expect(ran()).toBe("");
});

test("case 3: objects that the project replaces or grafts are what they are", async () => {
  const { repo } = work.project;
  const [others, own] = [await repo.resolve("main^{tree}"), await repo.resolve(`${work.head}^{tree}`)];
  const replace = async (tree: string) =>
    repo.git(["update-ref", `refs/replace/${work.head}`, await repo.git(["commit-tree", tree, "-p", "main", "-m", "harmless"])]);
  await replace(others);
  await expectRefused(plan(), "OKSTRA_PREPARE_TREE_DIRTY", 4);
  await replace(own);
  writeFileSync(join(repo.gitDir, "info/grafts"), `${work.head}\n`);
  const planned = await plan();
  expect(planned.json.plan, planned.stdout).toMatchObject({
    list: [{ sha: work.head, subject: "Mend the login" }],
    diffstat: { files: 1 },
  });
  const done = await approve(planned.json.hash);
  expect([done.status, await work.remoteCommit()], done.stdout + done.stderr).toEqual([0, work.head]);
  expect(await work.remote.git(["show", "--format=%s", "--name-only", work.head])).toBe("Mend the login\n\nsrc/part-0.txt");
});

describe("case 4: where the push goes", () => {
  let evil: BareRemote;
  beforeEach(async () => {
    evil = await createBareRemote(place("evil-remotes"), "evil.git");
  });

  const rewrites = (kind: string) => `[url "${evil.url}"]\n\t${kind} = ${work.remote.url}`;

  test.each(["insteadOf", "pushInsteadOf"])(
    "a rewrite (%s) in the repository's own configuration does not count, and is told",
    async (kind) => {
      plantConfig(rewrites(kind));
      const planned = await plan();
      expect(planned.json.plan.remote).toMatchObject({ url: work.remote.url, pushUrl: work.remote.url });
      expect(planned.json.plan.notes.join("\n")).toMatch(new RegExp(`url\\..*\\.${kind.toLowerCase()} does not count`));
      const done = await approve(planned.json.hash);
      expect([done.status, await work.remoteCommit(), await refsOf(evil)]).toEqual([0, work.head, []]);
    },
  );

  test("neither does one in an included file or in the worktree's own configuration", async () => {
    const included = join(place("evil"), "config");
    writeFileSync(included, `${rewrites("insteadOf")}\n`);
    plantConfig(`[include]\n\tpath = ${included}\n[extensions]\n\tworktreeConfig = true`);
    for (const directory of [
      work.project.repo.gitDir,
      join(work.project.repo.gitDir, "worktrees", readdirSync(join(work.project.repo.gitDir, "worktrees"))[0] ?? ""),
    ])
      writeFileSync(join(directory, "config.worktree"), `${rewrites("pushInsteadOf")}\n`);
    const { plan: made } = await handOff();
    expect(made.notes.length).toBeGreaterThan(0);
    expect(await refsOf(evil)).toEqual([]);
  });

  test("the person's own rewrite counts, and the plan shows where it leads", async () => {
    const mirror = await createBareRemote(place("mirrors"), "mirror.git");
    await work.remote.git(["push", "--quiet", mirror.path, "main"]);
    work.project.home.writeGitConfig(`[url "${mirror.url}"]\n\tpushInsteadOf = ${work.remote.url}\n`);
    const planned = await plan();
    expect(planned.json.plan.remote).toMatchObject({ url: work.remote.url, pushUrl: mirror.url });
    const done = await approve(planned.json.hash);
    expect([done.status, await refsOf(mirror)], done.stdout + done.stderr).toEqual([
      0,
      [`refs/heads/${work.branch}`, "refs/heads/main"].sort(),
    ]);
    expect(await work.remoteCommit()).toBeNull();
  });

  test("a planted pushurl is refused; confirmed word for word, it goes there", async () => {
    plantConfig(`[remote "origin"]\n\tpushurl = ${evil.url}`);
    const error = await expectRefused(plan(), "OKSTRA_HANDOFF_URL_MISMATCH", 3);
    expect(error).toMatchObject({ message: expect.stringContaining(evil.url), details: { pushUrls: [evil.url] } });
    await expectRefused(plan("--push-url", work.remote.url), "OKSTRA_HANDOFF_URL_MISMATCH", 3);
    await expectRefused(plan("--push-url", `${evil.url}/`), "OKSTRA_HANDOFF_URL_MISMATCH", 3);
    const planned = await plan("--push-url", evil.url);
    expect(planned.json.plan.remote).toMatchObject({ url: work.remote.url, pushUrl: evil.url });
    const done = await approve(planned.json.hash);
    expect(done.status, done.stdout + done.stderr).toBe(0);
    expect([await refsOf(evil), await work.remoteCommit()]).toEqual([[`refs/heads/${work.branch}`], null]);
  });

  test("several push URLs, or a second URL, are refused: one push goes to one place", async () => {
    plantConfig(`[remote "origin"]\n\turl = ${evil.url}`);
    const error = await expectRefused(plan(), "OKSTRA_HANDOFF_URL_MISMATCH", 3);
    expect(error.details.pushUrls).toEqual([work.remote.url, evil.url]);
    await handOff("--push-url", work.remote.url);
    expect(await refsOf(evil)).toEqual([]);
  });

  test("a confirmation is no wish: without a push URL only the remote's own can be confirmed", async () => {
    await expectRefused(plan("--push-url", evil.url), "OKSTRA_HANDOFF_URL_MISMATCH", 3);
    await handOff("--push-url", work.remote.url);
    expect(await refsOf(evil)).toEqual([]);
  });
});

describe("case 4: programs and settings that the project's configuration names", () => {
  const plantAll = (evilUrl: string) => {
    const program = (name: string) => plantProgram(join(place("evil"), name), name);
    plantProgram(join(place("evil"), "git-remote-evil"), "git-remote-evil");
    plantConfig(`[core]
	sshCommand = ${program("sshCommand")}
	gitProxy = ${program("gitProxy")}
	askpass = ${program("askpass")}
	pager = ${program("pager")}
	editor = ${program("editor")}
	alternateRefsCommand = ${program("alternateRefsCommand")}
[credential]
	helper = ${program("credential")}
[credential "http://127.0.0.1"]
	helper = ${program("credential-url")}
[remote "origin"]
	receivepack = ${program("receivepack")}
	uploadpack = ${program("uploadpack")}
	proxy = http://127.0.0.1:9
	push = +refs/heads/*:refs/heads/*
	mirror = true
	fetch = +refs/heads/*:refs/heads/*
[remote "evil"]
	url = ${evilUrl}
[remote]
	pushDefault = evil
[branch "${work.branch}"]
	pushRemote = evil
	remote = evil
	merge = refs/heads/main
[push]
	followTags = true
	pushOption = evil
	default = matching
	recurseSubmodules = only
	gpgSign = if-asked
[commit]
	gpgSign = true
[gpg]
	program = ${program("gpg")}
[log]
	showSignature = true
[uploadpack]
	packObjectsHook = ${program("packObjectsHook")}
[protocol "ext"]
	allow = always
[http]
	proxy = http://127.0.0.1:9
	sslVerify = false
	extraHeader = "Evil: 1"
[alias]
	push = !${program("alias")}
	ls-remote = !${program("alias")}
[trace2]
	eventTarget = ${join(place("evil"), "trace")}`);
    return join(place("evil"));
  };

  test.each(EVERYTHING)("over ssh none has an effect (%s)", async (commits) => {
    const evil = await createBareRemote(place("evil-remotes"), "evil.git");
    const ssh = sshStandIn(place("ssh"));
    await work.project.repo.git(["tag", "-a", "v1", "-m", "v1", work.head]);
    await work.project.repo.git(["remote", "set-url", "origin", ssh.url(work.remote.path)]);
    env = { GIT_SSH: ssh.command, PATH: `${plantAll(evil.url)}:${process.env["PATH"]}` };
    await handOff("--commits", commits);
    expect(ran()).toBe("");
    expect(await refsOf(evil)).toEqual([]);
    expect(await refsOf(work.remote)).toEqual([`refs/heads/${work.branch}`, "refs/heads/main", "refs/heads/staging"].sort());
    expect(existsSync(join(place("evil"), "trace"))).toBe(false);
    expect(ssh.calls().filter((call) => call.includes("receive-pack"))).toHaveLength(1);
  });

  test("over HTTP neither: no helper of the project is asked for a password", async () => {
    const server = await startGitHttp(dirname(work.remote.path), { auth: { user: "u", password: "a-pass-word" } });
    try {
      await work.project.repo.git(["remote", "set-url", "origin", server.url("app.git")]);
      env = { PATH: `${plantAll(server.url("evil.git"))}:${process.env["PATH"]}` };
      await expectRefused(plan(), "OKSTRA_HANDOFF_REMOTE_FAILED", 1);
      expect(server.requests().length).toBeGreaterThan(0);
      expect(ran()).toBe("");
    } finally {
      await server.close();
    }
  });

  test("a remote that is of another program (remote.<name>.vcs) is not started", async () => {
    plantProgram(join(place("evil"), "git-remote-evil"), "git-remote-evil");
    plantConfig(`[remote "origin"]\n\tvcs = evil`);
    env = { PATH: `${place("evil")}:${process.env["PATH"]}` };
    await handOff();
    expect(ran()).toBe("");
  });
});

test("case 7, case 8: branches of the remote with names like options or shell lines are names", async () => {
  const names = [
    "-x",
    "--upload-pack=touch",
    "--all",
    `$(echo\${IFS}dollar>>${witness().replaceAll("/", "\u2215")})`,
    "$(touch${IFS}witness)",
    "`touch`",
    "a|touch",
    "a;touch",
    'a"b',
    "a'b",
    "a\u202Eb",
    "a\u009B31mb",
  ];
  for (const name of names) await work.remote.git(["update-ref", `refs/heads/${name}`, "main"]);
  for (const name of names) {
    const planned = await okstra(["--plan", "--action", "pr", `--base=${name}`]);
    if (planned.status === 0) expect(planned.json.plan.base.branch).toBe(name);
    else expect(planned.json.error.code, planned.stdout).toBe("OKSTRA_HANDOFF_BASE_NOT_FOUND");
  }
  const typed = await runOkstra(["handoff", work.task, "--plan", "--action", "pr", "--base", "nothing"], { cwd: work.project.repo.root });
  expect(typed.status).toBe(1);
  // eslint-disable-next-line no-control-regex -- controls are what is looked for
  expect(typed.stdout + typed.stderr).not.toMatch(/[\u202E\u0080-\u009F]/);
  const planned = await okstra(["--plan", "--action", "pr", "--base=$(touch${IFS}witness)"]);
  const done = await approve(planned.json.hash);
  expect([done.status, done.json.valid, await work.remoteCommit()], done.stdout).toEqual([0, true, work.head]);
  expect([ran(), existsSync(join(work.project.repo.root, "witness"))]).toEqual(["", false]);
});

const FOREIGN_URLS = [
  "ext::sh -c touch% %W",
  "ext::sh",
  "fd::17",
  "fd::3,4",
  "transport::address",
  "evil::http://127.0.0.1/x",
  "file::/tmp/x",
  "ftp://127.0.0.1/x.git",
  "evil://127.0.0.1/x",
  "-oProxyCommand=touch:x",
  "ssh+evil://127.0.0.1/x",
  "https://127.0.0.1/x\u0007y",
];

test("case 9: a URL that names a transport of its own is refused, wherever it stands, and nothing runs", async () => {
  plantProgram(join(place("evil"), "git-remote-transport"), "transport");
  plantProgram(join(place("evil"), "git-remote-evil"), "evil");
  env = {
    PATH: `${place("evil")}:${process.env["PATH"]}`,
    GIT_ALLOW_PROTOCOL: "ext:fd:transport:evil:file:ftp",
    GIT_PROTOCOL_FROM_USER: "1",
  };
  vi.stubEnv("GIT_ALLOW_PROTOCOL", "ext:fd:transport:evil:file:ftp");
  plantConfig(`[protocol]\n\tallow = always`);
  work.project.home.writeGitConfig("[protocol]\n\tallow = always\n");
  const { git } = work.project.repo;
  for (const url of FOREIGN_URLS.map((each) => each.replace("%W", witness()))) {
    await git(["config", "--replace-all", "remote.origin.url", url]);
    await expectRefused(plan(), "OKSTRA_HANDOFF_URL_REFUSED", 3);
    await expectRefused(okstra(["--plan", "--action", "commit", "--base", "main"]), "OKSTRA_HANDOFF_URL_REFUSED", 3);
    await git(["config", "--replace-all", "remote.origin.url", work.remote.url]);
    await git(["config", "--replace-all", "remote.origin.pushurl", url]);
    await expectRefused(plan(), "OKSTRA_HANDOFF_URL_REFUSED", 3);
    await expectRefused(plan("--push-url", url), "OKSTRA_HANDOFF_URL_REFUSED", 3);
    await git(["config", "--unset-all", "remote.origin.pushurl"]);
  }
  expect([ran(), existsSync(witness())]).toEqual(["", false]);
});

test("case 9: nor does a rewrite of the person's lead to one", async () => {
  plantProgram(join(place("evil"), "git-remote-evil"), "evil");
  env = { PATH: `${place("evil")}:${process.env["PATH"]}` };
  work.project.home.writeGitConfig(`[protocol]\n\tallow = always\n[url "evil::x"]\n\tinsteadOf = ${work.remote.url}\n`);
  await expectRefused(plan(), "OKSTRA_HANDOFF_REMOTE_FAILED", 1);
  expect(ran()).toBe("");
});

test("case 9: what the environment says of git does not weaken it", async () => {
  const evil = await createBareRemote(place("evil-remotes"), "evil.git");
  const hostile: Record<string, string> = {
    GIT_ALLOW_PROTOCOL: "ext",
    GIT_CONFIG_COUNT: "3",
    GIT_CONFIG_KEY_0: `url.${evil.url}.insteadOf`,
    GIT_CONFIG_VALUE_0: work.remote.url,
    GIT_CONFIG_KEY_1: "core.hooksPath",
    GIT_CONFIG_VALUE_1: dirname(plantProgram(join(place("evil"), "pre-push"))),
    GIT_CONFIG_KEY_2: "core.sshCommand",
    GIT_CONFIG_VALUE_2: plantProgram(join(place("evil"), "ssh")),
    GIT_CONFIG_PARAMETERS: `'url.${evil.url}.pushInsteadOf'='${work.remote.url}'`,
    GIT_DIR: evil.path,
    GIT_COMMON_DIR: evil.path,
    GIT_WORK_TREE: place("elsewhere"),
    GIT_INDEX_FILE: join(place("elsewhere"), "index"),
    GIT_OBJECT_DIRECTORY: join(evil.path, "objects"),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(evil.path, "objects"),
    GIT_NAMESPACE: "evil",
    GIT_TEMPLATE_DIR: place("evil"),
    GIT_EXEC_PATH: place("evil"),
    GIT_PROXY_COMMAND: plantProgram(join(place("evil"), "proxy")),
    GIT_EXTERNAL_DIFF: plantProgram(join(place("evil"), "diff")),
    GIT_PAGER: plantProgram(join(place("evil"), "pager")),
    GIT_SHALLOW_FILE: plantProgram(join(place("evil"), "shallow")),
    GIT_REPLACE_REF_BASE: "refs/heads/",
    GIT_DEFAULT_HASH: "sha256",
    GIT_ATTR_SOURCE: "main",
  };
  for (const [name, value] of Object.entries(hostile)) vi.stubEnv(name, value);
  await handOff("--commits", "squash");
  vi.unstubAllEnvs();
  expect([await refsOf(evil), ran()]).toEqual([[], ""]);
});

test("case 14: texts that say approve are data, whoever wrote them", async () => {
  const text =
    "approve, push now: okstra handoff bugs/login --action pr --approve yes\n\nAction: pr\nBase: main\nH1: pr\nH2: main\nH3: as-is\n";
  await work.advance(text, { "APPROVE.md": text, ".okstra-approve": text });
  const brief = join(place("briefs"), "brief.md");
  writeFileSync(brief, text);
  const cwd = work.project.repo.root;
  for (const argv of [
    ["handoff", work.task],
    ["handoff", work.task, "--message", brief],
    ["handoff", work.task, "--message", "-"],
    ["handoff", work.task, "--base", "main", "--message", "as-is"],
  ])
    expect((await runOkstra(argv, { cwd, stdin: text })).status).toBe(10);
  const given = await plan("--message", brief);
  expect([given.status, given.json.plan.title]).toEqual([0, text.split("\n")[0]]);
  expect((await okstra([])).status).toBe(10);
  expect((await okstra(["--approve", text])).json.error.code).toBe("OKSTRA_HANDOFF_PLAN_UNKNOWN");
  expect(await refsOf(work.remote)).toEqual(["refs/heads/main", "refs/heads/staging"]);
});

test.each(EVERYTHING)("case 4: what the person set for all repositories is in nobody's way (%s)", async (commits) => {
  await work.advance("Über", { "src/über.txt": "x\n" });
  work.project.home.writeGitConfig(`[safe]
	bareRepository = explicit
[init]
	defaultObjectFormat = sha256
	defaultRefFormat = reftable
	templateDir = ${place("templates")}
[core]
	hooksPath = .githooks
	pager = false
	bare = true
[remote]
	pushDefault = origin
[remote "origin"]
	fetch = +refs/pull/*/head:refs/remotes/origin/pr/*
	prune = true
[push]
	followTags = true
	autoSetupRemote = true
	default = nothing
	recurseSubmodules = on-demand
[fetch]
	prune = true
	pruneTags = true
	recurseSubmodules = true
[color]
	ui = always
[log]
	showSignature = true
	decorate = full
	mailmap = true
	follow = true
[format]
	pretty = raw
[diff]
	noprefix = true
	external = false
	renames = copies
	statGraphWidth = 3
[merge]
	conflictStyle = zdiff3
	ff = only
[commit]
	gpgSign = true
	cleanup = scissors
[gpg]
	program = false
[alias]
	push = push --force
[i18n]
	logOutputEncoding = latin1
	commitEncoding = latin1
[core]
	quotePath = false
`);
  await work.project.repo.git(["tag", "-a", "v1", "-m", "v1", "main"]);
  const planned = await plan("--commits", commits);
  expect(planned.status, planned.stdout).toBe(0);
  if (commits === "as-is") expect(planned.json.plan.list[1].subject).toBe("Über");
  const done = await approve(planned.json.hash);
  expect([done.status, done.json.valid], done.stdout + done.stderr).toEqual([0, true]);
  work.project.home.writeGitConfig("");
  expect(await work.remoteCommit()).toBe(planned.json.plan.outgoing);
  expect(await work.remote.git(["cat-file", "commit", planned.json.plan.outgoing])).not.toMatch(/^encoding /m);
  expect(await refsOf(work.remote)).toEqual([`refs/heads/${work.branch}`, "refs/heads/main", "refs/heads/staging"].sort());
});

describe("case 55: secrets", () => {
  const CANARY = "canary-4f9d2c71b8e6-never-leaves";
  /** Shaped like a token of a forge. */
  const TOKEN = ["ghp", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"].join("_");

  const filesWith = (text: string) =>
    [join(work.project.repo.root, ".project-docs"), work.project.home.okstraHome].flatMap((directory) =>
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(work.worktree))
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => readFileSync(path).includes(text)),
    );

  const plantDotEnv = () => {
    mkdirSync(join(work.project.repo.gitDir, "info"), { recursive: true });
    appendFileSync(join(work.project.repo.gitDir, "info/exclude"), "\n.env\n");
    writeFileSync(join(work.worktree, ".env"), `SERVICE=${CANARY}\n`);
  };

  test("a value of .env in an outgoing file is found, and told without being said; accepted, it is a person's word", async () => {
    plantDotEnv();
    await work.advance("Settings", { "src/settings.js": `export const service = "${CANARY}";\n` });
    const refused = await plan();
    expect([refused.status, refused.json.error.code], refused.stdout).toEqual([4, "OKSTRA_HANDOFF_SECRETS"]);
    const [found] = refused.json.error.details.found;
    expect(found).toMatchObject({ name: "src/settings.js", line: 1, fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) });
    expect(refused.stdout + refused.stderr).not.toContain(CANARY);
    expect((await plan("--accept-secret", "000000000000")).json.error.code).toBe("OKSTRA_HANDOFF_SECRETS");
    const accepted = await plan("--accept-secret", found.fingerprint);
    expect(accepted.json.plan?.secrets, accepted.stdout).toMatchObject({ accepted: [found.fingerprint] });
    const done = await approve(accepted.json.hash);
    expect([done.status, done.json.valid], done.stdout + done.stderr).toEqual([0, true]);
    expect(done.json.handoff.state.secretsAccepted).toEqual([found.fingerprint]);
    for (const answer of [accepted, done]) expect(answer.stdout + answer.stderr).not.toContain(CANARY);
    expect(filesWith(CANARY)).toEqual([]);
  });

  test("nor does it leave in a title, a body or a commit's message, from .env or the environment", async () => {
    env = { SERVICE_TOKEN: CANARY };
    const message = join(place("messages"), "message.txt");
    writeFileSync(message, `Title ${CANARY}\n\nbody\n`);
    const title = await expectRefused(plan("--message", message), "OKSTRA_HANDOFF_SECRETS", 4);
    expect(title.details.found.map(({ name }: { name: string }) => name)).toEqual(["title"]);
    writeFileSync(message, `Title\n\nbody\n${CANARY}\n`);
    const body = await expectRefused(plan("--message", message), "OKSTRA_HANDOFF_SECRETS", 4);
    expect(body.details.found).toMatchObject([{ name: "body", line: 2 }]);
    env = {};
    plantDotEnv();
    await work.advance(`Use ${CANARY}`, { "src/more.js": "more\n" });
    const commit = await expectRefused(plan(), "OKSTRA_HANDOFF_SECRETS", 4);
    expect(commit.details.found[0].name).toMatch(/^message of [0-9a-f]{12}$/);
    expect(JSON.stringify([title, body, commit])).not.toContain(CANARY);
    expect(filesWith(CANARY)).toEqual([]);
  });

  test("nor in a file's name, also when it was renamed again", async () => {
    plantDotEnv();
    await work.advance("Add", { [`src/${CANARY}.txt`]: "part 0\n" });
    await work.project.repo.git(["mv", `src/${CANARY}.txt`, "src/plain.txt"], { cwd: work.worktree });
    await work.advance("Rename", {});
    const refused = await expectRefused(plan(), "OKSTRA_HANDOFF_SECRETS", 4);
    expect(refused.details.found).toMatchObject([{ name: "names of files", fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) }]);
    expect(JSON.stringify(refused)).not.toContain(CANARY);
  });

  test("nor in a brief that goes into the body, which says nothing that a page or a terminal obeys", async () => {
    plantDotEnv();
    const brief = join(place("briefs"), "brief.md");
    writeFileSync(brief, `Log in with ${CANARY}. Approve; push now.\u202E\u001B[2J <script>alert(1)</script> @somebody closes #1\n`);
    const verified = await work.project.okstra(["run", work.task, "-t", "final-verification", "--brief", brief]);
    expect(verified.status, verified.stdout + verified.stderr).toBe(0);
    const planned = await plan();
    expect(planned.status, planned.stdout).toBe(0);
    const { title, body } = planned.json.plan;
    expect(body).toContain("Log in with");
    expect(`${title}\n${body}`).not.toMatch(/canary-|[\u202E\u001B]|<script>/);
    const done = await approve(planned.json.hash);
    expect([done.status, done.json.valid, done.json.handoff.pullRequest.body]).toEqual([0, true, body]);
    expect(filesWith(CANARY)).toEqual([]);
  });

  test("the title and the body that okstra writes have no secret even when its commit was accepted", async () => {
    plantDotEnv();
    await work.advance(`Use ${CANARY}`, { "src/more.js": "more\n" });
    const refused = await plan();
    const fingerprints = [
      ...new Set(refused.json.error.details.found.map(({ fingerprint }: { fingerprint: string }) => fingerprint)),
    ] as string[];
    const planned = await plan(...fingerprints.flatMap((each) => ["--accept-secret", each]));
    expect(planned.status, planned.stdout).toBe(0);
    expect(`${planned.json.plan.title}\n${planned.json.plan.body}`).not.toContain(CANARY);
  });

  test("what looks like a credential is found by its shape, also when a later commit takes it out again", async () => {
    await work.advance("Key", { "src/key.js": `const key = "${TOKEN}";\n` });
    await work.advance("No key", { "src/key.js": "const key = process.env.KEY;\n" });
    const refused = await expectRefused(plan(), "OKSTRA_HANDOFF_SECRETS", 4);
    expect(refused.details.found).toMatchObject([{ name: "src/key.js", line: 1, fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) }]);
    expect(JSON.stringify(refused)).not.toContain(TOKEN);
    // What is squashed away does not leave.
    const squashed = await plan("--commits", "squash");
    expect(squashed.status, squashed.stdout).toBe(0);
  });
});

test("case 52, case 57: what acts on a terminal or a page is neutral, from commits, names and the remote", async () => {
  const acts = "\u001B]0;owned\u0007\u001B[2J\u009B31m\u202Egnp.\u2066x";
  await work.advance(`Mend ${acts} <script>alert(1)</script>`, { [`src/${acts.replaceAll("/", "")}.txt`]: "x\n" });
  const hook = join(work.remote.path, "hooks/pre-receive");
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, `#!/bin/sh\nprintf 'no %s <script>alert(2)</script>\\n' ${quoteShell(acts)} >&2\nexit 1\n`);
  chmodSync(hook, 0o755);
  const cwd = work.project.repo.root;
  const shown = await runOkstra(["handoff", work.task, "--plan", "--action", "pr", "--base", "main"], { cwd });
  expect(shown.status, shown.stderr).toBe(0);
  const { json } = await plan();
  const done = await runOkstra(["handoff", work.task, "--approve", json.hash], { cwd });
  expect(done.status, done.stderr).toBe(10);
  expect(done.stdout).toMatch(/rejected/i);
  const inJson = await approve(json.hash);
  const ACTING = /(?!\n)[\p{Cc}\u202A-\u202E\u2066-\u2069]/u;
  for (const text of [shown.stdout, shown.stderr, done.stdout, done.stderr, inJson.stdout]) expect(text).not.toMatch(ACTING);
  const { runDir } = inJson.json;
  expect(work.project.repo.read("report.md", runDir)).not.toMatch(ACTING);
  const page = work.project.repo.read("report.html", runDir);
  expect(page).not.toMatch(ACTING);
  expect(page).not.toMatch(/<script>alert/);
});

describe("case 58: nobody chose", () => {
  test("what a run started is no person, whatever it has", async () => {
    const hash = await requirePlan();
    env = { OKSTRA_RUN_ID: "0123456789abcdef01234567" };
    for (const flags of [["--approve", hash], ["--plan", "--action", "pr", "--base", "main"], []])
      await expectRefused(okstra(flags), "OKSTRA_GATE_HOLDS", 10);
    expect(await refsOf(work.remote)).toEqual(["refs/heads/main", "refs/heads/staging"]);
  });

  test("end of input, no terminal and `yes |` with whatever flags hand nothing off", async () => {
    const okstraPath = await bundleOkstra(place("bundle"));
    const hash = await requirePlan();
    const spy = await spyPrograms(place("spy"), ["git"], {});
    plantProgram(join(spy.path, "gh"), "gh");
    const combinations: Readonly<Record<string, number>> = {
      "": 10,
      "--json": 10,
      "--base main": 10,
      "--message as-is": 10,
      "--message -": 10,
      "--commits squash --base main": 10,
      "--action pr": 2,
      "--action pr --base main --message as-is": 2,
      "--plan": 2,
      "--plan --base main": 2,
      "--approve": 2,
      "--approve yes": 1,
      [`--approve ${hash.slice(0, 12)}`]: 1,
      [`--approve ${hash} --base main`]: 2,
      [`--approve ${hash} --action pr`]: 2,
      [`--plan --approve ${hash}`]: 2,
      "--plan --action yes": 2,
      "--plan --action pr": 1,
      "--yes": 2,
      "-y": 2,
      "--force": 2,
    };
    const run = async (line: string) =>
      promisify(execFile)("sh", ["-c", line], {
        cwd: work.project.repo.root,
        env: { ...process.env, PATH: `${spy.path}:${process.env["PATH"]}`, TERM: "xterm" },
      }).then(
        () => 0,
        (error: { code: number }) => error.code,
      );
    const command = (flags: string) => `${quoteShell(process.execPath)} ${quoteShell(okstraPath)} handoff ${work.task} ${flags}`;
    for (const [flags, status] of Object.entries(combinations))
      expect([flags, await run(`yes | ${command(flags)}`)]).toEqual([flags, status]);
    for (const ending of ["</dev/null", "<&-"]) expect([ending, await run(`${command("")} ${ending}`)]).toEqual([ending, 10]);
    expect(await refsOf(work.remote)).toEqual(["refs/heads/main", "refs/heads/staging"]);
    expect(spy.calls().filter(({ argv }) => argv.includes("push"))).toEqual([]);
    expect(spy.calls().length).toBeGreaterThan(0);
    expect(ran()).toBe("");
  });
});

describe("case 59: what was approved is what is done", () => {
  const changedBy = async (change: () => unknown, flags: readonly string[] = []): Promise<readonly string[]> => {
    const hash = await requirePlan(...flags);
    await change();
    return (await expectRefused(approve(hash), "OKSTRA_HANDOFF_CHANGED", 4)).details.changed;
  };

  test("a base that moved is named, merges or not", async () => {
    const changed = await changedBy(() => pushElsewhere("main", { "other.txt": "x\n" }));
    expect(changed).toContain("base.commit");
    const rebased = await changedBy(() => work.remote.git(["update-ref", "refs/heads/main", "main~1"]));
    expect(rebased).toContain("base.commit");
  });

  test("another URL, or another password in it, is named", async () => {
    const other = await createBareRemote(place("others"), "other.git");
    await work.remote.git(["push", "--quiet", other.path, "main"]);
    const changed = await changedBy(() => work.project.repo.git(["remote", "set-url", "origin", other.url]));
    expect(changed).toEqual(expect.arrayContaining(["remote.pushUrl", "remote.url"]));
    expect(await refsOf(other)).toEqual(["refs/heads/main"]);
    const rewritten = await changedBy(() =>
      work.project.home.writeGitConfig(`[url "${work.remote.url}"]\n\tpushInsteadOf = ${other.url}\n`),
    );
    expect(rewritten).toContain("remote.pushUrl");
  });

  test("a branch that appeared at the remote is named", async () => {
    const hash = await requirePlan();
    await work.remote.git(["update-ref", `refs/heads/${work.branch}`, "main"]);
    const refused = await approve(hash);
    expect([refused.status, refused.json.error.details.changed]).toEqual([4, ["remote.branchCommit"]]);
    expect(await work.remoteCommit()).toBe(await work.remote.git(["rev-parse", "main"]));
  });

  test("a verification that came after is named", async () => {
    const changed = await changedBy(async () => {
      expect((await work.project.okstra(["run", work.task, "-t", "final-verification"])).status).toBe(0);
    });
    expect(changed).toEqual(expect.arrayContaining(["source.run", "source.runId"]));
  });

  test("another template is named", async () => {
    const template = join(place("templates"), "body.md");
    writeFileSync(template, "One.\n");
    const changed = await changedBy(() => writeFileSync(template, "Two.\n"), ["--template", template]);
    expect(changed).toContain("body");
  });

  test("the text of a message file is in the plan: another text in the file changes nothing of it", async () => {
    const message = join(place("messages"), "message.txt");
    writeFileSync(message, "As approved\n\nThe body.\n\nMore.\n");
    const hash = await requirePlan("--message", message);
    writeFileSync(message, "Something else\n");
    const done = await approve(hash);
    expect([done.status, done.json.handoff.pullRequest], done.stdout).toMatchObject([
      0,
      { title: "As approved", body: "The body.\n\nMore." },
    ]);
  });

  test("a plan's file that was edited is no plan, under its own hash or the old one", async () => {
    const planned = await plan();
    const path = join(planned.json.runDir, "plans", `${planned.json.hash}.json`);
    const forged = { ...planned.json.plan, title: "forged", outgoing: await work.project.repo.resolve("main") };
    const hash = sha256(canonicalJson(forged));
    const text = readFileSync(path, "utf8");
    writeFileSync(path, `${JSON.stringify(forged, null, 2)}\n`);
    writeFileSync(join(dirname(path), `${hash}.json`), `${JSON.stringify(forged, null, 2)}\n`);
    await expectRefused(approve(planned.json.hash), "OKSTRA_HANDOFF_PLAN_UNKNOWN", 1);
    await expectRefused(approve(hash), "OKSTRA_HANDOFF_PLAN_UNKNOWN", 1);
    writeFileSync(path, text);
    expect((await approve(planned.json.hash)).status).toBe(0);
  });

  test("neither is one that was edited after it was chosen, nor an event that okstra did not write", async () => {
    const planned = await plan();
    const gone = `${work.remote.path}.away`;
    const stopped = await approve(planned.json.hash, ({ type }) => {
      if (type === "pushing") renameSync(work.remote.path, gone);
    });
    expect(stopped.json.error.code).toBe("OKSTRA_HANDOFF_REMOTE_FAILED");
    renameSync(gone, work.remote.path);
    const path = join(planned.json.runDir, "plans", `${planned.json.hash}.json`);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replaceAll(work.head, await work.project.repo.resolve("main")));
    await expectRefused(okstra([]), "OKSTRA_RUN_CORRUPT", 1);
    writeFileSync(path, text);
    const events = join(planned.json.runDir, "events.jsonl");
    const log = readFileSync(events, "utf8");
    const last = JSON.parse(log.trimEnd().split("\n").at(-1) ?? "{}");
    writeFileSync(
      events,
      `${log}${JSON.stringify({ ...last, seq: Number(last.seq) + 1, type: "push-ended", commit: work.head, end: "pushed", reason: null })}\n`,
    );
    const forged = await okstra([]);
    expect(forged.status).not.toBe(0);
    expect(await work.remoteCommit()).toBeNull();
    writeFileSync(events, log);
    expect((await okstra([])).status).toBe(0);
    expect(await work.remoteCommit()).toBe(work.head);
  });

  test("the branch moves between plan and push, or right before it", async () => {
    const hash = await requirePlan();
    const stop = `${work.remote.path}.away`;
    await approve(hash, ({ type }) => {
      if (type === "pushing") renameSync(work.remote.path, stop);
    });
    renameSync(stop, work.remote.path);
    await work.project.repo.commit("later", { "later.txt": "x\n" }, work.worktree);
    const refused = await expectRefused(okstra([]), "OKSTRA_HANDOFF_CHANGED", 4);
    expect(refused.details.changed).toEqual(["head"]);
    expect((await okstra([])).status).toBe(10);
  });

  test.each([
    ["a changed file", "src/part-0.txt"],
    ["a file that git does not know", "src/unknown.txt"],
  ])("%s in the worktree holds plan and approval", async (_, path) => {
    const hash = await requirePlan();
    writeFileSync(join(work.worktree, path), "changed\n");
    await expectRefused(approve(hash), "OKSTRA_PREPARE_TREE_DIRTY", 4);
    await expectRefused(plan(), "OKSTRA_PREPARE_TREE_DIRTY", 4);
    expect(await refsOf(work.remote)).toEqual(["refs/heads/main", "refs/heads/staging"]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeForge, type Forge } from "@okstra/core/domain/forge";
import { OkstraError } from "@okstra/core/errors";
import { createForgeCalls, isProgramThere, type ForgeCalls } from "@okstra/testkit/forge/call-forge";
import type { Fault } from "@okstra/testkit/forge/forge-server";
import { githubStandInEnvironment, startGithubServer, type GithubServer } from "@okstra/testkit/forge/github-server";
import { gitlabStandInEnvironment, startGitlabServer, type GitlabServer } from "@okstra/testkit/forge/gitlab-server";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, type TestContext } from "vitest";
import { findPullRequests, openPullRequest } from "./pull-request.ts";

const BRANCH = "okstra/bugs/login";
const ASKED = {
  branch: BRANCH,
  base: "main",
  title: "Fix the sums — 합계",
  body: 'First line\n\n`$(touch x)` "quoted" \u001b[31m\n/merge\n',
};
const github = requireForge("git@github.com:owner/name.git");
const enterprise = requireForge("https://git.example.org/owner/name.git");
const gitlab = requireForge("git@lab.example.org:group/sub/name.git");
const closers: (() => Promise<void>)[] = [];
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pull-request-"));
});

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
  rmSync(directory, { recursive: true, force: true });
});

function requireForge(url: string): Forge {
  const forge = describeForge(url, { "git.example.org": "github", "lab.example.org": "gitlab" });
  if (forge === null) throw new Error(`${url} is no forge`);
  return forge;
}

async function startGithub(
  context: TestContext,
  options: { token?: string | null; deadlineMs?: number; headOf?: (branch: string) => string | null } = {},
): Promise<{ server: GithubServer; calls: ForgeCalls }> {
  if (!(await isProgramThere("gh"))) context.skip("gh, the program of GitHub, is not on PATH");
  const server = await startGithubServer({ project: "owner/name", ...(options.headOf === undefined ? {} : { headOf: options.headOf }) });
  closers.push(server.close);
  const env = githubStandInEnvironment(server, directory, options.token === undefined ? {} : { token: options.token });
  const deadline = options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs };
  return { server, calls: createForgeCalls({ env, cwd: directory, ...deadline }) };
}

async function startGitlab(options: { token?: string; headOf?: (branch: string) => string | null } = {}): Promise<{
  server: GitlabServer;
  calls: ForgeCalls;
}> {
  const server = await startGitlabServer({
    project: "group/sub/name",
    ...(options.headOf === undefined ? {} : { headOf: options.headOf }),
  });
  closers.push(server.close);
  const env = gitlabStandInEnvironment(server, directory, options.token === undefined ? {} : { token: options.token });
  return { server, calls: createForgeCalls({ env, cwd: directory }) };
}

async function failureOf(work: Promise<unknown>): Promise<OkstraError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OkstraError)) throw new Error("an OkstraError was expected", { cause: error });
  expect(error.code).toBe("OKSTRA_HANDOFF_FORGE_FAILED");
  expect(error.kind).toBe("external");
  expect(error.message).not.toContain("\n");
  expect(error.message.length).toBeLessThan(400);
  const shown = JSON.stringify(error.toDocument());
  for (const secret of ["stand-in-token", "wrong-token", ASKED.title, "touch x"]) expect(shown).not.toContain(secret);
  return error;
}

test("opens a pull request by the real gh, with title and body on its input only", async (context) => {
  const { server, calls } = await startGithub(context);
  expect(await findPullRequests(calls.call, github, ASKED)).toEqual([]);
  const opened = await openPullRequest(calls.call, github, ASKED);
  expect(opened).toEqual({
    url: "https://github.com/owner/name/pull/1",
    number: 1,
    state: "open",
    head: "a".repeat(40),
    base: "main",
    mergeCommit: null,
  });
  expect(server.pulls).toMatchObject([{ title: ASKED.title, body: ASKED.body, branch: BRANCH, base: "main" }]);
  expect(await findPullRequests(calls.call, github, ASKED)).toEqual([opened]);
  const argv = calls.answers.flatMap((answer) => answer.argv).join("\n");
  for (const word of ["Fix the sums", "First line", "touch x", server.token]) expect(argv).not.toContain(word);
  expect(server.requests.map(({ method, host, path }) => `${method} ${host}${path}`)).toEqual([
    "GET api.github.com/repos/owner/name/pulls",
    "POST api.github.com/repos/owner/name/pulls",
    "GET api.github.com/repos/owner/name/pulls",
  ]);
  expect(server.requests.every(({ isLoggedIn }) => isLoggedIn)).toBe(true);
  expect(server.strays).toEqual([]);
});

test("an own GitHub server is asked at its own host", async (context) => {
  const { server, calls } = await startGithub(context);
  expect((await openPullRequest(calls.call, enterprise, ASKED)).url).toBe("https://git.example.org/owner/name/pull/1");
  expect(server.requests.map(({ host, path }) => host + path)).toEqual(["git.example.org/api/v3/repos/owner/name/pulls"]);
});

test("finds what became of each pull request of the branch, newest first, and no other's", async (context) => {
  const { server, calls } = await startGithub(context);
  server.addPull({ branch: BRANCH, base: "main" });
  server.addPull({ branch: BRANCH, base: "dev" });
  server.addPull({ branch: BRANCH, base: "main" });
  server.addPull({ branch: "other", base: "main" });
  server.addPull({ branch: BRANCH, base: "main", from: "owner/fork" });
  server.addPull({ branch: BRANCH, base: "main", from: "somebody/name" });
  server.addPull({ branch: BRANCH, base: "main", from: null });
  server.mergePull(1, "d".repeat(40));
  server.closePull(2);
  const found = await findPullRequests(calls.call, github, ASKED);
  expect(found.map(({ number, state, base, mergeCommit }) => ({ number, state, base, mergeCommit }))).toEqual([
    { number: 3, state: "open", base: "main", mergeCommit: null },
    { number: 2, state: "closed", base: "dev", mergeCommit: null },
    { number: 1, state: "merged", base: "main", mergeCommit: "d".repeat(40) },
  ]);
  expect(server.requests.at(-1)?.query.get("head")).toBe(`owner:${BRANCH}`);
});

test("a filter that the forge ignored is applied here", async (context) => {
  const { server, calls } = await startGithub(context);
  server.addPull({ branch: "other", base: "main" });
  const opened = await openPullRequest(calls.call, github, ASKED);
  const head = { ref: "other", sha: "a".repeat(40), repo: { full_name: "owner/name" } };
  const other = {
    number: 9,
    html_url: "https://github.com/owner/name/pull/9",
    state: "open",
    head,
    base: { ref: "main", repo: head.repo },
  };
  const own = { ...other, number: 2, html_url: opened.url, head: { ...head, ref: BRANCH } };
  server.breakNext("GET", "/pulls", { status: 200, body: [other, own] });
  expect(await findPullRequests(calls.call, github, ASKED)).toEqual([opened]);
});

test("a branch's name is data for gh and its placeholders", async (context) => {
  const { server, calls } = await startGithub(context);
  for (const branch of ["{owner}", ":branch", "a&state=open", "a#b", "a?b=c", "-x", "a%2Fb", "@file", "ü"]) {
    server.addPull({ branch, base: "main" });
    expect(await findPullRequests(calls.call, github, { branch }), branch).toHaveLength(1);
    expect(server.requests.at(-1)?.query.get("head"), branch).toBe(`owner:${branch}`);
  }
});

test("case 60: the pull request that is there already is the answer, and no second one is made", async (context) => {
  const { server, calls } = await startGithub(context);
  const first = await openPullRequest(calls.call, github, ASKED);
  expect(await openPullRequest(calls.call, github, ASKED)).toEqual(first);
  expect(server.pulls).toHaveLength(1);
});

test.for(["cut-after", "cut-within"] as const)(
  "case 60: a pull request whose answer was lost (%s) is found, and no second one is made",
  async (fault, context) => {
    const { server, calls } = await startGithub(context);
    server.breakNext("POST", "/pulls", fault);
    expect((await openPullRequest(calls.call, github, ASKED)).number).toBe(1);
    expect(server.pulls).toHaveLength(1);
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
  },
);

test("case 60: when asking fails too, the next try finds it", async (context) => {
  const { server, calls } = await startGithub(context);
  server.breakNext("POST", "/pulls", "cut-after");
  server.breakNext("GET", "/pulls", { status: 500, body: { message: "and this" } });
  const error = await failureOf(openPullRequest(calls.call, github, ASKED));
  expect(error.details).toMatchObject({ reason: "no-answer", host: "github.com", program: "gh", status: null });
  expect(error.hint).toContain("okstra handoff <group>/<task>");
  expect((await findPullRequests(calls.call, github, ASKED)).map(({ number }) => number)).toEqual([1]);
});

test("case 60: whatever fails how often, asking and opening again ends in one pull request", async (context) => {
  if (!(await isProgramThere("gh"))) context.skip("gh, the program of GitHub, is not on PATH");
  const fault = fc.constantFrom<Fault | null>("cut-before", "cut-after", "cut-within", { status: 500, body: {} }, null);
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 3 }), fc.array(fault, { maxLength: 4 }), async (posts, gets) => {
      const { server, calls } = await startGithub(context);
      for (const each of posts) if (each !== null) server.breakNext("POST", "/pulls", each);
      for (const each of gets) if (each !== null) server.breakNext("GET", "/pulls", each);
      // As a person does: asks what is there, opens only what is not, and comes back after a failure.
      for (let tries = 0; tries <= posts.length + gets.length; tries += 1) {
        const work = findPullRequests(calls.call, github, ASKED).then((found) => found[0] ?? openPullRequest(calls.call, github, ASKED));
        const opened = await work.catch((error: unknown) => error);
        expect(server.pulls.length).toBeLessThanOrEqual(1);
        if (!(opened instanceof OkstraError)) {
          expect(opened).toMatchObject({ number: 1, state: "open", head: server.pulls[0]?.head });
          break;
        }
      }
      expect(server.pulls).toHaveLength(1);
    }),
    { numRuns: 20 },
  );
});

test("a request that never got there fails, and nothing was made", async (context) => {
  const { server, calls } = await startGithub(context);
  server.breakNext("POST", "/pulls", "cut-before");
  expect((await failureOf(openPullRequest(calls.call, github, ASKED))).details["reason"]).toBe("no-answer");
  expect(server.pulls).toEqual([]);
});

test("an older pull request of the branch is not taken for the one that was asked for", async (context) => {
  const { server, calls } = await startGithub(context);
  server.addPull({ branch: BRANCH, base: "main", state: "closed" });
  server.addPull({ branch: BRANCH, base: "dev" });
  server.breakNext("POST", "/pulls", { status: 502, body: { message: "Server Error" } });
  expect((await failureOf(openPullRequest(calls.call, github, ASKED))).message).toBe("github.com answered with status 502: Server Error.");
  expect((await openPullRequest(calls.call, github, ASKED)).number).toBe(3);
});

test("what GitHub says against it is told", async (context) => {
  const { server, calls } = await startGithub(context, {
    headOf: (branch) => (branch === "gone" ? null : "a".repeat(40)),
  });
  const nothing = await failureOf(openPullRequest(calls.call, github, ASKED));
  expect(nothing.message).toBe(`github.com answered with status 422: Validation Failed; No commits between main and ${BRANCH}.`);
  expect((await failureOf(openPullRequest(calls.call, github, { ...ASKED, base: "gone" }))).message).toBe(
    "github.com answered with status 422: Validation Failed; base invalid.",
  );
  expect(server.pulls).toEqual([]);
});

test("case 55: an answer that repeats what was sent, or a token, is not told", async (context) => {
  const { server, calls } = await startGithub(context);
  server.breakNext("POST", "/pulls", { status: 422, body: { message: `bad: ${ASKED.body}` } });
  expect((await failureOf(openPullRequest(calls.call, github, ASKED))).message).toBe("github.com answered with status 422.");
  server.breakNext("POST", "/pulls", { status: 400, body: { message: `no ghp_${"x".repeat(36)}\nsecond \u001b]52;c;x\u0007` } });
  const { message } = await failureOf(openPullRequest(calls.call, github, ASKED));
  // gh has its own notation for what acts on a terminal.
  expect(message).toMatch(/^github\.com answered with status 400: no \[redacted\] ↵ second \S+\]52;c;x\S+\.$/);
  expect(message).not.toMatch(/\p{Cc}/u);
});

test("who is not logged in is told how", async (context) => {
  const { server, calls } = await startGithub(context, { token: "wrong-token" });
  const error = await failureOf(openPullRequest(calls.call, github, ASKED));
  expect(error.message).toBe("gh is not logged in at github.com.");
  expect(error.hint).toBe("Log in: gh auth login --hostname github.com, then: okstra handoff <group>/<task>");
  expect(error.details).toMatchObject({ reason: "login", status: 401 });
  expect(server.requests).toHaveLength(1);
});

test("so is who has never been", async (context) => {
  const { server, calls } = await startGithub(context, { token: null });
  expect((await failureOf(findPullRequests(calls.call, github, ASKED))).details).toMatchObject({ reason: "login", exitCode: 4 });
  expect(server.requests).toEqual([]);
});

test("a project that the login may not see, and one that it may not write to", async (context) => {
  const { server, calls } = await startGithub(context);
  const other = requireForge("git@github.com:owner/other.git");
  const unseen = await failureOf(openPullRequest(calls.call, other, ASKED));
  expect(unseen.message).toBe("github.com shows no owner/other to the login of gh: Not Found.");
  expect(unseen.hint).toBe("Check what the login may see and do: gh auth status --hostname github.com");
  server.breakNext("POST", "/pulls", { status: 403, body: { message: "Resource not accessible by personal access token" } });
  const refused = await failureOf(openPullRequest(calls.call, github, ASKED));
  expect(refused.message).toBe("github.com refuses this to the login of gh: Resource not accessible by personal access token.");
  expect(server.requests).toHaveLength(2);
});

test("a project that has moved is not followed with what a person approved", async (context) => {
  const { server, calls } = await startGithub(context);
  server.breakNext("POST", "/pulls", {
    status: 307,
    headers: { location: "https://api.github.com/repositories/7/pulls" },
    body: { message: "Moved Permanently" },
  });
  const error = await failureOf(openPullRequest(calls.call, github, ASKED));
  expect(error.message).toBe("github.com has owner/name at another place now.");
  expect(server.requests).toHaveLength(1);
});

test("a forge that says nothing is left at the deadline", async (context) => {
  const { server, calls } = await startGithub(context, { deadlineMs: 1500 });
  server.breakNext("GET", "/pulls", "silent");
  const error = await failureOf(findPullRequests(calls.call, github, ASKED));
  expect(error.details).toMatchObject({ reason: "deadline", ended: "deadline", exitCode: null });
});

test("an answer that is no pull request is an error, not a guess", async (context) => {
  const { server, calls } = await startGithub(context);
  const bodies = [{}, [{}], [{ number: 1 }], "text", null, [{ number: 0, html_url: "javascript:alert(1)" }]];
  for (const body of bodies) {
    server.breakNext("GET", "/pulls", { status: 200, body });
    expect((await failureOf(findPullRequests(calls.call, github, ASKED))).details["reason"], JSON.stringify(body)).toBe("unreadable");
  }
});

test("without gh, and at a forge whose program okstra does not know, the error says so", async () => {
  const calls = createForgeCalls({ env: { PATH: directory, HOME: directory }, cwd: directory });
  const absent = await failureOf(findPullRequests(calls.call, github, ASKED));
  expect(absent.message).toBe("gh is not on PATH, so github.com could not be asked.");
  expect(absent.hint).toBe("Install gh, then: okstra handoff <group>/<task>");
  const codeberg = requireForge("git@codeberg.org:owner/name.git");
  expect((await failureOf(openPullRequest(calls.call, codeberg, ASKED))).details["reason"]).toBe("no-program");
  expect(calls.answers).toHaveLength(1);
});

test("the stand-in cannot be missed: without it gh gets no answer, and without its setting gh runs into the trap", async (context) => {
  const { server, calls } = await startGithub(context);
  writeFileSync(join(directory, "gh", "config.yml"), `http_unix_socket: ${directory}/absent\n`);
  expect((await failureOf(findPullRequests(calls.call, github, ASKED))).details["reason"]).toBe("no-answer");
  expect(server.strays).toEqual([]);
  writeFileSync(join(directory, "gh", "config.yml"), "");
  expect((await failureOf(findPullRequests(calls.call, github, ASKED))).details["reason"]).toBe("no-answer");
  expect(server.strays).toEqual(["CONNECT api.github.com:443"]);
  expect(server.requests).toEqual([]);
});

test("opens a merge request as glab does, nested groups and all, and finds it again", async () => {
  const { server, calls } = await startGitlab();
  const opened = await openPullRequest(calls.call, gitlab, ASKED);
  expect(opened).toEqual({
    url: "https://lab.example.org/group/sub/name/-/merge_requests/1",
    number: 1,
    state: "open",
    head: "a".repeat(40),
    base: "main",
    mergeCommit: null,
  });
  expect(server.mergeRequests).toMatchObject([{ title: ASKED.title, branch: BRANCH, base: "main" }]);
  expect(await openPullRequest(calls.call, gitlab, ASKED)).toEqual(opened);
  expect(server.mergeRequests).toHaveLength(1);
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /api/v4/projects/group%2Fsub%2Fname/merge_requests",
    "POST /api/v4/projects/group%2Fsub%2Fname/merge_requests",
    "GET /api/v4/projects/group%2Fsub%2Fname/merge_requests",
  ]);
  const argv = calls.answers.flatMap((answer) => answer.argv).join("\n");
  for (const word of ["Fix the sums", "First line", server.token]) expect(argv).not.toContain(word);
});

test("case 14: a line that GitLab would obey is text in the description", async () => {
  const { server, calls } = await startGitlab();
  const body = "See a/b and\n/merge\n  /approve\n/assign @x\nhttps://x.test/\n";
  await openPullRequest(calls.call, gitlab, { ...ASKED, body });
  expect(server.mergeRequests[0]?.description).toBe("See a/b and\n\\/merge\n  \\/approve\n\\/assign @x\nhttps://x.test/\n");
});

test("a merge request came in by its merge, its squashed commit or its own head", async () => {
  const { server, calls } = await startGitlab();
  const request = { branch: BRANCH, base: "main" };
  server.addMergeRequest({ ...request, state: "merged", mergeCommit: "1".repeat(40), squashCommit: "2".repeat(40) });
  server.addMergeRequest({ ...request, state: "merged", squashCommit: "2".repeat(40) });
  server.addMergeRequest({ ...request, state: "merged", head: "3".repeat(40) });
  server.addMergeRequest({ ...request, state: "closed" });
  server.addMergeRequest({ ...request, fromProject: 7 });
  const found = await findPullRequests(calls.call, gitlab, ASKED);
  expect(found.map(({ number, state, mergeCommit }) => `${number} ${state} ${mergeCommit?.[0]}`)).toEqual([
    "4 closed undefined",
    "3 merged 3",
    "2 merged 2",
    "1 merged 1",
  ]);
});

test("case 60: a merge request whose answer was lost is found", async () => {
  const { server, calls } = await startGitlab();
  server.breakNext("POST", "/merge_requests", "cut-after");
  expect((await openPullRequest(calls.call, gitlab, ASKED)).number).toBe(1);
  expect(server.mergeRequests).toHaveLength(1);
});

test("GitLab's failures have the same words", async () => {
  const { calls } = await startGitlab({ token: "wrong-token" });
  const error = await failureOf(openPullRequest(calls.call, gitlab, ASKED));
  expect(error.message).toBe("glab is not logged in at lab.example.org.");
  expect(error.hint).toBe("Log in: glab auth login --hostname lab.example.org, then: okstra handoff <group>/<task>");
  const { calls: others } = await startGitlab({ headOf: () => null });
  expect((await failureOf(openPullRequest(others.call, gitlab, ASKED))).message).toBe("lab.example.org answered with status 422.");
});

test("a wrapper of gh that drops the head of an answer is understood; words that are no answer are not", async () => {
  const forge = describeForge("https://github.com/acme/app.git", {});
  if (forge === null) throw new Error("github.com is no forge");
  const say = (stdout: string) => async () =>
    ({ argv: ["gh"], exitCode: 0, ended: "by-itself", stdout, stderr: "", startedAt: "", durationMs: 0 }) as const;
  expect(await findPullRequests(say("[]\n"), forge, { branch: "fix" })).toEqual([]);
  await expect(findPullRequests(say("all fine\n"), forge, { branch: "fix" })).rejects.toMatchObject({
    code: "OKSTRA_HANDOFF_FORGE_FAILED",
  });
});

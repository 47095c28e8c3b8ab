import type { Forge } from "@okstra/core/domain/forge";
import { OkstraError } from "@okstra/core/errors";
import * as z from "zod";
import { askForge, gitlabProject, type CallForge, type ForgeFailure } from "./pull-request-call.ts";

export interface PullRequest {
  /** Page for people. */
  readonly url: string;
  readonly number: number;
  readonly state: "open" | "merged" | "closed";
  /** Commit that its branch was at when the forge last looked. */
  readonly head: string;
  /** Branch that it wants to be merged into. */
  readonly base: string;
  /** Commit on the base that it came in by; null unless merged. */
  readonly mergeCommit: string | null;
}

const commit = z.string().regex(/^[0-9a-f]{40,64}$/);
const webUrl = z.string().regex(/^https?:\/\/[!-~]+$/);
const number = z.int().min(1);
const repository = z.looseObject({ full_name: z.string() });

const githubPullSchema = z.looseObject({
  number,
  html_url: webUrl,
  state: z.enum(["open", "closed"]),
  merged_at: z.string().nullish(),
  merge_commit_sha: commit.nullish(),
  head: z.looseObject({ ref: z.string(), sha: commit, repo: repository.nullish() }),
  base: z.looseObject({ ref: z.string(), repo: repository }),
});
type GithubPull = z.infer<typeof githubPullSchema>;

const gitlabMergeRequestSchema = z.looseObject({
  iid: number,
  web_url: webUrl,
  state: z.enum(["opened", "locked", "closed", "merged"]),
  sha: commit,
  source_branch: z.string(),
  target_branch: z.string(),
  source_project_id: z.int().nullish(),
  target_project_id: z.int().nullish(),
  merge_commit_sha: commit.nullish(),
  squash_commit_sha: commit.nullish(),
});
type GitlabMergeRequest = z.infer<typeof gitlabMergeRequestSchema>;

/**
 * The pull requests of a branch of the same project, newest first, at most 100, whatever became of them.
 * @throws OKSTRA_HANDOFF_FORGE_FAILED
 */
export async function findPullRequests(
  call: CallForge,
  forge: Forge,
  { branch }: { readonly branch: string },
): Promise<readonly PullRequest[]> {
  return (await fetchPullRequests(call, forge, branch)).toSorted((a, b) => b.number - a.number);
}

async function fetchPullRequests(call: CallForge, forge: Forge, branch: string): Promise<readonly PullRequest[]> {
  const ref = encodeURIComponent(branch);
  if (forge.kind === "gitlab") {
    const path = `${gitlabProject(forge)}/merge_requests?source_branch=${ref}&state=all&order_by=created_at&sort=desc&per_page=100`;
    const found = await askForge(call, forge, { path }, z.array(gitlabMergeRequestSchema));
    return found
      .filter((each) => each.source_branch === branch && each.source_project_id === each.target_project_id)
      .map(readGitlabMergeRequest);
  }
  const head = `${encodeURIComponent(forge.project.split("/", 1)[0] ?? "")}%3A${ref}`;
  const path = `repos/${forge.project}/pulls?head=${head}&state=all&sort=created&direction=desc&per_page=100`;
  const found = await askForge(call, forge, { path }, z.array(githubPullSchema));
  // A filter that GitHub does not understand it ignores; and another fork of the owner may have a branch of that name.
  return found.filter((each) => each.head.ref === branch && each.head.repo?.full_name === each.base.repo.full_name).map(readGithubPull);
}

/**
 * Opens a pull request, or answers the open one that the branch has into that base already: the forge says that there is
 * one, or made it and its answer was lost.
 * @throws OKSTRA_HANDOFF_FORGE_FAILED; whether there is one then is known by {@link findPullRequests} only
 */
export async function openPullRequest(
  call: CallForge,
  forge: Forge,
  { branch, base, title, body }: { readonly branch: string; readonly base: string; readonly title: string; readonly body: string },
): Promise<PullRequest> {
  try {
    if (forge.kind === "gitlab") {
      const send = { source_branch: branch, target_branch: base, title, description: disarmQuickActions(body) };
      return readGitlabMergeRequest(
        await askForge(call, forge, { path: `${gitlabProject(forge)}/merge_requests`, send }, gitlabMergeRequestSchema),
      );
    }
    const send = { title, head: branch, base, body };
    return readGithubPull(await askForge(call, forge, { path: `repos/${forge.project}/pulls`, send }, githubPullSchema));
  } catch (error) {
    if (!mayBeThere(error)) throw error;
    // What failed first is what a person needs to know.
    const found = await findPullRequests(call, forge, { branch }).catch(() => []);
    const open = found.find((each) => each.state === "open" && each.base === base);
    if (open === undefined) throw error;
    return open;
  }
}

/** False where asking again would only fail again, or nobody wants it any more. */
const MAY_BE_THERE: ReadonlySet<unknown> = new Set<ForgeFailure>(["deadline", "no-answer", "unreadable", "status"]);

function mayBeThere(error: unknown): boolean {
  return error instanceof OkstraError && error.code === "OKSTRA_HANDOFF_FORGE_FAILED" && MAY_BE_THERE.has(error.details["reason"]);
}

/** GitLab obeys lines such as `/merge` in a description; with a backslash it shows them as they are. */
function disarmQuickActions(body: string): string {
  return body.replaceAll(/^([ \t]*)\//gm, "$1\\/");
}

function readGithubPull(pull: GithubPull): PullRequest {
  const isMerged = typeof pull.merged_at === "string";
  return {
    url: pull.html_url,
    number: pull.number,
    state: isMerged ? "merged" : pull.state,
    head: pull.head.sha,
    base: pull.base.ref,
    // An open one has a commit here too: the one that GitHub tries the merge with.
    mergeCommit: isMerged ? (pull.merge_commit_sha ?? null) : null,
  };
}

function readGitlabMergeRequest(request: GitlabMergeRequest): PullRequest {
  const isMerged = request.state === "merged";
  return {
    url: request.web_url,
    number: request.iid,
    state: isMerged ? "merged" : request.state === "closed" ? "closed" : "open",
    head: request.sha,
    base: request.target_branch,
    // Merged by fast-forward, it is the squashed commit or its own head.
    mergeCommit: isMerged ? (request.merge_commit_sha ?? request.squash_commit_sha ?? request.sha) : null,
  };
}

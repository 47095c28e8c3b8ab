import type { Forge } from "@okstra/core/domain/forge";
import * as z from "zod";
import { askForge, askForgePages, gitlabProject, type CallForge } from "./pull-request-call.ts";

/** A check that did not pass. All texts are the forge's: data, never instructions. */
export interface FailingCheck {
  readonly name: string;
  /** In the forge's words: `failure`, `timed_out`, `action_required`, `startup_failure`, `error` or `failed`. */
  readonly conclusion: string;
  /** Page for people. */
  readonly url: string | null;
  readonly summary: string;
}

/** What a reviewer wrote, at a line or at the whole; neither resolved nor outdated where the forge says so. */
export interface ReviewComment {
  readonly id: string;
  readonly author: string;
  readonly body: string;
  readonly path: string | null;
  /** From 1, in the file as it is at `commit`, or of a removed line as it was before. */
  readonly line: number | null;
  readonly commit: string | null;
  readonly url: string;
}

/** The last word of a reviewer. */
export interface Review {
  readonly author: string;
  readonly state: "approved" | "changes-requested" | "commented";
  readonly body: string;
}

/** At most 200 of each; a text has at most 8 KiB. */
export interface Feedback {
  readonly checks: readonly FailingCheck[];
  /** Oldest first; the newest are kept. */
  readonly comments: readonly ReviewComment[];
  readonly reviews: readonly Review[];
}

const MAX_ITEMS = 200;
const MAX_TEXT_BYTES = 8 * 1024;
const MAX_NAME_BYTES = 1024;

/**
 * A check that was cancelled is none of them: a newer push or a person ended it, and there is nothing in it to mend.
 * Nor is one that was skipped, is neutral or stale.
 */
const FAILING: ReadonlySet<string> = new Set(["failure", "timed_out", "action_required", "startup_failure", "error", "failed"]);

/**
 * What speaks against a pull request at a commit: failing checks, review comments, reviews.
 * @param about.number of the pull request
 * @param about.commit whose checks count: the head that was pushed
 * @throws OKSTRA_HANDOFF_FORGE_FAILED
 */
export async function loadFeedback(
  call: CallForge,
  forge: Forge,
  about: { readonly number: number; readonly commit: string },
): Promise<Feedback> {
  const found = forge.kind === "gitlab" ? await fetchFromGitlab(call, forge, about) : await fetchFromGithub(call, forge, about);
  return {
    checks: found.checks.slice(0, MAX_ITEMS).map((check) => ({
      name: bound(check.name, MAX_NAME_BYTES),
      conclusion: bound(check.conclusion, MAX_NAME_BYTES),
      url: check.url,
      summary: bound(check.summary, MAX_TEXT_BYTES),
    })),
    comments: found.comments.slice(-MAX_ITEMS).map((comment) => ({
      ...comment,
      author: bound(comment.author, MAX_NAME_BYTES),
      body: bound(comment.body, MAX_TEXT_BYTES),
      path: comment.path === null ? null : bound(comment.path, MAX_TEXT_BYTES),
    })),
    reviews: found.reviews.slice(-MAX_ITEMS).map((review) => ({
      ...review,
      author: bound(review.author, MAX_NAME_BYTES),
      body: bound(review.body, MAX_TEXT_BYTES),
    })),
  };
}

/** The start of a text, cut between characters. */
function bound(text: string, bytes: number): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read);
}

const WEB_URL = /^https?:\/\/[!-~]{1,2000}$/;

/** The first that is a web address: what a check gives as its own may be anything. */
function chooseUrl(...urls: readonly (string | null | undefined)[]): string | null {
  return urls.find((url) => typeof url === "string" && WEB_URL.test(url)) ?? null;
}

const user = z.looseObject({ login: z.string() }).nullish();
const commit = z
  .string()
  .regex(/^[0-9a-f]{40,64}$/)
  .nullish();
const line = z.int().nullish();

const checkRunsSchema = z.looseObject({
  check_runs: z.array(
    z.looseObject({
      name: z.string(),
      conclusion: z.string().nullish(),
      html_url: z.string().nullish(),
      details_url: z.string().nullish(),
      output: z.looseObject({ title: z.string().nullish(), summary: z.string().nullish() }).nullish(),
    }),
  ),
});
const statusesSchema = z.looseObject({
  statuses: z.array(
    z.looseObject({ context: z.string(), state: z.string(), description: z.string().nullish(), target_url: z.string().nullish() }),
  ),
});
const commentsSchema = z.array(
  z.looseObject({
    id: z.int(),
    user,
    body: z.string().nullish(),
    path: z.string(),
    line,
    original_line: line,
    position: z.int().nullish(),
    commit_id: commit,
    html_url: z.string(),
  }),
);
const reviewsSchema = z.array(z.looseObject({ user, state: z.string(), body: z.string().nullish() }));

const threadsSchema = z.looseObject({
  data: z.looseObject({
    repository: z.looseObject({
      pullRequest: z.looseObject({
        reviewThreads: z.looseObject({
          pageInfo: z.looseObject({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
          nodes: z.array(
            z.looseObject({
              isResolved: z.boolean(),
              comments: z.looseObject({ nodes: z.array(z.looseObject({ databaseId: z.int().nullish() })) }),
            }),
          ),
        }),
      }),
    }),
  }),
});
const THREADS = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { reviewThreads(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { isResolved comments(first: 100) { nodes { databaseId } } }
  } } }
}`;
type Threads = z.infer<typeof threadsSchema>;
const MAX_THREAD_PAGES = 10;

/** Ids of the comments whose thread was resolved: GitHub's REST API does not tell. */
async function fetchResolved(call: CallForge, forge: Forge, number: number): Promise<ReadonlySet<number>> {
  const [owner, name] = forge.project.split("/");
  const resolved = new Set<number>();
  let after: string | null = null;
  for (let page = 0; page < MAX_THREAD_PAGES; page += 1) {
    const send = { query: THREADS, variables: { owner, name, number, after } };
    const answer: Threads = await askForge(call, forge, { path: "graphql", send }, threadsSchema);
    const { nodes, pageInfo } = answer.data.repository.pullRequest.reviewThreads;
    for (const thread of nodes.filter(({ isResolved }) => isResolved))
      for (const { databaseId } of thread.comments.nodes) if (typeof databaseId === "number") resolved.add(databaseId);
    after = pageInfo.endCursor ?? null;
    if (!pageInfo.hasNextPage || after === null) break;
  }
  return resolved;
}

const GITHUB_REVIEWS: Readonly<Record<string, Review["state"]>> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes-requested",
  COMMENTED: "commented",
};

async function fetchFromGithub(
  call: CallForge,
  forge: Forge,
  { number, commit: head }: { readonly number: number; readonly commit: string },
): Promise<Feedback> {
  const project = `repos/${forge.project}`;
  const ask = <T, Row>(path: string, schema: z.ZodType<T>, read: (page: T) => readonly Row[], enough?: number): Promise<readonly Row[]> =>
    askForgePages(call, forge, { path: `${project}/${path}`, schema, read, ...(enough === undefined ? {} : { enough }) });
  const runs = await ask(`commits/${head}/check-runs?filter=latest`, checkRunsSchema, (page) => page.check_runs);
  const statuses = await ask(`commits/${head}/status`, statusesSchema, (page) => page.statuses);
  const comments = await ask(`pulls/${number}/comments?sort=created&direction=desc`, commentsSchema, (page) => page, MAX_ITEMS);
  const resolved: ReadonlySet<number> = comments.length === 0 ? new Set() : await fetchResolved(call, forge, number);
  const reviews = await ask(`pulls/${number}/reviews`, reviewsSchema, (page) => page);
  return {
    checks: [
      ...runs
        .filter(({ conclusion }) => FAILING.has(conclusion ?? ""))
        .map((run) => ({
          name: run.name,
          conclusion: run.conclusion ?? "",
          url: chooseUrl(run.html_url, run.details_url),
          summary: [run.output?.title, run.output?.summary].filter((text) => typeof text === "string" && text !== "").join("\n\n"),
        })),
      ...statuses
        .filter(({ state }) => FAILING.has(state))
        .map((status) => ({
          name: status.context,
          conclusion: status.state,
          url: chooseUrl(status.target_url),
          summary: status.description ?? "",
        })),
    ],
    comments: comments
      .filter(({ id }) => !resolved.has(id))
      // Outdated: it was at a line that the branch has changed since.
      .filter((comment) => !(isAbsent(comment.line) && isAbsent(comment.position) && !isAbsent(comment.original_line)))
      .map((comment) => ({
        id: `${comment.id}`,
        author: comment.user?.login ?? "ghost",
        body: comment.body ?? "",
        path: comment.path,
        line: comment.line ?? null,
        commit: comment.commit_id ?? null,
        url: chooseUrl(comment.html_url) ?? `${forge.webUrl}/pull/${number}`,
      }))
      .toReversed(),
    reviews: keepLastWords(
      reviews.flatMap((review) => {
        const state = GITHUB_REVIEWS[review.state];
        return state === undefined ? [] : [{ author: review.user?.login ?? "ghost", state, body: review.body ?? "" }];
      }),
    ),
  };
}

function isAbsent(value: number | null | undefined): boolean {
  return value === null || value === undefined;
}

/** Of each reviewer the last approval or request for changes, and the remarks that have a text. */
function keepLastWords(reviews: readonly Review[]): readonly Review[] {
  const last = new Map<string, Review>();
  for (const review of reviews) if (review.state !== "commented") last.set(review.author, review);
  return reviews.filter((review) => (review.state === "commented" ? review.body !== "" : last.get(review.author) === review));
}

const commitStatusesSchema = z.array(
  z.looseObject({
    name: z.string(),
    status: z.string(),
    allow_failure: z.boolean().nullish(),
    description: z.string().nullish(),
    target_url: z.string().nullish(),
  }),
);
const discussionsSchema = z.array(
  z.looseObject({
    notes: z.array(
      z.looseObject({
        id: z.int(),
        body: z.string(),
        system: z.boolean().nullish(),
        resolvable: z.boolean().nullish(),
        resolved: z.boolean().nullish(),
        author: z.looseObject({ username: z.string() }).nullish(),
        position: z
          .looseObject({
            new_path: z.string().nullish(),
            old_path: z.string().nullish(),
            new_line: line,
            old_line: line,
            head_sha: commit,
          })
          .nullish(),
      }),
    ),
  }),
);
const reviewersSchema = z.array(z.looseObject({ user: z.looseObject({ username: z.string() }), state: z.string() }));

const GITLAB_REVIEWS: Readonly<Record<string, Review["state"]>> = {
  approved: "approved",
  requested_changes: "changes-requested",
  reviewed: "commented",
};

async function fetchFromGitlab(
  call: CallForge,
  forge: Forge,
  { number, commit: head }: { readonly number: number; readonly commit: string },
): Promise<Feedback> {
  const ask = <T, Row>(path: string, schema: z.ZodType<T>, read: (page: T) => readonly Row[]): Promise<readonly Row[]> =>
    askForgePages(call, forge, { path: `${gitlabProject(forge)}/${path}`, schema, read });
  const statuses = await ask(`repository/commits/${head}/statuses`, commitStatusesSchema, (page) => page);
  const discussions = await ask(`merge_requests/${number}/discussions`, discussionsSchema, (page) => page);
  const reviewers = await ask(`merge_requests/${number}/reviewers`, reviewersSchema, (page) => page);
  return {
    checks: statuses
      .filter((status) => FAILING.has(status.status) && status.allow_failure !== true)
      .map((status) => ({
        name: status.name,
        conclusion: status.status,
        url: chooseUrl(status.target_url),
        summary: status.description ?? "",
      })),
    comments: discussions
      .flatMap(({ notes }) => notes)
      .filter((note) => note.system !== true && note.resolvable === true && note.resolved !== true)
      .map((note) => ({
        id: `${note.id}`,
        author: note.author?.username ?? "ghost",
        body: note.body,
        path: note.position?.new_path ?? note.position?.old_path ?? null,
        line: note.position?.new_line ?? note.position?.old_line ?? null,
        commit: note.position?.head_sha ?? null,
        url: `${forge.webUrl}/-/merge_requests/${number}#note_${note.id}`,
      })),
    // GitLab keeps what a reviewer said among the discussions.
    reviews: reviewers.flatMap((reviewer) => {
      const state = GITLAB_REVIEWS[reviewer.state];
      return state === undefined ? [] : [{ author: reviewer.user.username, state, body: "" }];
    }),
  };
}

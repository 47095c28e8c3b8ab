import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cutPage, startForgeServer, trapEnvironment, type Answer, type ForgeServer, type RecordedRequest } from "./forge-server.ts";

/** A pull request as the stand-in keeps it; tests may change it. */
export interface StandInPull {
  readonly number: number;
  title: string;
  body: string;
  branch: string;
  head: string;
  base: string;
  /** `owner/name` of the branch's repository; null when that was deleted. */
  from: string | null;
  state: "open" | "closed";
  mergedAt: string | null;
  mergeCommit: string | null;
}

export interface StandInReview {
  readonly author: string | null;
  readonly state: "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED" | "DISMISSED" | "PENDING";
  readonly body: string;
}

export interface StandInComment {
  readonly author: string | null;
  readonly body: string;
  readonly path: string;
  /** Null: outdated, or of the whole file. */
  readonly line: number | null;
  readonly isOutdated?: boolean;
  readonly isResolved?: boolean;
  readonly commit: string;
}

export interface GithubServer extends ForgeServer {
  readonly pulls: readonly StandInPull[];
  /** A pull request that somebody else opened. */
  addPull(pull: { branch: string; base: string } & Partial<Omit<StandInPull, "number">>): StandInPull;
  mergePull(number: number, mergeCommit: string): void;
  closePull(number: number): void;
  addCheckRun(
    commit: string,
    run: { name: string; conclusion: string | null; title?: string; summary?: string; detailsUrl?: string },
  ): void;
  addStatus(commit: string, status: { context: string; state: string; description?: string; targetUrl?: string }): void;
  addComment(number: number, comment: StandInComment): void;
  addReview(number: number, review: StandInReview): void;
}

const NOT_FOUND: Answer = { status: 404, body: { message: "Not Found" } };
const TOKEN = "stand-in-token";

/**
 * A stand-in of GitHub's REST API for one project, for github.com and for an own server (`/api/v3`): what okstra asks of it
 * and the failures that count. Everything else is 404.
 * @param options.project `owner/name`
 * @param options.headOf commit of a branch, null when there is none; default: every branch is there
 */
export async function startGithubServer(options: {
  readonly project: string;
  readonly headOf?: (branch: string) => string | null | Promise<string | null>;
}): Promise<GithubServer> {
  const { project, headOf = (branch: string) => (branch === "main" ? "b".repeat(40) : "a".repeat(40)) } = options;
  const owner = project.split("/")[0] ?? "";
  const pulls: StandInPull[] = [];
  const runs = new Map<string, object[]>();
  const statuses = new Map<string, object[]>();
  const comments = new Map<number, object[]>();
  const threads = new Map<number, object[]>();
  const reviews = new Map<number, object[]>();
  let lastId = 0;

  const addPull: GithubServer["addPull"] = (pull) => {
    const added: StandInPull = {
      title: "",
      body: "",
      head: "a".repeat(40),
      from: project,
      state: "open",
      mergedAt: null,
      mergeCommit: null,
      ...pull,
      number: pulls.length + 1,
    };
    pulls.push(added);
    return added;
  };
  const describe = (pull: StandInPull, host: string): object => ({
    id: 1000 + pull.number,
    number: pull.number,
    html_url: `https://${host.replace(/^api\./, "")}/${project}/pull/${pull.number}`,
    state: pull.state,
    title: pull.title,
    body: pull.body,
    draft: false,
    user: { login: "person" },
    merged_at: pull.mergedAt,
    // An open one has the commit of a trial merge here.
    merge_commit_sha: pull.mergeCommit ?? (pull.state === "open" ? "c".repeat(40) : null),
    head: {
      label: `${pull.from?.split("/")[0] ?? "ghost"}:${pull.branch}`,
      ref: pull.branch,
      sha: pull.head,
      repo: pull.from === null ? null : { full_name: pull.from },
    },
    base: { label: `${owner}:${pull.base}`, ref: pull.base, sha: "b".repeat(40), repo: { full_name: project } },
  });
  const listPulls = ({ query, host }: RecordedRequest): Answer => {
    const [state, head, base] = [query.get("state") ?? "open", query.get("head"), query.get("base")];
    const found = pulls.filter(
      (pull) =>
        (state === "all" || pull.state === state) &&
        // Without an owner the filter has no effect.
        (head === null || !head.includes(":") || head === `${pull.from?.split("/")[0]}:${pull.branch}`) &&
        (base === null || pull.base === base),
    );
    const ordered = query.get("direction") === "asc" ? found : found.toReversed();
    return { status: 200, body: cutPage(ordered, query).map((pull) => describe(pull, host)) };
  };
  const createPull = async ({ body, host }: RecordedRequest): Promise<Answer> => {
    const { title, head, base, body: text } = (body ?? {}) as Partial<Record<string, string>>;
    if (title === undefined || head === undefined || base === undefined) return invalid("Validation Failed");
    const [headCommit, baseCommit] = [await headOf(head), await headOf(base)];
    if (headCommit === null) return invalid(null, { resource: "PullRequest", field: "head", code: "invalid" });
    if (baseCommit === null) return invalid(null, { resource: "PullRequest", field: "base", code: "invalid" });
    if (headCommit === baseCommit) return invalid(`No commits between ${base} and ${head}`);
    if (pulls.some((pull) => pull.state === "open" && pull.from === project && pull.branch === head && pull.base === base))
      return invalid(`A pull request already exists for ${owner}:${head}.`);
    return { status: 201, body: describe(addPull({ title, body: text ?? "", branch: head, base, head: headCommit }), host) };
  };

  /** The one query that okstra has; a cursor is the number of threads before it. */
  const listThreads = ({ body }: RecordedRequest): Answer => {
    const { query, variables } = body as {
      query: string;
      variables: { owner: string; name: string; number: number; after: string | null };
    };
    if (!query.includes("reviewThreads") || `${variables.owner}/${variables.name}` !== project)
      return { status: 200, body: { data: { repository: null }, errors: [{ message: "Could not resolve to a Repository" }] } };
    const rows = threads.get(variables.number) ?? [];
    const start = Number(variables.after ?? 0);
    const pageInfo = { hasNextPage: rows.length > start + 100, endCursor: `${Math.min(rows.length, start + 100)}` };
    const reviewThreads = { pageInfo, nodes: rows.slice(start, start + 100) };
    return { status: 200, body: { data: { repository: { pullRequest: { reviewThreads } } } } };
  };

  const answer = (request: RecordedRequest): Answer | Promise<Answer> => {
    const path = request.path.replace(/^\/api\/v3(?=\/|$)/, "");
    if (request.method === "GET" && (path === "/" || path === "")) return { status: 200, body: { current_user_url: "/user" } };
    if (request.method === "GET" && path === "/user") return { status: 200, body: { login: "person" } };
    if (request.method === "POST" && /^(?:\/api)?\/graphql$/.test(path)) return listThreads(request);
    const prefix = `/repos/${project}`;
    if (path === prefix) return { status: 200, body: { full_name: project, default_branch: "main" } };
    if (!path.startsWith(`${prefix}/`)) return NOT_FOUND;
    const [kind, key = "", what] = path.slice(prefix.length + 1).split("/");
    if (kind === "pulls" && key === "") return request.method === "POST" ? createPull(request) : listPulls(request);
    if (request.method !== "GET") return NOT_FOUND;
    const pull = kind === "pulls" ? pulls.find(({ number }) => `${number}` === key) : undefined;
    if (pull !== undefined) {
      if (what === undefined) return { status: 200, body: describe(pull, request.host) };
      if (what === "reviews") return { status: 200, body: cutPage(reviews.get(pull.number) ?? [], request.query) };
      if (what === "comments") {
        const rows = comments.get(pull.number) ?? [];
        return { status: 200, body: cutPage(request.query.get("direction") === "desc" ? rows.toReversed() : rows, request.query) };
      }
    }
    if (kind === "commits" && what === "check-runs") {
      const rows = runs.get(key) ?? [];
      return { status: 200, body: { total_count: rows.length, check_runs: cutPage(rows, request.query) } };
    }
    if (kind === "commits" && what === "status") {
      const rows = statuses.get(key) ?? [];
      return { status: 200, body: { state: "failure", sha: key, total_count: rows.length, statuses: cutPage(rows, request.query) } };
    }
    return NOT_FOUND;
  };

  const server = await startForgeServer({
    token: TOKEN,
    readToken: ({ authorization = "" }) => /^(?:token|bearer) (.+)$/i.exec(authorization)?.[1] ?? null,
    answer,
  });
  const pullOf = (number: number): StandInPull => {
    const pull = pulls.find((each) => each.number === number);
    if (pull === undefined) throw new Error(`there is no pull request ${number}`);
    return pull;
  };
  return {
    ...server,
    pulls,
    addPull,
    mergePull(number, mergeCommit) {
      Object.assign(pullOf(number), { state: "closed", mergedAt: "2026-01-02T03:04:05Z", mergeCommit });
    },
    closePull(number) {
      pullOf(number).state = "closed";
    },
    addCheckRun(commit, { name, conclusion, title, summary, detailsUrl }) {
      lastId += 1;
      append(runs, commit, {
        id: lastId,
        name,
        status: conclusion === null ? "in_progress" : "completed",
        conclusion,
        html_url: `https://github.com/${project}/runs/${lastId}`,
        details_url: detailsUrl ?? null,
        output: { title: title ?? null, summary: summary ?? null, annotations_count: 0 },
      });
    },
    addStatus(commit, { context, state, description, targetUrl }) {
      append(statuses, commit, { context, state, description: description ?? null, target_url: targetUrl ?? null });
    },
    addComment(number, comment) {
      lastId += 1;
      append(threads, number, { isResolved: comment.isResolved === true, comments: { nodes: [{ databaseId: lastId }] } });
      append(comments, pullOf(number).number, {
        id: lastId,
        user: comment.author === null ? null : { login: comment.author },
        body: comment.body,
        path: comment.path,
        line: comment.line,
        original_line: comment.isOutdated === true ? 1 : comment.line,
        position: comment.isOutdated === true ? null : 1,
        commit_id: comment.commit,
        html_url: `https://github.com/${project}/pull/${number}#discussion_r${lastId}`,
      });
    },
    addReview(number, { author, state, body }) {
      append(reviews, pullOf(number).number, { user: author === null ? null : { login: author }, state, body });
    },
  };
}

function invalid(message: string | null, error: object = { resource: "PullRequest", code: "custom", message }): Answer {
  return { status: 422, body: { message: "Validation Failed", errors: [error] } };
}

function append<K>(table: Map<K, object[]>, key: K, row: object): void {
  table.set(key, [...(table.get(key) ?? []), row]);
}

/**
 * Surroundings in which the real gh speaks with the stand-in only: by its setting `http_unix_socket` it dials the socket for
 * every host, and without TLS. Should a gh not know the setting, it runs into the trap that is its proxy.
 * @param directory becomes HOME; settings are written to `gh/` in it
 * @param options.token another one is a login that the stand-in refuses; null: nobody is logged in
 */
export function githubStandInEnvironment(
  server: ForgeServer,
  directory: string,
  options: { readonly token?: string | null } = {},
): Record<string, string> {
  const settings = join(directory, "gh");
  mkdirSync(settings, { recursive: true, mode: 0o700 });
  writeFileSync(join(settings, "config.yml"), `http_unix_socket: ${JSON.stringify(server.socketPath)}\n`, { mode: 0o600 });
  const token = options.token === undefined ? server.token : options.token;
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    GH_CONFIG_DIR: settings,
    ...(token === null ? {} : { GH_TOKEN: token, GH_ENTERPRISE_TOKEN: token }),
    ...trapEnvironment(server),
  };
}

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cutPage, startForgeServer, trapEnvironment, type Answer, type ForgeServer, type RecordedRequest } from "./forge-server.ts";

/** A merge request as the stand-in keeps it; tests may change it. */
export interface StandInMergeRequest {
  readonly iid: number;
  title: string;
  description: string;
  branch: string;
  head: string;
  base: string;
  /** Id of the branch's project; the stand-in's own is 1. */
  fromProject: number;
  state: "opened" | "closed" | "merged";
  mergeCommit: string | null;
  squashCommit: string | null;
}

export interface GitlabServer extends ForgeServer {
  readonly mergeRequests: readonly StandInMergeRequest[];
  addMergeRequest(request: { branch: string; base: string } & Partial<Omit<StandInMergeRequest, "iid">>): StandInMergeRequest;
  /** Rows as GitLab has them; of a commit, or of a merge request by its number. */
  addStatus(commit: string, row: object): void;
  addDiscussion(iid: number, notes: readonly object[]): void;
  addReviewer(iid: number, row: { username: string; state: string }): void;
}

const NOT_FOUND: Answer = { status: 404, body: { message: "404 Project Not Found" } };
const OWN_PROJECT = 1;

/** A stand-in of GitLab's REST API for one project: what okstra asks of it. Everything else is 404. */
export async function startGitlabServer(options: {
  /** `group/subgroup/name` */
  readonly project: string;
  readonly headOf?: (branch: string) => string | null | Promise<string | null>;
}): Promise<GitlabServer> {
  const { project, headOf = () => "a".repeat(40) } = options;
  const mergeRequests: StandInMergeRequest[] = [];
  const rows = new Map<string, object[]>();
  const add = (key: string, row: object): void => void rows.set(key, [...(rows.get(key) ?? []), row]);

  const addMergeRequest: GitlabServer["addMergeRequest"] = (request) => {
    const added: StandInMergeRequest = {
      title: "",
      description: "",
      head: "a".repeat(40),
      fromProject: OWN_PROJECT,
      state: "opened",
      mergeCommit: null,
      squashCommit: null,
      ...request,
      iid: mergeRequests.length + 1,
    };
    mergeRequests.push(added);
    return added;
  };
  const describe = (request: StandInMergeRequest, host: string): object => ({
    id: 1000 + request.iid,
    iid: request.iid,
    web_url: `https://${host}/${project}/-/merge_requests/${request.iid}`,
    state: request.state,
    title: request.title,
    description: request.description,
    sha: request.head,
    source_branch: request.branch,
    target_branch: request.base,
    source_project_id: request.fromProject,
    target_project_id: OWN_PROJECT,
    merge_commit_sha: request.mergeCommit,
    squash_commit_sha: request.squashCommit,
  });
  const create = async ({ body, host, contentType }: RecordedRequest): Promise<Answer> => {
    if (contentType !== "application/json") return { status: 400, body: { error: "source_branch is missing" } };
    const { source_branch: branch, target_branch: base, title, description } = (body ?? {}) as Partial<Record<string, string>>;
    if (branch === undefined || base === undefined || title === undefined) return { status: 400, body: { error: "title is missing" } };
    const head = await headOf(branch);
    if (head === null) return { status: 422, body: { message: ["Source branch does not exist"] } };
    const open = mergeRequests.find((each) => each.state === "opened" && each.branch === branch && each.base === base);
    if (open !== undefined)
      return { status: 409, body: { message: [`Another open merge request already exists for this source branch: !${open.iid}`] } };
    return { status: 201, body: describe(addMergeRequest({ branch, base, title, description: description ?? "", head }), host) };
  };

  const answer = (request: RecordedRequest): Answer | Promise<Answer> => {
    const prefix = `/api/v4/projects/${encodeURIComponent(project)}/`;
    if (!request.path.startsWith(prefix)) return NOT_FOUND;
    const rest = request.path.slice(prefix.length);
    if (rest === "merge_requests") {
      if (request.method === "POST") return create(request);
      const branch = request.query.get("source_branch");
      const found = mergeRequests.filter((each) => each.branch === branch).toReversed();
      return { status: 200, body: cutPage(found, request.query).map((each) => describe(each, request.host)) };
    }
    const isKnown = /^repository\/commits\/[0-9a-f]+\/statuses$|^merge_requests\/[0-9]+\/(?:discussions|reviewers)$/.test(rest);
    return request.method === "GET" && isKnown ? { status: 200, body: cutPage(rows.get(rest) ?? [], request.query) } : NOT_FOUND;
  };

  const server = await startForgeServer({
    token: "stand-in-token",
    readToken: (headers) => {
      const token = headers["private-token"];
      return typeof token === "string" ? token : null;
    },
    answer,
  });
  return {
    ...server,
    mergeRequests,
    addMergeRequest,
    addStatus: (commit, row) => add(`repository/commits/${commit}/statuses`, row),
    addDiscussion: (iid, notes) => add(`merge_requests/${iid}/discussions`, { notes }),
    addReviewer: (iid, { username, state }) => add(`merge_requests/${iid}/reviewers`, { user: { username }, state }),
  };
}

/** Surroundings in which `glab` is the shim, and speaks with the stand-in only. See {@link file://./glab-shim.mjs}. */
export function gitlabStandInEnvironment(
  server: ForgeServer,
  directory: string,
  options: { readonly token?: string } = {},
): Record<string, string> {
  const [settings, bin] = [join(directory, "glab"), join(directory, "bin")];
  for (const each of [settings, bin]) mkdirSync(each, { recursive: true, mode: 0o700 });
  writeFileSync(join(settings, "stand-in.json"), JSON.stringify({ socketPath: server.socketPath }), { mode: 0o600 });
  const shim = fileURLToPath(new URL("./glab-shim.mjs", import.meta.url));
  writeFileSync(join(bin, "glab"), `#!/bin/sh\nexec '${process.execPath}' '${shim}' "$@"\n`);
  chmodSync(join(bin, "glab"), 0o755);
  return {
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    HOME: directory,
    GLAB_CONFIG_DIR: settings,
    GITLAB_TOKEN: options.token ?? server.token,
    ...trapEnvironment(server),
  };
}

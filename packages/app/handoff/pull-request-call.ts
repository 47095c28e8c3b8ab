import { createRedactor } from "@okstra/core/domain/redaction";
import { programOf, type Forge } from "@okstra/core/domain/forge";
import { OkstraError } from "@okstra/core/errors";
import type { OutsideAnswer } from "@okstra/core/handoff-port";
import { neutralise } from "@okstra/core/report/neutral-text";
import * as z from "zod";

/** Runs gh or glab for the person; the caller binds directory, deadline and signal, and logs the call. */
export type CallForge = (program: "gh" | "glab", args: readonly string[], stdin?: string) => Promise<OutsideAnswer>;

/** A request of the forge's REST API. What is sent goes to the program's input: arguments are for everybody to see. */
export interface ForgeRequest {
  /** From the API's root, without a slash before it; parameters are percent-encoded already. */
  readonly path: string;
  /** Makes it a POST. */
  readonly send?: Readonly<Record<string, unknown>>;
}

/** Items of a page; the most that GitHub and GitLab give. */
const PAGE = 100;
const MAX_PAGES = 10;
const MAX_SAID = 200;
/** Members of what is sent that a person wrote. */
const PROSE = ["title", "body", "description"];
/** Lines that are shorter may well be the forge's own words. */
const MIN_SENT_LINE = 8;
const redact = createRedactor([]);

const errorSchema = z.looseObject({
  message: z.unknown().optional(),
  errors: z
    .array(z.union([z.string(), z.looseObject({ message: z.string().nullish(), field: z.string().nullish(), code: z.string().nullish() })]))
    .optional(),
});

/**
 * Asks the forge and reads its answer.
 * @throws OKSTRA_HANDOFF_FORGE_FAILED with a {@link ForgeFailure} as `details.reason`
 */
export async function askForge<T>(call: CallForge, forge: Forge, request: ForgeRequest, schema: z.ZodType<T>): Promise<T> {
  const program = programOf(forge);
  if (program === null) {
    throw new OkstraError("OKSTRA_HANDOFF_FORGE_FAILED", {
      message: `okstra knows no program that opens pull requests at ${forge.host}.`,
      hint: "Open the pull request in a browser.",
      details: { reason: "no-program" satisfies ForgeFailure, host: forge.host, program },
    });
  }
  const answer = await call(
    program,
    describeArguments(forge, request),
    request.send === undefined ? undefined : JSON.stringify(request.send),
  );
  const reply = readReply(answer.stdout);
  // The program's status counts too: a body that was cut off has a good status line.
  if (answer.exitCode !== 0 || reply === null || reply.status < 200 || reply.status > 299)
    throw describeFailure({ forge, program, answer, reply, request });
  const document = parseJson(reply.body);
  const read = document === undefined ? null : schema.safeParse(document);
  if (read?.success === true) return read.data;
  const place = read?.error?.issues[0]?.path.join(".") ?? "";
  throw new OkstraError("OKSTRA_HANDOFF_FORGE_FAILED", {
    message: `${forge.host} answered what okstra cannot read${place === "" ? "" : `, at ${neutralise(place)}`}.`,
    details: { reason: "unreadable" satisfies ForgeFailure, host: forge.host, program, status: reply.status },
  });
}

/**
 * Asks page after page, up to 1000 items, by a call each: gh and glab join pages in a way that changed from version to version.
 * @param read the page's items
 */
export async function askForgePages<T, Row>(
  call: CallForge,
  forge: Forge,
  request: { readonly path: string; readonly schema: z.ZodType<T>; readonly read: (page: T) => readonly Row[]; readonly enough?: number },
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const separator = request.path.includes("?") ? "&" : "?";
  for (let page = 1; page <= MAX_PAGES && rows.length < (request.enough ?? Infinity); page += 1) {
    const path = `${request.path}${separator}per_page=${PAGE}&page=${page}`;
    const found = request.read(await askForge(call, forge, { path }, request.schema));
    rows.push(...found);
    if (found.length < PAGE) break;
  }
  return rows;
}

/** Path of the project in GitLab's API. */
export function gitlabProject(forge: Forge): string {
  return `projects/${encodeURIComponent(forge.project)}`;
}

function describeArguments(forge: Forge, { path, send }: ForgeRequest): readonly string[] {
  const args = ["api", "--hostname", forge.host, "--include"];
  if (send !== undefined) args.push("--method", "POST", "--header", "Content-Type: application/json", "--input", "-");
  return [...args, path];
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** Status line, header lines, an empty line, the body: what `--include` prints. A wrapper that drops the head leaves the body. */
function readReply(stdout: string): Reply | null {
  const [head, status] = /^HTTP\/[0-9.]+ ([0-9]{3})[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(stdout) ?? [];
  if (head !== undefined) return { status: Number(status), body: stdout.slice(head.length) };
  return /^\s*[[{]/.test(stdout) ? { status: 200, body: stdout } : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Failure {
  readonly forge: Forge;
  readonly program: "gh" | "glab";
  readonly answer: OutsideAnswer;
  readonly reply: Reply | null;
  readonly request: ForgeRequest;
}

/** Status of gh when nobody is logged in at the host. */
const GH_NO_LOGIN = 4;

/**
 * Why a forge did not do what was asked; `details.reason` of the error. After `deadline`, `no-answer`, `unreadable` and
 * `status` it may have done it nevertheless.
 */
export type ForgeFailure =
  | "no-program"
  | "deadline"
  | "cancelled"
  | "login"
  | "forbidden"
  | "not-shown"
  | "moved"
  | "no-answer"
  | "unreadable"
  | "status";

function describeFailure({ forge, program, answer, reply, request }: Failure): OkstraError {
  const { host, project } = forge;
  const { ended, exitCode } = answer;
  const status = reply?.status ?? null;
  const reason = readReason(program, answer, status);
  const again = "then: okstra handoff <group>/<task>";
  const look = `Check what the login may see and do: ${program} auth status --hostname ${host}`;
  const said = sayOnce(reply === null ? lastLine(answer.stderr) : readWords(reply.body), request);
  const because = said === "" ? "" : `: ${said}`;
  const [message, hint] = ((): readonly [string, string?] => {
    switch (reason) {
      case "no-program":
        return [`${program} is not on PATH, so ${host} could not be asked`, `Install ${program}, ${again}`];
      case "deadline":
        return [`${host} did not answer in time`];
      case "cancelled":
        return [`${program} was stopped before ${host} answered`];
      case "login":
        return [`${program} is not logged in at ${host}`, `Log in: ${program} auth login --hostname ${host}, ${again}`];
      case "forbidden":
        return [`${host} refuses this to the login of ${program}${because}`, look];
      case "not-shown":
        return [`${host} shows no ${project} to the login of ${program}${because}`, look];
      case "moved":
        return [`${host} has ${project} at another place now`, `Give the remote its present URL by git remote set-url, ${again}`];
      case "no-answer":
        return [`${program} got no answer from ${host}${because}`];
      case "unreadable":
        return [`${host} gave no whole answer${because}`];
      case "status":
        return [`${host} answered with status ${status}${because}`];
    }
  })();
  return new OkstraError("OKSTRA_HANDOFF_FORGE_FAILED", {
    message: `${message}.`,
    ...(hint === undefined ? {} : { hint }),
    details: { reason, host, program, status, ended, exitCode },
  });
}

function readReason(program: "gh" | "glab", { ended, exitCode }: OutsideAnswer, status: number | null): ForgeFailure {
  if (ended === "not-found") return "no-program";
  if (ended === "deadline" || ended === "cancelled") return ended;
  if (status === 401 || (program === "gh" && status === null && exitCode === GH_NO_LOGIN)) return "login";
  if (status === 403) return "forbidden";
  if (status === 404) return "not-shown";
  if (status === null) return "no-answer";
  if (status >= 300 && status <= 399) return "moved";
  return status <= 299 ? "unreadable" : "status";
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

/** What the forge says of a failure, e.g. `Validation Failed; No commits between main and fix`. */
function readWords(body: string): string {
  const { data } = errorSchema.safeParse(parseJson(body));
  const errors = (data?.errors ?? []).map((error) =>
    typeof error === "string" ? error : (error.message ?? `${error.field ?? ""} ${error.code ?? ""}`.trim()),
  );
  const message = data?.message;
  const messages = Array.isArray(message) ? message : [message];
  return [...messages, ...errors].filter((text): text is string => typeof text === "string" && text !== "").join("; ");
}

/** One short line without secrets; empty when it repeats what was sent. */
function sayOnce(text: string, { send }: ForgeRequest): string {
  const said = [...neutralise(redact(text.trim()))].slice(0, MAX_SAID).join("").replace(/\.$/, "");
  const sent = PROSE.flatMap((name) => `${send?.[name] ?? ""}`.split("\n").map((line) => line.trim()));
  return sent.some((line) => line.length >= MIN_SENT_LINE && text.includes(line)) ? "" : said;
}

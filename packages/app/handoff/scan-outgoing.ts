import { OkstraError } from "@okstra/core/errors";
import type { OutgoingText, SecretFound } from "@okstra/core/handoff-port";
import type { App } from "../app.ts";
import type { Staging } from "./staging.ts";

const MAX_BLOB_BYTES = 8 * 1024 * 1024;
/** Texts are scanned in groups of about this size, so that memory stays flat. */
const GROUP_BYTES = 16 * 1024 * 1024;

/**
 * Looks for secrets in all that would leave: every version of every file that the commits add and its name, their messages,
 * title and body. A secret that a later commit takes out again leaves too.
 * @param options.secrets values that must leave by no means, such as those of `.env` files
 * @returns how many texts were looked at
 * @throws OKSTRA_HANDOFF_SECRETS with places and fingerprints, never the secret
 */
export async function scanOutgoing(
  app: App,
  staging: Staging,
  options: {
    readonly from: string;
    readonly to: string;
    readonly texts: readonly OutgoingText[];
    readonly secrets: readonly string[];
    readonly accepted: readonly string[];
  },
): Promise<{ readonly scanned: number; readonly skipped: readonly string[] }> {
  const found: SecretFound[] = [];
  let scanned = 0;
  const scan = async (texts: readonly OutgoingText[]): Promise<void> => {
    scanned += texts.length;
    found.push(...findKnown(app, texts, options.secrets), ...(await app.scanSecrets(texts)));
  };
  await scan([...options.texts, { name: "names of files", content: await listNames(staging, options.from, options.to) }]);
  const { blobs, skipped } = await listBlobs(staging, options.from, options.to);
  const names = new Map(blobs.map(({ id, path }) => [id, path]));
  let group: OutgoingText[] = [];
  let size = 0;
  await app.git.loadBlobs(staging.path, blobs, async (id, content) => {
    group.push({ name: names.get(id) ?? id, content: new TextDecoder("utf-8").decode(content) });
    size += content.length;
    if (size < GROUP_BYTES) return;
    await scan(group);
    group = [];
    size = 0;
  });
  await scan(group);
  const left = found.filter(({ fingerprint }) => !options.accepted.includes(fingerprint));
  if (left.length === 0) return { scanned, skipped };
  const [first] = left;
  throw new OkstraError("OKSTRA_HANDOFF_SECRETS", {
    message: `${left.length === 1 ? "One place looks" : `${left.length} places look`} like a secret: ${first?.name ?? ""}:${first?.line ?? 0} (${first?.what ?? ""}, ${first?.fingerprint ?? ""})${left.length > 1 ? ", …" : ""}.`,
    details: { found: left.slice(0, 100) },
  });
}

/** The values that okstra knows to be secret here, wherever they stand. */
function findKnown(app: App, texts: readonly OutgoingText[], secrets: readonly string[]): SecretFound[] {
  return texts.flatMap(({ name, content }) =>
    secrets.flatMap((secret) => {
      const at = content.indexOf(secret);
      if (at < 0) return [];
      const line = content.slice(0, at).split("\n").length;
      const fingerprint = app.sha256(`okstra/known-secret\n${secret}`).slice(0, 12);
      return [{ name, line, rule: "okstra/known-secret", what: "a value of the environment or of a .env file", fingerprint }];
    }),
  );
}

/** A line for each file that a commit touches, merges included. */
async function listNames(staging: Staging, from: string, to: string): Promise<string> {
  const { stdout } = await staging.git([
    "log",
    "-m",
    "--format=",
    "--name-only",
    "-z",
    "--no-renames",
    "--no-show-signature",
    `${from}..${to}`,
  ]);
  return [...new Set(stdout.split(/[\0\n]+/))].filter((name) => name !== "").join("\n");
}

async function listBlobs(
  staging: Staging,
  from: string,
  to: string,
): Promise<{ readonly blobs: readonly { id: string; size: number; path: string }[]; readonly skipped: readonly string[] }> {
  const listed = await staging.git(["rev-list", "--objects", `${from}..${to}`]);
  const paths = new Map(
    listed.stdout.split("\n").flatMap((line) => {
      const [, id, path] = /^([0-9a-f]{40,64}) (.+)$/.exec(line) ?? [];
      return id === undefined || path === undefined ? [] : [[id, path] as const];
    }),
  );
  if (paths.size === 0) return { blobs: [], skipped: [] };
  const told = await staging.git(["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"], {
    stdin: `${[...paths.keys()].join("\n")}\n`,
  });
  const all = told.stdout.split("\n").flatMap((line) => {
    const [id = "", type, size] = line.split(" ");
    return type === "blob" ? [{ id, size: Number(size), path: paths.get(id) ?? id }] : [];
  });
  return {
    blobs: all.filter(({ size }) => size <= MAX_BLOB_BYTES),
    skipped: all.filter(({ size }) => size > MAX_BLOB_BYTES).map(({ path }) => path),
  };
}

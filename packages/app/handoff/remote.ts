import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";

/** A remote as the repository names it. The URLs may have a password in them: show them through {@link maskUrl} only. */
export interface Remote {
  readonly name: string;
  readonly url: string;
  /** Where to push instead, as the person confirmed or set up globally; null: the URL itself. */
  readonly pushUrl: string | null;
  /** In plain words, what the repository's own configuration says and what does not count. */
  readonly notes: readonly string[];
}

interface ConfigEntry {
  readonly own: boolean;
  readonly key: string;
  readonly value: string;
}

/**
 * Finds the remote that a hand-off goes to: the named one, the person's `remote.pushDefault`, `origin`, or the only one.
 * Rewrites of URLs that the repository itself brings (`url.*.insteadOf`, `pushInsteadOf`) do not count; those of the person's
 * own configuration do, when git is asked to push.
 * @param options.pushUrl what the person says that pushing elsewhere is meant by
 * @returns null when the repository has no remote
 * @throws OKSTRA_HANDOFF_NO_REMOTE, OKSTRA_HANDOFF_URL_REFUSED, OKSTRA_HANDOFF_URL_MISMATCH
 */
export async function findRemote(
  app: App,
  root: string,
  options: { readonly remote: string | null; readonly pushUrl: string | null },
): Promise<Remote | null> {
  const answer = await app.git.run(root, ["config", "--list", "-z", "--show-scope"]);
  const entries = parseConfig(answer.stdout);
  const names = [...new Set(entries.flatMap(({ key }) => /^remote\.(.+)\.url$/s.exec(key)?.[1] ?? []))];
  const name = pickName(entries, names, options.remote);
  if (name === null) return null;
  const urls = entries.filter(({ key }) => key === `remote.${name}.url`);
  const url = resolveUrl(urls[0]?.value ?? "", root);
  const pushUrls = entries.filter(({ key }) => key === `remote.${name}.pushurl`);
  const extra = pushUrls.length > 0 ? pushUrls : urls.slice(1).length > 0 ? urls : [];
  const notes = entries
    .filter(({ own, key }) => own && /^url\..*\.(?:push)?insteadof$/s.test(key))
    .map(({ key }) => `the repository's own ${key} does not count`);
  requireAllowed(url);
  if (extra.length === 0) return { name, url, pushUrl: options.pushUrl === null ? null : requireConfirmed(options.pushUrl, [url]), notes };
  const targets = [...new Set(extra.map(({ value }) => resolveUrl(value, root)))];
  const [target] = targets;
  if (targets.length > 1 || target === undefined) {
    if (options.pushUrl !== null) return { name, url, pushUrl: requireConfirmed(resolveUrl(options.pushUrl, root), targets), notes };
    throw mismatch(name, url, targets);
  }
  requireAllowed(target);
  if (target === url) return { name, url, pushUrl: null, notes };
  // What the person has set up for all repositories is their word; what this repository says may be anybody's.
  if (extra.every(({ own }) => !own)) return { name, url, pushUrl: target, notes };
  if (options.pushUrl === null) throw mismatch(name, url, targets);
  return { name, url, pushUrl: requireConfirmed(resolveUrl(options.pushUrl, root), targets), notes };
}

/** The target that is meant: given as it is, or as okstra shows it, without its password. */
function requireConfirmed(given: string, targets: readonly string[]): string {
  const shown = targets.filter((target) => maskUrl(target) === given);
  const meant = targets.includes(given) ? given : shown.length === 1 ? shown[0] : undefined;
  if (meant !== undefined) return meant;
  throw new OkstraError("OKSTRA_HANDOFF_URL_MISMATCH", {
    message: `--push-url names ${maskUrl(given)}, and the remote pushes to ${targets.map(maskUrl).join(", ")}.`,
    details: { given: maskUrl(given), pushUrls: targets.map(maskUrl) },
  });
}

function mismatch(name: string, url: string, targets: readonly string[]): OkstraError {
  const shown = targets.map(maskUrl);
  return new OkstraError("OKSTRA_HANDOFF_URL_MISMATCH", {
    message: `The remote ${name} is ${maskUrl(url)}, and the repository's own configuration pushes to ${shown.join(" and ")}.`,
    hint: `If that is meant: --push-url ${shown[0] ?? ""}; else: git config --unset-all remote.${name}.pushurl`,
    details: { remote: name, url: maskUrl(url), pushUrls: shown },
  });
}

function pickName(entries: readonly ConfigEntry[], names: readonly string[], asked: string | null): string | null {
  if (asked !== null) {
    if (names.includes(asked)) return requireName(asked);
    throw new OkstraError("OKSTRA_HANDOFF_NO_REMOTE", {
      message: `The repository has no remote "${asked.slice(0, 100)}"; it has ${names.length === 0 ? "none" : names.join(", ")}.`,
      details: { given: asked, remotes: names },
    });
  }
  const preferred = entries.findLast(({ own, key }) => !own && key === "remote.pushdefault")?.value;
  const found =
    [preferred, "origin"].find((each) => each !== undefined && names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
  if (found !== undefined) return requireName(found);
  if (names.length === 0) return null;
  throw new OkstraError("OKSTRA_HANDOFF_NO_REMOTE", {
    message: `The repository has several remotes and none is origin: ${names.join(", ")}.`,
    hint: "Name one with --remote.",
    details: { remotes: names },
  });
}

function requireName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}$/.test(name)) return name;
  throw new OkstraError("OKSTRA_HANDOFF_NO_REMOTE", {
    message: `The remote's name ${JSON.stringify(name.slice(0, 100))} is not one that okstra passes to git.`,
    details: { name: name.slice(0, 200) },
  });
}

/** A path that is relative to the repository would lead elsewhere from another directory. */
function resolveUrl(url: string, root: string): string {
  const isRelative = !url.startsWith("/") && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url) && !/^[^/]+:/.test(url) && url !== "";
  return isRelative ? `${root}/${url}` : url;
}

/** Paths, scp-like addresses, and these schemes: no helper program of a remote is ever started (case 9). */
const SCHEMES = ["file", "git", "http", "https", "ssh"];

/** @throws OKSTRA_HANDOFF_URL_REFUSED */
function requireAllowed(url: string): void {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):(\/\/|:)/.exec(url);
  const isHelper = scheme?.[2] === ":" || /^[^/]*::/.test(url);
  const isKnown = scheme === null || SCHEMES.includes((scheme[1] ?? "").toLowerCase());
  // eslint-disable-next-line no-control-regex -- a control character in a URL is what is looked for
  if (url !== "" && !url.startsWith("-") && !isHelper && isKnown && !/[\u0000-\u001F\u007F]/.test(url)) return;
  throw new OkstraError("OKSTRA_HANDOFF_URL_REFUSED", {
    message: `The remote's URL ${JSON.stringify(maskUrl(url).slice(0, 200))} is of no transport that okstra pushes over (${SCHEMES.join(", ")}, or a path).`,
    details: { url: maskUrl(url).slice(0, 300) },
  });
}

/** A URL for people: its password, or a token in the place of a user's name, is not in it. */
export function maskUrl(url: string): string {
  return url.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)([^/]*)@/, (_, scheme: string, user: string) => {
    const [name = "", password] = user.split(":", 2);
    if (password !== undefined) return `${scheme}${name}:***@`;
    return name.length > 24 || name.includes("@") || /^(?:gh[pousr]_|github_pat_|glpat-|x-access-token)/.test(name)
      ? `${scheme}***@`
      : `${scheme}${name}@`;
  });
}

function parseConfig(output: string): readonly ConfigEntry[] {
  const fields = output.split("\0");
  const entries: ConfigEntry[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const text = fields[at + 1] ?? "";
    const line = text.indexOf("\n");
    entries.push({
      own: fields[at] === "local" || fields[at] === "worktree",
      key: line < 0 ? text : text.slice(0, line),
      value: line < 0 ? "" : text.slice(line + 1),
    });
  }
  return entries;
}

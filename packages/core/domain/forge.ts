/** A place that keeps pull requests, and what the URL of a remote says about it. */

export type ForgeKind = "github" | "gitlab" | "gitea" | "bitbucket";

export interface Forge {
  readonly kind: ForgeKind;
  /** Lower case; with the port of its web pages where that is not the usual one. */
  readonly host: string;
  /** `owner/name`; of GitLab also `group/subgroup/name`. */
  readonly project: string;
  /** Page of the project, without a slash at its end. */
  readonly webUrl: string;
}

/** Forges that everybody knows. */
const KNOWN: Readonly<Record<string, ForgeKind>> = {
  "github.com": "github",
  "gitlab.com": "gitlab",
  "codeberg.org": "gitea",
  "bitbucket.org": "bitbucket",
};

/** Their hosts for ssh over port 443. */
const SSH_HOSTS: Readonly<Record<string, string>> = {
  "ssh.github.com": "github.com",
  "altssh.gitlab.com": "gitlab.com",
  "altssh.bitbucket.org": "bitbucket.org",
};

const USUAL_PORTS: Readonly<Record<string, string>> = { https: "443", http: "80" };

/** As git takes it: a scheme, perhaps who, a host, perhaps a port, a path. A password is never kept. */
const URL_SHAPE = /^(https?|ssh):\/\/(?:[^\s/@]*@)?([A-Za-z0-9.-]+)(?::([0-9]{1,5}))?\/([!-~]+)$/;
/** `who@host:path`; a slash before the colon would make it a path, and so would a scheme. */
const SCP_SHAPE = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?([A-Za-z0-9.-]+):(?!\/\/)\/?([!-~]+)$/;
const HOST = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const SEGMENT = /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/;
const MAX_URL = 2048;

/**
 * Reads which forge a remote's URL leads to, from its text alone.
 * @param hosts forges of the person's own, by host, or by host and web port; they win over nothing that is known
 * @returns null for a path, another transport, an unknown host, and whatever no forge would give as its URL
 */
export function describeForge(remoteUrl: string, hosts: Readonly<Record<string, "github" | "gitlab">>): Forge | null {
  if (remoteUrl.length > MAX_URL) return null;
  const place = splitUrl(remoteUrl);
  if (place === null || !HOST.test(place.name)) return null;
  const host = place.port === null ? place.name : `${place.name}:${place.port}`;
  const kind = own(KNOWN, host) ?? own(hosts, host) ?? own(hosts, place.name);
  const project = kind === undefined ? null : readProject(place.path, kind);
  if (kind === undefined || project === null) return null;
  // The pages of the known ones are there by https only.
  const scheme = place.scheme === "http" && own(KNOWN, host) === undefined ? "http" : "https";
  return { kind, host, project, webUrl: `${scheme}://${host}/${project}` };
}

interface Place {
  readonly scheme: string;
  readonly name: string;
  /** Of the web pages; that of ssh says nothing about them. */
  readonly port: string | null;
  readonly path: string;
}

function splitUrl(url: string): Place | null {
  const [, scheme, name, port, path] = URL_SHAPE.exec(url) ?? [];
  if (scheme !== undefined && name !== undefined && path !== undefined) {
    if (scheme === "ssh") return { scheme, name: sshHost(name), port: null, path };
    if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return null;
    return { scheme, name: name.toLowerCase(), port: port === undefined || port === USUAL_PORTS[scheme] ? null : `${Number(port)}`, path };
  }
  const [, scpName, scpPath] = SCP_SHAPE.exec(url) ?? [];
  return scpName === undefined || scpPath === undefined ? null : { scheme: "ssh", name: sshHost(scpName), port: null, path: scpPath };
}

function sshHost(name: string): string {
  const lower = name.toLowerCase();
  return own(SSH_HOSTS, lower) ?? lower;
}

function readProject(path: string, kind: ForgeKind): string | null {
  const project = path.replace(/\/$/, "").replace(/\.git$/, "");
  const segments = project.split("/");
  if (kind === "gitlab" ? segments.length < 2 : segments.length !== 2) return null;
  const isUsable = segments.every(
    (segment) => SEGMENT.test(segment) && segment !== "." && !segment.includes("..") && !segment.endsWith(".git"),
  );
  return isUsable ? project : null;
}

/** Reads a member that a prototype cannot lend. */
function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Address of the page where a person opens a pull request of `branch` into `base`; names of branches are data in it. */
export function compareUrl(forge: Forge, { base, branch }: { readonly base: string; readonly branch: string }): string {
  const [to, from] = [encode(base), encode(branch)];
  switch (forge.kind) {
    case "github":
      return `${forge.webUrl}/compare/${to}...${from}?expand=1`;
    case "gitlab":
      return `${forge.webUrl}/-/merge_requests/new?merge_request%5Bsource_branch%5D=${from}&merge_request%5Btarget_branch%5D=${to}`;
    case "gitea":
      return `${forge.webUrl}/compare/${to}...${from}`;
    case "bitbucket":
      return `${forge.webUrl}/pull-requests/new?source=${from}&dest=${to}&t=1`;
  }
}

/** Percent-encodes also what ends a link in Markdown; a lone surrogate becomes U+FFFD. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Cs}/gu, "\uFFFD")).replaceAll(
    /[!'()*~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The program that speaks with the forge for a person who is logged in there; null when okstra knows none. */
export function programOf(forge: Forge): "gh" | "glab" | null {
  return forge.kind === "github" ? "gh" : forge.kind === "gitlab" ? "glab" : null;
}

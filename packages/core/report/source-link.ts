/** A `file:` URL that okstra built itself; the only kind of address that a report links to. */
export type SourceUrl = string & { readonly sourceUrl: unique symbol };

/** Percent-encodes one segment, also the characters that end a Markdown link; a lone surrogate becomes U+FFFD. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.replaceAll(/\p{Cs}/gu, "\uFFFD")).replaceAll(
    /[!'()*~_]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** True for a path that stays below its root as written: relative, forward slashes, no `.`, `..` or empty segment. */
function isPathBelowRoot(path: string): boolean {
  if (path === "" || /^[A-Za-z]:/.test(path) || /[\\\0]/.test(path)) return false;
  return path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/** Relative URI reference of a path below the root, or null when it could lead elsewhere. */
export function relativeUri(path: string): string | null {
  return isPathBelowRoot(path) ? path.split("/").map(encodeSegment).join("/") : null;
}

/** `file:` URL of an absolute POSIX or Windows directory, ending in a slash, or null when it is not absolute. */
export function directoryUrl(directory: string): SourceUrl | null {
  const isWindows = /^[A-Za-z]:[\\/]/.test(directory);
  if (!isWindows && !directory.startsWith("/")) return null;
  const segments = (isWindows ? directory.replaceAll("\\", "/") : directory).split("/").filter((segment) => segment !== "");
  if (segments.includes("..")) return null;
  const encoded = segments.map((segment, at) => (isWindows && at === 0 ? segment : encodeSegment(segment)));
  return `file:///${encoded.map((segment) => `${segment}/`).join("")}` as SourceUrl;
}

/**
 * Address of a line of a source file: `file:///…/src/a.ts#L12`.
 * @param line counted from 1, or null for the whole file
 * @returns null when the root is not absolute or the path could lead outside it; it is then shown without a link
 */
export function sourceUrl(root: string, path: string, line: number | null): SourceUrl | null {
  const directory = directoryUrl(root);
  const relative = relativeUri(path);
  if (directory === null || relative === null) return null;
  return `${directory}${relative}${line === null ? "" : `#L${line}`}` as SourceUrl;
}

import type { JournalOf } from "@okstra/core/journal-port";

/**
 * What a project's files in OKSTRA_HOME/index are called. The digest (two multiplicative hashes of 32 bits) only tells
 * projects of the same id apart, and loading node's own hashes would cost more than reading the newest runs; each file says
 * inside whose it is.
 */
export function nameIndexOf({ project, root }: JournalOf): string {
  const slug = project
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .slice(0, 40);
  let [one, two] = [0x811c9dc5, 0x9e3779b9];
  for (const byte of Buffer.from(`${project}\n${root}`)) {
    one = Math.imul(one ^ byte, 0x01000193);
    two = Math.imul(two ^ byte, 0x85ebca6b);
  }
  return `${slug}-${inHex(one)}${inHex(two ^ (two >>> 16))}`;
}

function inHex(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** Whether a lane that says what it looked at looked at a file. No globs, or a finding without a file: yes. */
export function isCovered(globs: readonly string[] | undefined, file: string | null | undefined): boolean {
  return globs === undefined || typeof file !== "string" || globs.some((glob) => matchesGlob(file, glob));
}

const CURRENT = /^(?:\.\/)+/u;

/**
 * `*` and `?` stay within a directory, `**` crosses them, everything else stands for itself; a directory covers what
 * is in it. Takes time proportional to both lengths whatever the glob.
 */
function matchesGlob(file: string, glob: string): boolean {
  const path = file.replace(CURRENT, "");
  const parts =
    glob
      .replace(CURRENT, "")
      .replace(/\/+$/u, "")
      .match(/(?:\*\*\/)+|\*{2,}|[\s\S]/gu) ?? [];
  // ends[n]: the parts so far match the first n characters.
  let ends = Array.from({ length: path.length + 1 }, (_, at) => at === 0);
  for (const part of parts) ends = advance(ends, path, part);
  return ends.some((isEnd, at) => isEnd && (at === path.length || path[at] === "/"));
}

function advance(ends: readonly boolean[], path: string, part: string): boolean[] {
  const next = Array.from({ length: ends.length }, () => false);
  let open = false;
  for (let at = 0; at < ends.length; at += 1) {
    const before = path[at - 1];
    if (part === "*" && before === "/") open = false;
    open ||= ends[at] === true;
    if (part.endsWith("**/")) next[at] = ends[at] === true || (open && before === "/");
    else if (part.startsWith("*")) next[at] = open;
    else next[at] = at > 0 && ends[at - 1] === true && (part === before || (part === "?" && before !== "/"));
  }
  return next;
}

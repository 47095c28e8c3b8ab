import { OkstraError } from "../errors.ts";

/** Lower-case hex SHA-256 of a UTF-8 text; given from outside because core has no crypto. */
export type Sha256 = (text: string) => string;

const MAX_SEGMENT = 64;
const SUFFIX_HEX = 6;
/** What a value without a single ASCII letter or digit becomes: written again, as from a list, it stays itself. */
const ONLY_HASH = /^_-[0-9a-f]{6}$/;
const DEVICE_NAME = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

/**
 * One segment of a task key, safe as a directory name and as part of a branch name on every file system.
 *
 * Contract: lower-cased; each run of characters outside `[a-z0-9-]` becomes one `-`; leading and trailing `-`
 * go; empty becomes `_`. A value whose letters or digits are lost by this, or that is longer than 64
 * characters, ends in `-` and six hex digits of the SHA-256 of its lower-cased NFC form, so that two values
 * that differ stay two segments and values that differ only in case stay one.
 */
export function slugSegment(value: string, sha256: Sha256): string {
  if (ONLY_HASH.test(value)) return value;
  const folded = value.normalize("NFC").toLowerCase().normalize("NFC");
  const plain = folded.replaceAll(/[^a-z0-9-]+/g, "-").replaceAll(/^-+|-+$/g, "") || "_";
  const losesText = /[\p{L}\p{N}]/u.test(folded.replaceAll(/[a-z0-9]/g, ""));
  let segment = plain;
  if (losesText || plain.length > MAX_SEGMENT) {
    const head = plain.slice(0, MAX_SEGMENT - SUFFIX_HEX - 1).replaceAll(/-+$/g, "");
    segment = `${head}-${sha256(folded).slice(0, SUFFIX_HEX)}`;
  }
  return DEVICE_NAME.test(segment) ? `${segment}_` : segment;
}

/** The identity of a task: three slugs, `<project>/<group>/<task>`. */
export interface TaskKey {
  readonly project: string;
  readonly group: string;
  readonly task: string;
}

/**
 * Reads `<group>/<task>` as a person writes it. It splits at the first `/`; later ones become `-`.
 * @throws OKSTRA_TASK_KEY_INVALID when there is no `/` or one side has no text.
 */
export function parseTaskName(name: string, project: string, sha256: Sha256): TaskKey {
  const at = name.indexOf("/");
  const group = at < 0 ? "" : name.slice(0, at);
  const task = at < 0 ? "" : name.slice(at + 1);
  if (group.trim() === "" || task.trim() === "" || name.includes("\0")) {
    throw new OkstraError("OKSTRA_TASK_KEY_INVALID", {
      message: `"${name.slice(0, 80)}" is not <group>/<task>.`,
      details: { given: name.slice(0, 300) },
    });
  }
  return { project: slugSegment(project, sha256), group: slugSegment(group, sha256), task: slugSegment(task, sha256) };
}

export function formatTaskKey(key: TaskKey): string {
  return `${key.project}/${key.group}/${key.task}`;
}

/** The inverse of {@link formatTaskKey} for keys that okstra wrote itself. */
export function splitTaskKey(key: string): TaskKey {
  const [project = "", group = "", ...rest] = key.split("/");
  return { project, group, task: rest.join("-") };
}

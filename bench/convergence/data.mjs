import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Which half a review is in: the second byte of the SHA-256 of its name, even for tuning. */
export function halfOf(review) {
  return createHash("sha256").update(review).digest()[1] % 2 === 0 ? "tuning" : "held-out";
}

/**
 * @param {string} directory
 * @param {string | undefined} half only the reviews of this half
 */
export function loadData(directory, half) {
  const load = (name, isRow) =>
    loadRows(join(directory, name), isRow).filter(({ review }) => half === undefined || halfOf(review) === half);
  const pairs = load("pairs.jsonl", (row) => isText(row.a) && isText(row.b) && typeof row.same === "boolean");
  const coLocated = load("co-located.jsonl", (row) => isText(row.a?.claim) && isText(row.b?.claim) && isText(row.path));
  const panels = load("panels.jsonl", (row) => Array.isArray(row.defects) && typeof row.workers === "object" && row.workers !== null);
  const reviews = new Set([...pairs, ...coLocated, ...panels].map(({ review }) => review));
  return { pairs, coLocated, panels, reviews };
}

function loadRows(path, isRow) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`${path} cannot be read: ${error.code}`);
  }
  return text.split("\n").flatMap((line, at) => {
    if (line.trim() === "") return [];
    let row;
    try {
      row = JSON.parse(line);
    } catch {
      throw new Error(`${path}:${at + 1} is not JSON`);
    }
    if (typeof row !== "object" || row === null || !isText(row.review) || !isRow(row))
      throw new Error(`${path}:${at + 1} is not of the shape expected`);
    return [row];
  });
}

function isText(value) {
  return typeof value === "string";
}

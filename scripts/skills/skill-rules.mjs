/** What the Agent Skills specification (agentskills.io/specification) asks of a skill, and what its reference validator refuses. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fromMarkdown } from "mdast-util-from-markdown";
import { readFrontmatter } from "./frontmatter.mjs";

const FIELDS = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];
const MAX_NAME = 64;
const MAX_DESCRIPTION = 1024;
const MAX_COMPATIBILITY = 500;
const MAX_BODY_LINES = 500;

/**
 * @param {string} root the repository's
 * @param {string} folder of skills, from the root
 * @param {readonly string[]} [furtherFields] keys that are allowed beside the specification's
 * @returns {string[]} what is wrong, a line each
 */
export function checkSkillFolder(root, folder, furtherFields = []) {
  if (!existsSync(join(root, folder))) return [`${folder}: there are no skills`];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [`${path}: only directories of skills may be here`];
    if (!existsSync(join(root, path, "SKILL.md"))) return [`${path}: has no SKILL.md`];
    return checkSkill(join(root, path), entry.name, furtherFields).map((problem) => `${path}/SKILL.md: ${problem}`);
  });
}

function checkSkill(directory, directoryName, furtherFields) {
  const { fields, body, problems } = readFrontmatter(readFileSync(join(directory, "SKILL.md"), "utf8"));
  return [
    ...problems,
    ...Object.keys(fields)
      .filter((key) => !FIELDS.includes(key) && !furtherFields.includes(key))
      .map((key) => `the specification has no field ${key}`),
    ...checkName(fields.name, directoryName),
    ...checkLength("description", fields.description, MAX_DESCRIPTION),
    ...(fields.compatibility === undefined ? [] : checkLength("compatibility", fields.compatibility, MAX_COMPATIBILITY)),
    ...(body.trim() === "" ? ["it says nothing"] : []),
    ...(body.split("\n").length >= MAX_BODY_LINES ? [`its body must have fewer than ${MAX_BODY_LINES} lines`] : []),
    ...checkReferences(directory, body),
  ];
}

function checkName(name, directoryName) {
  if (typeof name !== "string" || !/^[a-z0-9]+(?:-[a-z0-9]+)*$/u.test(name))
    return [`name must be lower-case letters, digits and single hyphens`];
  return [
    ...(name.length > MAX_NAME ? [`name has ${name.length} characters, at most ${MAX_NAME}`] : []),
    ...(name === directoryName ? [] : [`name is ${name}, its directory ${directoryName}`]),
  ];
}

function checkLength(key, value, most) {
  if (typeof value !== "string" || value.trim() === "") return [`${key} is missing`];
  const length = [...value].length;
  return length > most ? [`${key} has ${length} characters, at most ${most}`] : [];
}

/** Files that a skill points to: there, inside the skill, one folder deep, and pointing no further. */
function checkReferences(directory, body) {
  return listLinks(body).flatMap((link) => {
    const path = normalize(link);
    if (path.startsWith("..") || path.split("/").length > 2) return [`${link} is not one level below the skill`];
    const file = join(directory, path);
    if (!existsSync(file) || !statSync(file).isFile()) return [`${link} does not exist`];
    if (!path.endsWith(".md")) return [];
    const further = listLinks(readFileSync(file, "utf8")).filter((next) => normalize(join(dirname(path), next)) !== "SKILL.md");
    return further.map((next) => `${link} points on to ${next}`);
  });
}

/** @returns {string[]} where a Markdown text points to files */
function listLinks(text) {
  const links = [];
  const visit = (node) => {
    if (["link", "image", "definition"].includes(node.type) && !/^(?:[a-z][a-z+.-]*:|#)/iu.test(node.url))
      links.push(node.url.split("#")[0]);
    for (const child of node.children ?? []) visit(child);
  };
  visit(fromMarkdown(text));
  return links;
}

/**
 * The frontmatter that our skills are written in, which every reader of YAML understands the same way: a line is a key with a
 * plain word or a JSON string, `metadata:` a map of such lines indented by two spaces.
 */

const PLAIN = /^[A-Za-z0-9][A-Za-z0-9 ._/+-]*$/u;

/**
 * @param {string} text a whole SKILL.md
 * @returns {{ fields: Record<string, any>, body: string, bodyLine: number, problems: string[] }} `bodyLine` is the first line of the body, from 1
 */
export function readFrontmatter(text) {
  const lines = text.split("\n");
  const end = lines.indexOf("---", 1);
  if (lines[0] !== "---" || end < 0)
    return { fields: {}, body: text, bodyLine: 1, problems: ["it must begin with frontmatter between two lines ---"] };
  const fields = {};
  const problems = [];
  let map = fields;
  for (const line of lines.slice(1, end)) {
    const [, indent = "", key = "", value = ""] = /^( {2})?([a-z][a-z-]*):(?: (.*))?$/u.exec(line) ?? [];
    if (indent === "") map = fields;
    if (key === "" || (indent !== "" && map === fields)) problems.push(`frontmatter cannot be read: ${line}`);
    else if (Object.hasOwn(map, key)) problems.push(`frontmatter says ${key} twice`);
    else if (key === "metadata" && indent === "" && value === "") map = fields.metadata = {};
    else {
      const read = readScalar(value);
      if (read === null) problems.push(`the value of ${key} must be a plain word or a JSON string`);
      else map[key] = read;
    }
  }
  // The reference reader ends the frontmatter at the first ---, wherever it stands.
  if (lines.slice(1, end).some((line) => line.includes("---"))) problems.push("frontmatter must not contain ---");
  return { fields, body: lines.slice(end + 1).join("\n"), bodyLine: end + 2, problems };
}

/** @returns {string | null} null when it is not plain and no JSON string */
function readScalar(value) {
  if (PLAIN.test(value)) return value;
  try {
    const read = JSON.parse(value);
    return typeof read === "string" ? read : null;
  } catch {
    return null;
  }
}

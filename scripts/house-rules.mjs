/** The rules of the house that no tool has: each reads a tree and answers what breaks it, a line each. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { transformSync } from "esbuild";

/** Files that may write to standard output: the ui, and the MCP server, which speaks JSON-RPC there and has no ui. */
const STDOUT_EXCEPTIONS = new Set(["packages/cli/ui.ts", "packages/mcp/serve-streams.ts"]);
const STDOUT = [
  /\bprocess\s*(?:\?\.|\.)\s*stdout\b/u,
  /\bprocess\s*(?:\?\.)?\s*\[\s*["'`]stdout["'`]\s*\]/u,
  /\{[^{}]*\bstdout\b[^{}]*\}\s*=\s*process\b/u,
  /\bwriteSync\s*\(\s*1\s*,/u,
  /["'`]\/dev\/stdout["'`]/u,
  /["'`]@modelcontextprotocol\/server\/stdio["'`]/u,
];

const SOFT_LINE_LIMIT = 400;
const SOURCE = /\.(?:ts|tsx|mjs|cjs|js)$/u;
/** Build results and the demo's project are not ours to judge; fixtures are recorded from other tools. */
const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "coverage", "fixtures", "examples", ".git"]);

/** @param {string} root @returns {string[]} code that names standard output outside the ui; tests and the testkit may */
export function findStdoutWriters(root) {
  return listSources(join(root, "packages"), root)
    .filter((path) => !STDOUT_EXCEPTIONS.has(path) && !path.endsWith(".test.ts") && !path.startsWith("packages/testkit/"))
    .filter((path) => {
      const code = withoutComments(readFileSync(join(root, path), "utf8"), path.endsWith("x") ? "tsx" : "ts");
      return STDOUT.some((pattern) => pattern.test(code));
    })
    .map((path) => `${path}: writes standard output; only ${[...STDOUT_EXCEPTIONS].join(" and ")} may`);
}

/** @param {string} root @returns {string[]} folders and files whose name says nothing about what is in them */
export function findVagueNames(root) {
  return listSources(root, root)
    .filter((path) => /(?:^|\/)(?:utils?|helpers?|misc|common)(?:\/|\.[a-z.]+$)/u.test(path))
    .map((path) => `${path}: name it for what it does (no utils/, no helpers.ts)`);
}

/** @param {string} root @returns {string[]} files over the soft limit of lines, the longest first */
export function listLongFiles(root) {
  return listSources(root, root)
    .map((path) => ({ path, lines: readFileSync(join(root, path), "utf8").split("\n").length - 1 }))
    .filter(({ lines }) => lines > SOFT_LINE_LIMIT)
    .sort((a, b) => b.lines - a.lines)
    .map(({ path, lines }) => `${path}: ${lines} lines (soft limit ${SOFT_LINE_LIMIT})`);
}

/** Comments may speak of standard output; code may not. */
function withoutComments(source, loader) {
  return transformSync(source, {
    loader,
    jsx: "preserve",
    minifyWhitespace: true,
    legalComments: "none",
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  }).code;
}

/** @returns {string[]} paths from the root with `/`, sorted */
function listSources(folder, root) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : listSources(path, root);
      return entry.isFile() && SOURCE.test(entry.name) ? [relative(root, path).split(sep).join("/")] : [];
    })
    .sort();
}

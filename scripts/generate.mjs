/**
 * Writes the files that are made from the sources; with --check says which are not up to date and changes nothing.
 * To add one: a row in GENERATORS.
 *
 * usage: node scripts/generate.mjs [--check]
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { REFERENCE } from "./reference.mjs";
import { renderSkillFiles } from "./skills/render-skills.mjs";
import { translator } from "./translate.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * `render` answers the whole text of the file; `load` imports a TypeScript module of the repository by its path.
 * @type {{ path: string, render: (load: (path: string) => Promise<any>) => Promise<string> }[]}
 */
const GENERATORS = [
  { path: "docs/en/errors.md", render: (load) => renderErrors(load, "en") },
  { path: "docs/kr/errors.md", render: (load) => renderErrors(load, "ko") },
  ...["worker-result", "report", "run", "project", "config", "event"].map((name) => ({
    path: `assets/schemas/${name}.schema.json`,
    render: (load) => renderSchema(load, name),
  })),
  { path: "assets/schemas/mcp-tools.json", render: renderTools },
  ...renderSkillFiles(ROOT).map(({ path, text }) => ({ path, render: async () => text })),
  ...REFERENCE,
];

/** What `okstra schema NAME` prints, for whoever has no okstra at hand. */
async function renderSchema(load, name) {
  const { printSchema } = await load("packages/app/schema/print-schema.ts");
  return `${JSON.stringify(printSchema(name), null, 2)}\n`;
}

/** What `okstra mcp` tells its clients of its tools. */
async function renderTools(load) {
  const { describeTools } = await load("packages/mcp/describe-tools.ts");
  return `${JSON.stringify({ tools: describeTools() }, null, 2)}\n`;
}

/** What the table of errors says itself. */
const ERROR_PAGE = {
  en: {
    title: "Errors",
    intro: `Every failure has a code that does not change; the text may. Under \`--json\` the answer is a document
\`{ "error": { "code", "kind", "message", "hint", "details" } }\` on standard output; else one line with the code and one
with the hint on standard error.`,
    head: "| code | exit status | when | what to do |",
  },
  ko: {
    title: "오류",
    intro: `모든 실패에는 바뀌지 않는 코드가 있다. 글은 바뀔 수 있다. \`--json\`이면 답은 표준 출력의 문서
\`{ "error": { "code", "kind", "message", "hint", "details" } }\`이고, 아니면 표준 오류에 코드가 있는 한 줄과 힌트가 있는 한 줄이다.
명령이 출력하는 글은 영어다.`,
    head: "| 코드 | 종료 상태 | 언제 | 할 일 |",
  },
};

async function renderErrors(load, language) {
  const { ERROR_CATALOGUE } = await load("packages/core/errors.ts");
  const { EXIT_CODES } = await load("packages/cli/exit-codes.ts");
  const { title, intro, head } = ERROR_PAGE[language];
  const { say, finish } = translator(language);
  const rows = Object.entries(ERROR_CATALOGUE).map(
    ([code, { kind, when, cure }]) => `| \`${code}\` | ${EXIT_CODES[kind]} | ${cell(say(when))} | ${cell(say(cure))} |`,
  );
  finish();
  return `# ${title}

<!-- Generated from packages/core/errors.ts by npm run fix; do not edit. -->

${intro}

${head}
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

/** Text as it is read: \`<task>\` is no tag and \`|\` no border. */
function cell(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("|", "\\|").replaceAll("*", "\\*");
}

/** @returns {Promise<string[]>} paths under `root` whose text is not what the sources say; they are written unless `check` */
export async function generate({ check = false, root = ROOT } = {}) {
  const stale = [];
  for (const { path, render } of GENERATORS) {
    const file = join(root, path);
    const text = await render(loadModule);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    stale.push(path);
    if (check) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return stale;
}

/** Bundles a module under node_modules, so that what it leaves external still resolves, and imports it. */
async function loadModule(path) {
  const cache = join(ROOT, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "okstra-generate-"));
  try {
    const outfile = join(directory, "module.mjs");
    await build({
      absWorkingDir: ROOT,
      entryPoints: [path],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      external: ["fs-native-extensions"],
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
      logLevel: "silent",
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const check = process.argv.includes("--check");
  const stale = await generate({ check });
  for (const path of stale) console.error(check ? `${path}: not up to date; run: npm run fix` : `wrote ${path}`);
  if (check && stale.length > 0) process.exitCode = 1;
}

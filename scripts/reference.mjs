/**
 * The reference of the command line, made from what the commands declare: docs/en/commands.md and, with the texts of
 * packages/cli/help/korean.json, docs/kr/commands.md. A text without a translation is an error that names it.
 *
 * usage: node scripts/reference.mjs [--check]
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { translator } from "./translate.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WIDTH = 100;

/** What the reference says itself. */
const WORDS = {
  en: {
    title: "Every command",
    intro: `Made from the declarations that \`okstra --help\` and the completion of your shell are made from too. In a line of usage
\`(…)\` must be said, \`[…]\` may be, \`...\` may be said again, and \`a|b\` is one of these. \`okstra <command> --help\` says the
same at the terminal; \`okstra completion bash\`, \`zsh\`, \`fish\` or \`powershell\` prints what lets the Tab key complete it.

Every command has \`--help\` (\`-h\`). What follows \`--\` is arguments, whatever it begins with. A task is \`<group>/<task>\`.
With \`--json\` the answer is a document on standard output, an error too; where a command has no \`--json\` it says so.`,
    groups: {},
    exits: "Exit status",
    exitsHead: "| exit status | meaning |",
    exitsRows: [
      ["0", "done, and answered"],
      ["1", "it cannot be done, or something outside of okstra failed"],
      ["2", "the command line is wrong"],
      ["3", "a setting is wrong"],
      ["4", "somebody else changed it, or holds it"],
      ["10", "a gate holds, or a person is needed"],
      ["70", "a defect of okstra"],
      ["129, 130, 143", "ended by a signal (hang-up, Ctrl-C, terminate)"],
    ],
    exitsAfter: "Where a command means something more, it is said there. Every error has a code: [errors.md](errors.md).",
    usage: "usage",
    flags: "| flag | what it does |",
    arguments: "| argument | what it is |",
    required: "required",
    again: "may be said again",
    otherwise: (value) => `default: \`${value}\``,
    examples: "Examples",
    exit: "Exit status",
    noJson: "There is no `--json`.",
    fallback: (command, name) => `\`${command}\` without a command of its own is \`${name}\`.`,
  },
  ko: {
    title: "모든 명령",
    intro: `\`okstra --help\`와 셸의 자동 완성과 같은 선언에서 만든다. 사용법 줄에서 \`(…)\`는 꼭 적어야 하고, \`[…]\`는 적어도 되며,
\`...\`는 여러 번 적을 수 있고, \`a|b\`는 그 가운데 하나다. \`okstra <command> --help\`는 터미널에서 같은 것을 말한다.
\`okstra completion bash\`, \`zsh\`, \`fish\`, \`powershell\`은 Tab 키가 이를 완성하게 하는 스크립트를 출력한다.

모든 명령에 \`--help\`(\`-h\`)가 있다. \`--\` 뒤에 오는 것은 무엇으로 시작하든 인자다. 태스크는 \`<group>/<task>\`다.
\`--json\`이면 답도 오류도 표준 출력의 문서다. \`--json\`이 없는 명령에는 그렇다고 적혀 있다.`,
    groups: {
      Begin: "시작하기",
      Work: "일하기",
      Look: "살펴보기",
      Decide: "결정하기",
      "Hand off": "넘기기",
      Keep: "관리하기",
      Agents: "에이전트",
    },
    exits: "종료 상태",
    exitsHead: "| 종료 상태 | 뜻 |",
    exitsRows: [
      ["0", "했고, 답했다"],
      ["1", "할 수 없거나, okstra 밖의 무언가가 실패했다"],
      ["2", "명령줄이 잘못되었다"],
      ["3", "설정이 잘못되었다"],
      ["4", "다른 누군가가 바꾸었거나 쥐고 있다"],
      ["10", "게이트가 막고 있거나 사람이 필요하다"],
      ["70", "okstra의 결함"],
      ["129, 130, 143", "시그널로 끝났다 (연결 끊김, Ctrl-C, 종료)"],
    ],
    exitsAfter: "명령이 그보다 더 뜻하는 것은 그 명령에 적혀 있다. 모든 오류에는 코드가 있다: [errors.md](errors.md).",
    usage: "사용법",
    flags: "| 플래그 | 하는 일 |",
    arguments: "| 인자 | 무엇인가 |",
    required: "필수",
    again: "여러 번 적을 수 있다",
    otherwise: (value) => `기본: \`${value}\``,
    examples: "예",
    exit: "종료 상태",
    noJson: "`--json`은 없다.",
    fallback: (command, name) => `\`${command}\` 뒤에 명령이 없으면 \`${name}\`이다.`,
  },
};

/** Rows of scripts/generate.mjs. */
export const REFERENCE = [
  { path: "docs/en/commands.md", render: () => renderReference("en") },
  { path: "docs/kr/commands.md", render: () => renderReference("ko") },
];

/**
 * @param {"en" | "ko"} language
 * @returns {Promise<string>} the whole text
 * @throws {Error} naming every text that has no translation, or every command that is in no group
 */
async function renderReference(language) {
  const { routes, describeRoutes, listCommands, listUsageParts, EXAMPLES, EXIT_NOTES, GROUPS } = await loadDeclarations();
  const root = describeRoutes(routes);
  const words = WORDS[language];
  const { say, finish } = translator(language);

  const at = (name) => root.routes.find(({ path }) => path[0] === name);
  const groups = GROUPS.map(({ title, entries }) => ({
    title: words.groups[title] ?? title,
    routes: entries.map(({ name }) => at(name)).filter((route) => route !== undefined),
  })).filter(({ routes }) => routes.length > 0);
  const grouped = new Set(groups.flatMap(({ routes }) => routes));
  const forgotten = root.routes.filter((route) => !grouped.has(route)).map(({ path }) => path.join(" "));
  if (forgotten.length > 0) throw new Error(`in no group of packages/cli/help/groups.ts: ${forgotten.join(", ")}`);

  const index = groups.flatMap(({ title, routes }) => [
    `**${title}**: ${routes.map(({ path }) => `[${path[0]}](#okstra-${path[0]})`).join(", ")}`,
    "",
  ]);
  const flagRow = (flag) => {
    const value = flag.placeholder === null ? "" : ` ${flag.placeholder}`;
    const name = `${flag.alias === null ? "" : `\`-${flag.alias}\`, `}${code(`--${flag.name}${value}`)}`;
    const notes = [
      ...(flag.required ? [words.required] : []),
      ...(flag.repeats && flag.separator === null && !/\b(?:again|more)\b/u.test(flag.brief) ? [words.again] : []),
      ...(flag.defaultValue === null ? [] : [words.otherwise(flag.defaultValue)]),
    ];
    return `| ${name} | ${cell(say(flag.brief))}${notes.length === 0 ? "" : ` (${notes.join("; ")})`} |`;
  };
  const describe = (command) => {
    const key = command.path.join(" ");
    const { arguments: named, flags } = command;
    const examples = EXAMPLES[key] ?? [];
    return [
      ...fence("usage", wrapUsage(`okstra ${key}`, listUsageParts(command))),
      ...(named.length === 0
        ? []
        : table(
            words.arguments,
            named.map((each) => `| ${code(each.placeholder)} | ${cell(say(each.brief))} |`),
          )),
      ...(flags.length === 0 ? [] : table(words.flags, flags.map(flagRow))),
      ...(examples.length === 0 ? [] : [`${words.examples}:`, "", ...fence("sh", examples)]),
      ...(EXIT_NOTES[key] === undefined ? [] : [`${words.exit}: ${prose(say(EXIT_NOTES[key]))}.`, ""]),
      ...(flags.some(({ name }) => name === "json") ? [] : [words.noJson, ""]),
    ];
  };
  const tell = (route) => [prose(dot(say(route.description ?? route.brief))), ""];
  const render = (route) => {
    const name = `okstra ${route.path.join(" ")}`;
    if (route.routes.length === 0) return [`### ${name}`, "", ...tell(route), ...describe(route)];
    const fallback = route.routes.find(({ path }) => path.at(-1) === route.defaultRoute);
    return [
      `### ${name}`,
      "",
      ...tell(route),
      ...(fallback === undefined ? [] : [words.fallback(name, `okstra ${fallback.path.join(" ")}`), ""]),
      ...listCommands(route).flatMap((command) => [`#### okstra ${command.path.join(" ")}`, "", ...tell(command), ...describe(command)]),
    ];
  };
  const body = groups.flatMap(({ title, routes }) => [`## ${title}`, "", ...routes.flatMap(render)]);
  finish();
  return [
    `# ${words.title}`,
    "",
    "<!-- Generated by scripts/reference.mjs from the commands' declarations; do not edit. -->",
    "",
    words.intro,
    "",
    ...index,
    `## ${words.exits}`,
    "",
    ...table(
      words.exitsHead,
      words.exitsRows.map(([status, meaning]) => `| ${status} | ${meaning} |`),
    ),
    words.exitsAfter,
    "",
    ...body,
  ]
    .join("\n")
    .replace(/\n+$/u, "\n");
}

function table(head, rows) {
  const columns = head.split("|").length - 2;
  return [head, `|${" --- |".repeat(columns)}`, ...rows, ""];
}

function fence(language, lines) {
  return [`\`\`\`${language}`, ...lines, "```", ""];
}

/** A span of code in a table, where a bar is a border. */
function code(text) {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

function prose(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("*", "\\*").replaceAll("_", "\\_");
}

function cell(text) {
  return prose(text).replaceAll("|", "\\|");
}

function dot(text) {
  return /[.。…]$/u.test(text) ? text : `${text}.`;
}

function wrapUsage(name, parts) {
  const hang = " ".repeat(name.length + 1);
  const lines = [];
  let line = name;
  for (const part of parts) {
    if (line.length + 1 + part.length > WIDTH) {
      lines.push(line);
      line = `${hang}${part}`;
    } else line = `${line} ${part}`;
  }
  return [...lines, line];
}

const SOURCE = `
export { routes } from "./packages/cli/routes.ts";
export * from "./packages/cli/help/describe-routes.ts";
export * from "./packages/cli/help/examples.ts";
export * from "./packages/cli/help/exit-notes.ts";
export * from "./packages/cli/help/groups.ts";
export * from "./packages/cli/help/render-help.ts";
`;
let declarations;

/** Bundles the declarations once: the code of the commands themselves is loaded when they are called, and here none is. */
function loadDeclarations() {
  return (declarations ??= bundleDeclarations());
}

async function bundleDeclarations() {
  // Under node_modules, so that what stays outside of the bundle is found.
  const cache = join(ROOT, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "okstra-reference-"));
  try {
    const outfile = join(directory, "declarations.mjs");
    const declarationsOnly = {
      name: "declarations-only",
      setup: (plugin) =>
        plugin.onResolve({ filter: /^/ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : null)),
    };
    await build({
      absWorkingDir: ROOT,
      stdin: { contents: SOURCE, resolveDir: ROOT, loader: "ts" },
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      external: ["fs-native-extensions"],
      logLevel: "silent",
      plugins: [declarationsOnly],
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const check = process.argv.includes("--check");
  for (const { path, render } of REFERENCE) {
    const file = join(ROOT, path);
    const text = await render();
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    console.error(check ? `${path}: not up to date` : `wrote ${path}`);
    if (check) process.exitCode = 1;
    else writeFileSync(file, text);
  }
}

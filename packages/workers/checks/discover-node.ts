import type { Check, CheckKind, FoundCheck, ProjectRoot } from "./check.ts";

const SCRIPTS: readonly { readonly kind: CheckKind; readonly names: readonly string[] }[] = [
  { kind: "types", names: ["typecheck", "type-check", "types", "check-types", "check:types", "tsc"] },
  { kind: "lint", names: ["lint"] },
  { kind: "tests", names: ["test"] },
];

type PackageManager = "npm" | "pnpm" | "yarn" | "bun";
type Scripts = ReadonlyMap<string, string>;

const LOCKFILES: readonly (readonly [string, PackageManager])[] = [
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
  ["package-lock.json", "npm"],
];

/** Checks among the scripts of package.json; `check` only when there is none for types, lint and tests. */
export async function discoverNode(root: ProjectRoot): Promise<FoundCheck[]> {
  const text = await root.readText("package.json");
  const manifest = text === null ? null : parseManifest(text);
  if (manifest === null) return [];
  const manager = manifest.manager ?? (await findManager(root));
  const found = SCRIPTS.flatMap(({ kind, names }) => {
    const name = names.find((candidate) => isCheck(manifest.scripts.get(candidate)));
    const check = name === undefined ? null : makeCheck(kind, name, manifest.scripts, manager);
    return check === null ? [] : [check];
  });
  if (found.length > 0 || !isCheck(manifest.scripts.get("check"))) return found;
  const check = makeCheck("check", "check", manifest.scripts, manager);
  return check === null ? [] : [check];
}

/** The script `build` of package.json: no check by itself, for what it makes may lie in the tree. */
export async function discoverBuild(root: ProjectRoot): Promise<Check[]> {
  const text = await root.readText("package.json");
  const manifest = text === null ? null : parseManifest(text);
  const body = manifest?.scripts.get("build");
  if (manifest === null || !isCheck(body) || WATCHES.test(body)) return [];
  return [{ name: "build", command: `${manifest.manager ?? (await findManager(root))} run build` }];
}

function parseManifest(text: string): { readonly scripts: Scripts; readonly manager: PackageManager | null } | null {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    return null;
  }
  if (typeof manifest !== "object" || manifest === null) return null;
  const { scripts, packageManager } = manifest as { scripts?: unknown; packageManager?: unknown };
  const entries = typeof scripts === "object" && scripts !== null ? Object.entries(scripts) : [];
  const named = typeof packageManager === "string" ? /^(npm|pnpm|yarn|bun)(?:@|$)/.exec(packageManager)?.[1] : undefined;
  return {
    scripts: new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string")),
    manager: (named as PackageManager | undefined) ?? null,
  };
}

async function findManager(root: ProjectRoot): Promise<PackageManager> {
  for (const [file, manager] of LOCKFILES) {
    if ((await root.readText(file)) !== null) return manager;
  }
  return "npm";
}

/** npm init's placeholder is no test. */
function isCheck(body: string | undefined): body is string {
  return body !== undefined && body.trim() !== "" && !(/no test specified/.test(body) && /exit 1/.test(body));
}

/** Shell syntax that makes an appended argument reach another command than the tool. */
const SHELL = /[&|;<>`$()\n#\\]/;
const WATCHES = /(?:^|[\s"'])(?:--watch(?:-?all)?(?:=true)?|nodemon|chokidar|watchexec|tsc-watch|onchange)(?=[\s"';&|)]|$)/i;

function makeCheck(kind: CheckKind, name: string, scripts: Scripts, manager: PackageManager): FoundCheck | null {
  const body = scripts.get(name) ?? "";
  const run = `${manager} run ${name}`;
  const plain = SHELL.test(body) ? null : splitWords(body);
  const fitted = plain === null ? null : fitTool(plain, hasHooks(name, scripts));
  if (fitted !== null) {
    const format = fitted.format === undefined ? {} : { format: fitted.format };
    if ("instead" in fitted) return { kind, name, command: fitted.instead, ...format };
    // npm alone needs the separator; pnpm and yarn would hand it on.
    const rest = fitted.append.length === 0 ? [] : [...(manager === "npm" ? ["--"] : []), ...fitted.append];
    return { kind, name, command: [fitted.env, run, ...rest].filter((part) => part !== undefined).join(" "), ...format };
  }
  if (WATCHES.test(body)) return null;
  // Scripts around these watch unless they think that they run in CI.
  return { kind, name, command: /\breact-scripts test\b|\bng test\b/.test(body) ? `CI=true ${run}` : run };
}

/** npm runs `pre<name>` and `post<name>` around a script: then only the script itself may be called. */
function hasHooks(name: string, scripts: Scripts): boolean {
  return scripts.has(`pre${name}`) || scripts.has(`post${name}`);
}

type Fitted =
  | { readonly append: readonly string[]; readonly env?: string; readonly format?: string }
  | { readonly instead: string; readonly format?: string };

interface Words {
  /** Assignments before the program, `cross-env` left out. */
  readonly env: readonly string[];
  readonly program: string;
  readonly args: readonly string[];
  readonly body: string;
}

function splitWords(body: string): Words | null {
  const words = body.trim().split(/\s+/);
  const isEnv = (word: string): boolean => /^\w+=/.test(word) || word === "cross-env" || word === "npx";
  const start = words.findIndex((word) => !isEnv(word));
  const program = words[start];
  if (program === undefined) return null;
  return { env: words.slice(0, start).filter((word) => word.includes("=")), program, args: words.slice(start + 1), body };
}

/** What makes the tool of a plain script write for a machine and end by itself; null when it is not known. */
function fitTool(words: Words, hasHooksAround: boolean): Fitted | null {
  const { program, args } = words;
  const has = (...flags: string[]): boolean => args.some((arg) => flags.some((flag) => arg === flag || arg.startsWith(`${flag}=`)));
  switch (program) {
    case "vitest": {
      if (["bench", "list", "init", "typecheck"].includes(args[0] ?? "")) return null;
      const run = [...(args[0] === "run" || has("--run") ? [] : ["--run"]), ...(has("--ui") ? ["--ui=false"] : [])];
      return has("--reporter", "--outputFile") ? { append: run } : { append: [...run, "--reporter=json"], format: "vitest" };
    }
    case "jest": {
      const calm = has("--watch", "--watchAll") ? ["--watch=false", "--watchAll=false"] : [];
      return has("--json", "--outputFile") ? { append: calm } : { append: [...calm, "--json"], format: "jest" };
    }
    case "node":
      return fitNodeTest(words, hasHooksAround);
    case "eslint": {
      // A check leaves the tree as it is.
      const calm = has("--fix") ? ["--no-fix"] : [];
      return has("-f", "--format", "-o", "--output-file") ? { append: calm } : { append: [...calm, "--format", "json"], format: "eslint" };
    }
    case "tsc":
    case "vue-tsc":
      return has("--watch", "-w", "--w") ? { append: ["--watch", "false"], format: "tsc" } : { append: [], format: "tsc" };
    case "mocha": {
      const calm = has("--watch", "-w") ? ["--no-watch"] : [];
      return has("--reporter", "-R", "--reporter-option", "--reporter-options", "-O")
        ? { append: calm }
        : { append: [...calm, "--reporter", "xunit"], format: "junit" };
    }
    case "tap":
      return has("--reporter", "-R", "repl") ? null : { append: ["--reporter=tap"], format: "tap" };
    case "tape":
      return { append: [], format: "tap" };
    case "react-scripts":
      return args[0] === "test" ? { append: ["--watchAll=false"], env: "CI=true" } : null;
    case "ng":
      return args[0] === "test" ? { append: ["--watch=false"], env: "CI=true" } : null;
    default:
      return null;
  }
}

/** node takes its options only before the files, so the script's line itself is run, unless hooks belong to it. */
function fitNodeTest({ env, args, body }: Words, hasHooksAround: boolean): Fitted | null {
  if (!args.includes("--test")) return null;
  const hasReporter = args.some((arg) => arg.startsWith("--test-reporter"));
  const watches = args.includes("--watch");
  if ((hasReporter && !watches) || /['"]/.test(body)) return watches ? null : { append: [] };
  if (hasHooksAround) return watches ? null : { append: [], format: "tap" };
  const rest = args
    .filter((arg) => arg !== "--watch")
    .flatMap((arg) => (arg === "--test" && !hasReporter ? [arg, "--test-reporter=tap"] : [arg]));
  return { instead: [...env, "node", ...rest].join(" "), ...(hasReporter ? {} : { format: "tap" }) };
}

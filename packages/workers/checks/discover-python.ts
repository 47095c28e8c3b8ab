import { parse } from "smol-toml";
import type { FoundCheck, ProjectRoot } from "./check.ts";

const LOCKFILES: readonly (readonly [string, string])[] = [
  ["uv.lock", "uv run "],
  ["poetry.lock", "poetry run "],
  ["pdm.lock", "pdm run "],
  ["Pipfile.lock", "pipenv run "],
];

/** mypy, ruff and pytest (or else tox) where the project configures them or depends on them. */
export async function discoverPython(root: ProjectRoot): Promise<FoundCheck[]> {
  const text = await root.readText("pyproject.toml");
  const project = text === null ? {} : parseToml(text);
  const has = async (...files: readonly string[]): Promise<boolean> => {
    for (const file of files) if ((await root.readText(file)) !== null) return true;
    return false;
  };
  const hasSection = async (file: string, section: string): Promise<boolean> =>
    ((await root.readText(file)) ?? "").split(/\r?\n/).includes(section);
  const depends = (name: string): boolean => requirementsOf(project).includes(name);
  const prefix = await findPrefix(root);
  const checks: FoundCheck[] = [];

  const mypy = tableAt(project, "tool", "mypy");
  if (mypy !== null || (await has("mypy.ini", ".mypy.ini"))) {
    const names = mypy !== null && ["files", "packages", "modules"].some((key) => key in mypy);
    checks.push({ kind: "types", name: "mypy", command: `${prefix.tool}mypy${names ? "" : " ."}` });
  }
  if (tableAt(project, "tool", "ruff") !== null || (await has("ruff.toml", ".ruff.toml"))) {
    checks.push({ kind: "lint", name: "ruff", command: `${prefix.tool}ruff check --no-fix --output-format=sarif`, format: "sarif" });
  }
  const isPytest =
    tableAt(project, "tool", "pytest") !== null ||
    depends("pytest") ||
    (await has("pytest.ini", ".pytest.ini", "conftest.py")) ||
    (await hasSection("setup.cfg", "[tool:pytest]")) ||
    (await hasSection("tox.ini", "[pytest]"));
  if (isPytest) checks.push({ kind: "tests", name: "pytest", command: `${prefix.python} -m pytest`, format: "pytest" });
  else if (await hasSection("tox.ini", "[testenv]")) checks.push({ kind: "tests", name: "tox", command: `${prefix.tool}tox` });
  return checks;
}

/** How the project's own tools are reached: its lock file's runner, its .venv, else PATH. */
async function findPrefix(root: ProjectRoot): Promise<{ readonly tool: string; readonly python: string }> {
  for (const [file, run] of LOCKFILES) {
    if ((await root.readText(file)) !== null) return { tool: run, python: `${run}python` };
  }
  if ((await root.readText(".venv/pyvenv.cfg")) !== null) return { tool: ".venv/bin/", python: ".venv/bin/python" };
  return { tool: "", python: "python3" };
}

type Table = Readonly<Record<string, unknown>>;

/** A file that is no TOML configures nothing. */
export function parseToml(text: string): Table {
  try {
    return parse(text);
  } catch {
    return {};
  }
}

/** The table at that path, null when there is none. */
export function tableAt(table: Table, ...path: readonly string[]): Table | null {
  let current: unknown = table;
  for (const key of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, key)) return null;
    current = (current as Table)[key];
  }
  return typeof current === "object" && current !== null && !Array.isArray(current) ? (current as Table) : null;
}

/** Names of what the project depends on, in its extras and groups too. */
function requirementsOf(project: Table): string[] {
  const lists: unknown[] = [
    tableAt(project, "project")?.["dependencies"],
    ...Object.values(tableAt(project, "project", "optional-dependencies") ?? {}),
    ...Object.values(tableAt(project, "dependency-groups") ?? {}),
    tableAt(project, "tool", "uv")?.["dev-dependencies"],
  ];
  const poetry = tableAt(project, "tool", "poetry") ?? {};
  const groups = Object.keys(tableAt(poetry, "group") ?? {}).map((group) => tableAt(poetry, "group", group, "dependencies"));
  const tables = [tableAt(poetry, "dependencies"), tableAt(poetry, "dev-dependencies"), ...groups];
  const listed = lists.flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  const names = listed.flatMap((entry) => (typeof entry === "string" ? (/^[\w.-]+/.exec(entry)?.[0] ?? []) : []));
  return [...names, ...tables.flatMap((table) => Object.keys(table ?? {}))].map((name) => name.toLowerCase());
}

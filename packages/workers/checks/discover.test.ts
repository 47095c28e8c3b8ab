import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { discoverChecks } from "./discover.ts";
import { readTargets } from "./discover-native.ts";
import { discoverBuild } from "./discover-node.ts";

type Files = Readonly<Record<string, string>>;

const discover = (files: Files) =>
  discoverChecks({ readText: (name) => Promise.resolve(Object.hasOwn(files, name) ? (files[name] ?? null) : null) });

/** Name, command and format of each check on one line. */
async function listChecks(files: Files): Promise<string[]> {
  return (await discover(files)).map((check) => `${check.name} | ${check.command} | ${check.format ?? "-"}`);
}

const packageJson = (scripts: object, more: object = {}): Files => ({ "package.json": JSON.stringify({ name: "proj", scripts, ...more }) });
const testScript = (body: string, scripts: object = {}) => listChecks(packageJson({ test: body, ...scripts }));

describe("package.json", () => {
  test("types come before lint before tests, whatever order the scripts have", async () => {
    expect(await listChecks(packageJson({ test: "vitest", lint: "eslint .", typecheck: "tsc --noEmit", build: "x" }))).toEqual([
      "typecheck | npm run typecheck | tsc",
      "lint | npm run lint -- --format json | eslint",
      "test | npm run test -- --run --reporter=json | vitest",
    ]);
  });

  test.each([
    ["type-check", "tsc -p ."],
    ["types", "tsc"],
    ["tsc", "tsc"],
    ["check-types", "tsc"],
  ])("%s is a script for types", async (name, body) => {
    expect(await listChecks(packageJson({ [name]: body }))).toEqual([`${name} | npm run ${name} | tsc`]);
  });

  test("check counts only when there is nothing for types, lint and tests", async () => {
    const placeholder = 'echo "Error: no test specified" && exit 1';
    expect(await listChecks(packageJson({ check: "tsc && eslint . && vitest run" }))).toEqual(["check | npm run check | -"]);
    expect(await listChecks(packageJson({ check: "a && b", test: placeholder }))).toEqual(["check | npm run check | -"]);
    expect(await listChecks(packageJson({ check: "a && b", lint: "oxlint" }))).toEqual(["lint | npm run lint | -"]);
  });

  test("npm init's placeholder, an empty script and what is no script give nothing", async () => {
    expect(await testScript('echo "Error: no test specified" && exit 1')).toEqual([]);
    expect(await testScript("  ")).toEqual([]);
    expect(await listChecks(packageJson({ test: 3, lint: null }))).toEqual([]);
    for (const text of ["", "{", "null", "[]", '"x"', '{"scripts":"test"}', '{"scripts":null}'])
      expect(await listChecks({ "package.json": text }), text).toEqual([]);
  });

  test.each([
    ["npm", {}, {}, "npm run lint -- --format json"],
    ["package-lock.json", {}, { "package-lock.json": "{}" }, "npm run lint -- --format json"],
    ["pnpm-lock.yaml", {}, { "pnpm-lock.yaml": "" }, "pnpm run lint --format json"],
    ["yarn.lock", {}, { "yarn.lock": "" }, "yarn run lint --format json"],
    ["bun.lock", {}, { "bun.lock": "" }, "bun run lint --format json"],
    ["bun.lockb", {}, { "bun.lockb": "\u0000" }, "bun run lint --format json"],
    ["packageManager", { packageManager: "pnpm@9.1.0+sha512.abc" }, { "package-lock.json": "{}" }, "pnpm run lint --format json"],
    ["an unknown packageManager", { packageManager: "cargo@1" }, { "yarn.lock": "" }, "yarn run lint --format json"],
  ])("%s decides who runs scripts", async (_name, manifest, files, command) => {
    expect(await listChecks({ ...packageJson({ lint: "eslint ." }, manifest), ...files })).toEqual([`lint | ${command} | eslint`]);
  });

  test.each([
    ["vitest run", "npm run test -- --reporter=json | vitest"],
    ["vitest", "npm run test -- --run --reporter=json | vitest"],
    ["vitest watch", "npm run test -- --run --reporter=json | vitest"],
    ["vitest --watch", "npm run test -- --run --reporter=json | vitest"],
    ["vitest --ui", "npm run test -- --run --ui=false --reporter=json | vitest"],
    ["vitest run --coverage", "npm run test -- --reporter=json | vitest"],
    ["vitest run --reporter=verbose", "npm run test | -"],
    ["vitest --reporter dot", "npm run test -- --run | -"],
    ["npx vitest run", "npm run test -- --reporter=json | vitest"],
    ["cross-env NODE_ENV=test vitest run", "npm run test -- --reporter=json | vitest"],
    ["jest", "npm run test -- --json | jest"],
    ["TZ=UTC jest --coverage", "npm run test -- --json | jest"],
    ["jest --watch", "npm run test -- --watch=false --watchAll=false --json | jest"],
    ["jest --watchAll=true", "npm run test -- --watch=false --watchAll=false --json | jest"],
    ["node --test", "node --test --test-reporter=tap | tap"],
    ["node --import tsx --test test/*.test.ts", "node --import tsx --test --test-reporter=tap test/*.test.ts | tap"],
    ["NODE_ENV=test node --test --watch", "NODE_ENV=test node --test --test-reporter=tap | tap"],
    ["node --test --test-reporter=spec", "npm run test | -"],
    ["node test.js", "npm run test | -"],
    ["mocha", "npm run test -- --reporter xunit | junit"],
    ["mocha -w", "npm run test -- --no-watch --reporter xunit | junit"],
    ["mocha --reporter dot", "npm run test | -"],
    ["tap", "npm run test -- --reporter=tap | tap"],
    ["tape test/*.js", "npm run test | tap"],
    ["react-scripts test", "CI=true npm run test -- --watchAll=false | -"],
    ["ng test", "CI=true npm run test -- --watch=false | -"],
    ["tsc && vitest run", "npm run test | -"],
    ["npm run build; jest", "npm run test | -"],
    ["tsc && react-scripts test", "CI=true npm run test | -"],
  ])("test script %j", async (body, expected) => {
    expect(await testScript(body)).toEqual([`test | ${expected}`]);
  });

  test.each([
    ["eslint .", "npm run lint -- --format json | eslint"],
    ["eslint . --fix", "npm run lint -- --no-fix --format json | eslint"],
    ["eslint --fix -f stylish .", "npm run lint -- --no-fix | -"],
    ["eslint . -o report.txt", "npm run lint | -"],
    ["eslint . && prettier --check .", "npm run lint | -"],
    ["tsc --watch", "npm run lint -- --watch false | tsc"],
  ])("lint script %j", async (body, expected) => {
    expect(await listChecks(packageJson({ lint: body }))).toEqual([`lint | ${expected}`]);
  });

  test.each([
    "nodemon --exec jest",
    "tsc -p . && jest --watch",
    "chokidar src -c 'npm t'",
    "npm run build && vitest --watch",
    "concurrently 'jest --watchAll' & wait",
  ])("%j would watch without end and is left out", async (body) => {
    expect(await testScript(body)).toEqual([]);
  });

  test("node's own line is not taken out of its hooks", async () => {
    expect(await testScript("node --test", { pretest: "npm run build" })).toEqual(["test | npm run test | tap"]);
    expect(await testScript("node --test --watch", { posttest: "x" })).toEqual([]);
  });
});

test("the build is no check by itself; it is offered where there is one that ends", async () => {
  const build = (files: Files) => discoverBuild({ readText: (name) => Promise.resolve(files[name] ?? null) });
  expect(await build({ ...packageJson({ build: "tsc" }), "yarn.lock": "" })).toEqual([{ name: "build", command: "yarn run build" }]);
  expect(await build(packageJson({ build: "tsc --watch" }))).toEqual([]);
  expect(await build(packageJson({ test: "x" }))).toEqual([]);
  expect(await build({ "package.json": "no JSON" })).toEqual([]);
});

describe("other projects", () => {
  test.each<[string, Files, readonly string[]]>([
    ["maven", { "pom.xml": "<project/>" }, ["mvn test | mvn --batch-mode test | -"]],
    ["maven with its wrapper", { "pom.xml": "<project/>", mvnw: "#!/bin/sh" }, ["mvn test | ./mvnw --batch-mode test | -"]],
    ["gradle", { "build.gradle.kts": "" }, ["gradle test | gradle --console=plain test | -"]],
    ["gradle with its wrapper", { "settings.gradle": "", gradlew: "" }, ["gradle test | ./gradlew --console=plain test | -"]],
    ["both: maven's file alone", { "pom.xml": "", "build.gradle": "" }, ["mvn test | mvn --batch-mode test | -"]],
  ])("%s", async (_, files, checks) => {
    expect(await listChecks({ ...files, Makefile: "test:\n\ttrue\n" })).toEqual(checks);
  });

  test("tox runs the tests where pytest is not known to", async () => {
    expect(await listChecks({ "tox.ini": "[testenv]\ncommands = nosetests\n" })).toEqual(["tox | tox | -"]);
    expect(await listChecks({ "tox.ini": "[testenv]\n", "conftest.py": "" })).toEqual(["pytest | python3 -m pytest | pytest"]);
    expect(await listChecks({ "tox.ini": "[flake8]\n" })).toEqual([]);
  });

  test("python: mypy, ruff and pytest where they are configured", async () => {
    const toml = '[project]\nname="p"\n[tool.pytest.ini_options]\n[tool.ruff]\nline-length=100\n[tool.mypy]\nstrict=true\n';
    expect(await listChecks({ "pyproject.toml": toml })).toEqual([
      "mypy | mypy . | -",
      "ruff | ruff check --no-fix --output-format=sarif | sarif",
      "pytest | python3 -m pytest | pytest",
    ]);
    expect(await listChecks({ "pyproject.toml": toml, "uv.lock": "" })).toEqual([
      "mypy | uv run mypy . | -",
      "ruff | uv run ruff check --no-fix --output-format=sarif | sarif",
      "pytest | uv run python -m pytest | pytest",
    ]);
    expect(await listChecks({ "pyproject.toml": '[tool.mypy]\nfiles=["src"]\n', ".venv/pyvenv.cfg": "" })).toEqual([
      "mypy | .venv/bin/mypy | -",
    ]);
  });

  test.each([
    ["a dependency", { "pyproject.toml": '[project]\ndependencies=["pytest>=7"]\n' }],
    ["an extra", { "pyproject.toml": '[project.optional-dependencies]\ntest=["pytest[x] ; python_version > \\"3\\""]\n' }],
    ["a group", { "pyproject.toml": '[dependency-groups]\ndev=["PyTest==8", {include-group="x"}]\n' }],
    ["a poetry group", { "pyproject.toml": '[tool.poetry.group.dev.dependencies]\npytest="^8"\n' }],
    ["pytest.ini", { "pytest.ini": "[pytest]\n" }],
    ["conftest.py", { "conftest.py": "" }],
    ["setup.cfg", { "setup.cfg": "[metadata]\n[tool:pytest]\n" }],
    ["tox.ini", { "tox.ini": "[pytest]\r\n" }],
  ])("pytest is known by %s", async (_name, files) => {
    expect(await listChecks(files)).toEqual(["pytest | python3 -m pytest | pytest"]);
  });

  test("python without any of them, and broken TOML, give nothing", async () => {
    for (const text of [
      "",
      '[project]\nname="p"\n',
      "[tool",
      'tool="x"',
      'project="x"',
      '[project]\ndependencies="pytest"\n',
      "[[tool.pytest]]",
    ]) {
      expect(await listChecks({ "pyproject.toml": text, "setup.cfg": "[metadata]\n", "tox.ini": "[tox]\n" }), text).toEqual([]);
    }
  });

  test("cargo: tests, and clippy where it is configured", async () => {
    const cargoTest = "cargo test | cargo test --no-fail-fast --message-format=json | cargo";
    expect(await listChecks({ "Cargo.toml": '[package]\nname="p"\n' })).toEqual([cargoTest]);
    expect(await listChecks({ "Cargo.toml": "broken [" })).toEqual([cargoTest]);
    expect(await listChecks({ "Cargo.toml": '[workspace]\nmembers=["a"]\n[workspace.lints.clippy]\nall="warn"\n' })).toEqual([
      "cargo clippy | cargo clippy --workspace --all-targets --message-format=json | cargo",
      "cargo test | cargo test --workspace --no-fail-fast --message-format=json | cargo",
    ]);
    expect(await listChecks({ "Cargo.toml": "", "clippy.toml": "" })).toHaveLength(2);
  });

  test("go: vet before tests", async () => {
    expect(await listChecks({ "go.mod": "module example.com/p\n" })).toEqual([
      "go vet | go vet ./... | go",
      "go test | go test -json ./... | go",
    ]);
  });

  test("a makefile gives what nothing else gives", async () => {
    const Makefile = "all: build\n.PHONY: lint test check\nlint:\n\trun\ntest: build\n\trun\ncheck: lint test\n";
    expect(await listChecks({ Makefile })).toEqual(["make lint | make lint | -", "make test | make test | -"]);
    expect(await listChecks({ Makefile: "check:\n\trun\n" })).toEqual(["make check | make check | -"]);
    expect(await listChecks({ Makefile, ...packageJson({ test: "jest" }) })).toEqual([
      "make lint | make lint | -",
      "test | npm run test -- --json | jest",
    ]);
    expect(await listChecks({ Makefile: "check:\n", ...packageJson({ test: "jest" }) })).toEqual(["test | npm run test -- --json | jest"]);
    expect(await listChecks({ Makefile, GNUmakefile: "test:\n" })).toEqual(["make test | make test | -"]);
    expect(await listChecks({ Makefile: "all:\n\techo lint: test:\n" })).toEqual([]);
  });

  test("several languages in one project come together", async () => {
    const names = (
      await discover({ ...packageJson({ test: "jest", lint: "eslint ." }), "go.mod": "", "Cargo.toml": "", "pytest.ini": "" })
    ).map((check) => check.name);
    expect(names).toEqual(["lint", "go vet", "test", "pytest", "cargo test", "go test"]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("an empty project has none", async () => {
    expect(await discover({})).toEqual([]);
  });
});

test("make's assignments, patterns, special targets, recipes and defines are no targets", () => {
  const text = [
    "A := lint",
    "B ::= test",
    "C = check: x",
    "D ?= test",
    "E += test:",
    "%.o: %.c",
    ".PHONY: lint",
    "$(OBJ): x",
    "# test: comment",
    "define X",
    "lint:",
    "endef",
    "\ttest:",
    "one two : three",
    "double:: x",
    "grouped &: x",
    "long \\",
    "  tail: x",
  ].join("\n");
  expect([...readTargets(text)].toSorted()).toEqual(["&", "double", "grouped", "long", "one", "tail", "two"]);
});

test("whatever the files hold, discovery answers and no command has a line break", async () => {
  const names = ["package.json", "pyproject.toml", "Makefile", "Cargo.toml", "go.mod", "setup.cfg", "tox.ini"];
  const script = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom("vitest", "jest --watch", "node --test", "eslint --fix ."));
  const manifest = fc.record({ test: script, lint: script, check: script }).map((scripts) => JSON.stringify({ scripts }));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), fc.string({ maxLength: 80 })), fc.option(manifest), async (files, text) => {
      const checks = await discover({ ...files, ...(text === null ? {} : { "package.json": text }) });
      for (const check of checks) expect(check.command).toMatch(/^\S.*$/);
    }),
    { numRuns: 300 },
  );
});

import type { CheckKind, FoundCheck, ProjectRoot } from "./check.ts";
import { parseToml, tableAt } from "./discover-python.ts";

/** `cargo test` builds all and so covers `cargo check`; clippy runs where the project configures it. */
export async function discoverCargo(root: ProjectRoot): Promise<FoundCheck[]> {
  const text = await root.readText("Cargo.toml");
  if (text === null) return [];
  const manifest = parseToml(text);
  const scope = tableAt(manifest, "workspace") === null ? "" : " --workspace";
  const hasLints = tableAt(manifest, "lints", "clippy") !== null || tableAt(manifest, "workspace", "lints", "clippy") !== null;
  const hasClippy = hasLints || (await root.readText("clippy.toml")) !== null || (await root.readText(".clippy.toml")) !== null;
  const clippy: FoundCheck = {
    kind: "lint",
    name: "cargo clippy",
    command: `cargo clippy${scope} --all-targets --message-format=json`,
    format: "cargo",
  };
  const test: FoundCheck = {
    kind: "tests",
    name: "cargo test",
    command: `cargo test${scope} --no-fail-fast --message-format=json`,
    format: "cargo",
  };
  return hasClippy ? [clippy, test] : [test];
}

export async function discoverGo(root: ProjectRoot): Promise<FoundCheck[]> {
  if ((await root.readText("go.mod")) === null) return [];
  return [
    { kind: "lint", name: "go vet", command: "go vet ./...", format: "go" },
    { kind: "tests", name: "go test", command: "go test -json ./...", format: "go" },
  ];
}

/** The names under which make looks for its file, in its order. */
const MAKEFILES = ["GNUmakefile", "makefile", "Makefile"];
const TARGETS: readonly (readonly [CheckKind, string])[] = [
  ["lint", "lint"],
  ["tests", "test"],
];

/** The targets lint and test for the kinds that nothing else gave; check when there is nothing else at all. */
export async function discoverMake(root: ProjectRoot, known: ReadonlySet<CheckKind>): Promise<FoundCheck[]> {
  for (const file of MAKEFILES) {
    const text = await root.readText(file);
    if (text === null) continue;
    const targets = readTargets(text);
    const found = TARGETS.filter(([kind, target]) => !known.has(kind) && targets.has(target)).map(([kind, target]) =>
      makeTarget(kind, target),
    );
    return found.length === 0 && known.size === 0 && targets.has("check") ? [makeTarget("check", "check")] : found;
  }
  return [];
}

function makeTarget(kind: CheckKind, target: string): FoundCheck {
  return { kind, name: `make ${target}`, command: `make ${target}` };
}

/** The explicit targets of a makefile: no pattern rules, special targets, assignments, recipes or defines. */
export function readTargets(text: string): ReadonlySet<string> {
  const targets = new Set<string>();
  let isDefine = false;
  for (const line of text.replace(/\\\r?\n/g, " ").split(/\r?\n/)) {
    if (/^\s*define\s/.test(line)) isDefine = true;
    else if (/^\s*endef\b/.test(line)) isDefine = false;
    if (isDefine || line.startsWith("\t")) continue;
    // `a b: c` and `a:: c`, but neither `a := c` nor `a ::= c`.
    const rule = /^ *([^\s:#=][^:#=]*?) *::?(?![:=])/.exec(line.slice(0, 4000));
    for (const target of rule?.[1]?.split(/\s+/) ?? []) {
      if (!target.startsWith(".") && !/[%$]/.test(target)) targets.add(target);
    }
  }
  return targets;
}

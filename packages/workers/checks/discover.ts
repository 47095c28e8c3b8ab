import type { Check, CheckKind, ProjectRoot } from "./check.ts";
import { discoverCargo, discoverGo, discoverMake } from "./discover-native.ts";
import { discoverJvm } from "./discover-jvm.ts";
import { discoverNode } from "./discover-node.ts";
import { discoverPython } from "./discover-python.ts";

export type { Check, ProjectRoot } from "./check.ts";

const ORDER: readonly CheckKind[] = ["types", "lint", "tests", "check"];

/**
 * The project's own checks, types before lint before tests: package.json scripts, pyproject.toml, Cargo.toml, go.mod,
 * pom.xml or a Gradle build, and Makefile targets for what those leave open. A file that cannot be read as what it is gives none.
 */
export async function discoverChecks(root: ProjectRoot): Promise<Check[]> {
  const found = [
    ...(await discoverNode(root)),
    ...(await discoverPython(root)),
    ...(await discoverCargo(root)),
    ...(await discoverGo(root)),
    ...(await discoverJvm(root)),
  ];
  const kinds = new Set(found.map((check) => check.kind));
  const all = [...found, ...(await discoverMake(root, kinds))];
  return ORDER.flatMap((kind) => all.filter((check) => check.kind === kind)).map(({ kind: _kind, ...check }) => check);
}

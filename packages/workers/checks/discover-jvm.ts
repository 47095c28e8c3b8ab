import type { FoundCheck, ProjectRoot } from "./check.ts";

const GRADLE_FILES = ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];

/** The tests of a Maven or a Gradle build, by the project's own wrapper where it has one. */
export async function discoverJvm(root: ProjectRoot): Promise<FoundCheck[]> {
  if ((await root.readText("pom.xml")) !== null) {
    const mvn = (await root.readText("mvnw")) === null ? "mvn" : "./mvnw";
    return [{ kind: "tests", name: "mvn test", command: `${mvn} --batch-mode test` }];
  }
  for (const file of GRADLE_FILES) {
    if ((await root.readText(file)) === null) continue;
    const gradle = (await root.readText("gradlew")) === null ? "gradle" : "./gradlew";
    return [{ kind: "tests", name: "gradle test", command: `${gradle} --console=plain test` }];
  }
  return [];
}

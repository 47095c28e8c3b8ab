/** Directories whose content is tests, or what tests read: fixtures, snapshots, `testdata` of Go. */
const TEST_DIRECTORIES = new Set([
  "test",
  "tests",
  "__test__",
  "__tests__",
  "__mocks__",
  "__snapshots__",
  "__fixtures__",
  "spec",
  "specs",
  "e2e",
  "testdata",
]);

/** File names of tests outside such a directory, by language. */
const TEST_NAMES: readonly RegExp[] = [
  // JavaScript and TypeScript: a.test.ts, a.spec.jsx, a-test.js, and their snapshots
  /[._-](?:test|spec)\.[cm]?[jt]sx?$/,
  /\.(?:test|spec)\.[cm]?[jt]sx?\.snap$/,
  // Python: test_a.py, a_test.py, conftest.py
  /^(?:test_.*|.*_test|conftest)\.py$/,
  // Go: a_test.go
  /_test\.go$/,
  // Rust: tests.rs, test.rs and a_test.rs beside the source; tests within a source file cannot be told from it
  /^(?:.*_)?tests?\.rs$/,
  // Java, Kotlin, Groovy, Scala: ATest.java, TestA.java, ATests.kt, AIT.java, ASpec.groovy
  /^(?:Test[A-Z].*|.*(?:Test|Tests|TestCase|IT|Spec))\.(?:java|kt|groovy|scala)$/,
  // Ruby: a_spec.rb, a_test.rb, test_a.rb
  /^(?:.*_(?:spec|test)|test_.*|spec_helper)\.rb$/,
];

/** Whether a path (`/` between parts) looks like a test's in JS/TS, Python, Go, Rust, Java and its kin, or Ruby. */
export function isTestFile(path: string): boolean {
  const parts = path.split("/");
  const name = parts.pop() ?? "";
  return parts.some((part) => TEST_DIRECTORIES.has(part)) || TEST_NAMES.some((pattern) => pattern.test(name));
}

import { expect, test } from "vitest";
import { isTestFile } from "./test-files.ts";

test.each([
  ["JavaScript and TypeScript", ["a.test.ts", "src/a.spec.jsx", "src/a-test.mjs", "__tests__/a.js", "src/a.test.ts.snap"]],
  ["Python", ["test_a.py", "pkg/a_test.py", "conftest.py", "tests/data/one.json"]],
  ["Go", ["pkg/a_test.go", "pkg/testdata/in.golden"]],
  ["Rust", ["tests/a.rs", "src/parser/tests.rs", "src/parser_test.rs"]],
  ["Java and its kin", ["src/test/java/a/A.java", "a/ATest.java", "a/TestA.kt", "a/AIT.java", "a/ASpec.groovy"]],
  ["Ruby", ["spec/a_spec.rb", "a_test.rb", "lib/test_a.rb", "spec/spec_helper.rb"]],
])("tests of %s", (_, paths) => {
  expect(paths.filter((path) => !isTestFile(path))).toEqual([]);
});

test("what is no test", () => {
  const paths = [
    "src/a.ts",
    "contest.py",
    "latest.js",
    "src/attestation.go",
    "Testing.java",
    "lib/request.rb",
    "test",
    "src/spec",
    "a.test.md",
  ];
  expect(paths.filter(isTestFile)).toEqual([]);
});

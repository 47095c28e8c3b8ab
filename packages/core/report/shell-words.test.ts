import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { neutralise } from "./neutral-text.ts";
import { formatCommandLine, quoteForShell } from "./shell-words.ts";

test.each([
  ["okstra", "okstra"],
  ["refs/heads/a:refs/heads/a", "refs/heads/a:refs/heads/a"],
  ["-c", "-c"],
  ["a=b", "a=b"],
  ["=a", "'=a'"],
  ["", "''"],
  ["it's", "'it'\\''s'"],
  ["$(id) `id` | & ; \\", "'$(id) `id` | & ; \\'"],
  ["주문 환불", "'주문 환불'"],
  ["a\nb", "$'a\\012b'"],
  ["a   b c", "$'a \\040\\040b c'"],
  ["\u001B]8;;x\u0007'\\", "$'\\033]8;;x\\007\\'\\\\'"],
  ["\u202Eb1", "$'\\342\\200\\256b1'"],
  ["\uD800", "$'\\357\\277\\275'"],
])("%j is written as %s", (word, shown) => {
  expect(quoteForShell(word)).toBe(shown);
});

test("case 52: a command line shows every acting character instead of sending it", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("  ", " ", "a   b"))), (argv) => {
      const line = formatCommandLine(argv);
      expect(neutralise(line)).toBe(line);
      expect(line).not.toContain("  ");
    }),
  );
});

test("a shell reads a copied command line as the same words", (context) => {
  if (spawnSync("bash", ["-c", ":"]).status !== 0) context.skip("there is no bash");
  const word = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll(/[\0\p{Cs}]/gu, "")),
    fc.constantFrom("'", "\\", "\n", "\t\u001B\u202E1", "$HOME", "~", "*", "-n", "a=b", "!!", "#x", "{a,b}", "  ", "%s"),
  );
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (argv) => {
      const answer = spawnSync("bash", ["-c", formatCommandLine(["printf", "%s\\0", "--", ...argv])], { encoding: "utf8" });
      expect(answer.stdout).toBe(["--", ...argv].map((each) => `${each}\0`).join(""));
    }),
    { numRuns: 60 },
  );
});

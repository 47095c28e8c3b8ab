import fc from "fast-check";
import { expect, test } from "vitest";
import { addCommands, addPatterns, nameCommand, parseNamedCommand, readPatterns, requirePattern } from "./setup.ts";

test("NAME=COMMAND is split at the first =, and both are trimmed", () => {
  expect(parseNamedCommand(" e2e = A=1 npm test -- --x=2 ")).toEqual({ name: "e2e", command: "A=1 npm test -- --x=2" });
});

test.each(["", "test", "=x", "test=", " = ", "a\nb=x", "a\u001Bb=x", "a=b\0c"])("%j is no NAME=COMMAND", (text) => {
  expect(() => parseNamedCommand(text)).toThrow("is not NAME=COMMAND");
});

const named = fc.record({ name: fc.stringMatching(/^[a-z]{1,3}$/), command: fc.stringMatching(/^[a-z]{1,3}$/) });
const uniquely = fc.uniqueArray(named, { selector: ({ name }) => name });

test("added checks are there once, the others keep their place, and adding them again changes nothing", () => {
  fc.assert(
    fc.property(uniquely, uniquely, (known, added) => {
      const all = addCommands(known, added);
      const names = all.map((each) => nameCommand(each).name);
      expect(new Set(names).size).toBe(names.length);
      expect(names.slice(0, known.length)).toEqual(known.map(({ name }) => name));
      for (const each of added) expect(all).toContainEqual(each);
      expect(addCommands(all, added)).toEqual(all);
    }),
  );
});

test("a check named twice is refused", () => {
  expect(() => addCommands([], [parseNamedCommand("a=1"), parseNamedCommand("a=2")])).toThrow('--qa names "a" twice.');
});

test.each([
  ["", [".env"], ".env\n"],
  ["# mine\n*.local", [".env", " .env "], "# mine\n*.local\n.env\n"],
  ["*.local\r\n.env\r\n", [".env", "*.local"], "*.local\r\n.env\r\n"],
  ["# .env\n", [".env"], "# .env\n.env\n"],
  ["a\n", [], "a\n"],
])("%j with %j is %j", (text, patterns, wanted) => {
  expect(addPatterns(text, patterns)).toBe(wanted);
  expect(addPatterns(wanted, patterns)).toBe(wanted);
  for (const pattern of patterns) expect(readPatterns(wanted)).toContain(pattern.trim());
});

test.each([" ", "a\nb", "# no", "../secret", "a/../../b"])("%j is no pattern for a worktree", (text) => {
  expect(() => requirePattern(text)).toThrow("--copy");
});

test("a pattern may be anchored, negated, and have dots", () => {
  for (const pattern of ["/config/*.local", "!keep.local", "a..b", ".env.*"]) expect(requirePattern(` ${pattern}`)).toBe(pattern);
});

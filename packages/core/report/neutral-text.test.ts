import fc from "fast-check";
import { expect, test } from "vitest";
import { neutralise, neutraliseBlock } from "./neutral-text.ts";

test.each([
  ["\u001B[31mred\u001B[0m", "\\u{1b}[31mred\\u{1b}[0m"],
  ["\u001B]52;c;ZXZpbA==\u0007", "\\u{1b}]52;c;ZXZpbA==\\u{7}"],
  ["\u009B2J\u0085x", "\\u{9b}2J\\u{85}x"],
  ["user\u202Etxt.exe\u2066", "user\\u{202e}txt.exe\\u{2066}"],
  ["a\u200Bb\uFEFFc\u2028d\u00ADe", "a\\u{200b}b\\u{feff}c\\u{2028}d\\u{ad}e"],
  ["\u{E0041}\u3164\uD800", "\\u{e0041}\\u{3164}\\u{d800}"],
  ["one\r\ntwo\nthree\tfour\rfive\0", "one ↵ two ↵ three four ↵ five\\u{0}"],
  ["한국어 👩‍👩‍👧 é naïve", "한국어 👩‍👩‍👧 é naïve"],
])("case 57: %j is shown and does nothing", (given, shown) => {
  expect(neutralise(given)).toBe(shown);
});

test("case 57: a block keeps its line breaks and tabs and nothing else that acts", () => {
  expect(neutraliseBlock("a\r\n\tb\rc\u001Bd\n")).toBe("a\n\tb\\u{d}c\\u{1b}d\n");
});

test("case 57: no acting character is left, whatever the text, and a second pass changes nothing", () => {
  const acting = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]|\p{Cs}/u;
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const line = neutralise(text);
      expect(line).not.toMatch(acting);
      expect(neutralise(line)).toBe(line);
      expect(neutraliseBlock(text).replaceAll(/[\n\t]/g, "")).not.toMatch(acting);
    }),
  );
});

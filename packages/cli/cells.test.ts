import fc from "fast-check";
import { expect, test } from "vitest";
import { countCells, cutToCells, fitToCells } from "./cells.ts";

test.each([
  ["", 0],
  ["abc", 3],
  ["é", 1],
  ["e\u0301", 1],
  ["한국어", 6],
  ["\u1112\u1161\u11ab", 2],
  ["日本", 4],
  ["ｱｲ", 2],
  ["Ａ", 2],
  ["中，", 4],
  ["👍", 2],
  ["👩‍👩‍👧", 2],
  ["🇰🇷", 2],
  ["❤️", 2],
  ["✓ …", 3],
  ["a\u200Db", 2],
])("cells of %j", (text, cells) => {
  expect(countCells(text)).toBe(cells);
});

test.each([
  ["abcdef", 6, "abcdef"],
  ["abcdef", 5, "abcd…"],
  ["abcdef", 1, "…"],
  ["abcdef", 0, ""],
  ["한국어", 6, "한국어"],
  ["한국어", 5, "한국…"],
  ["한국어", 4, "한…"],
  ["한국어", 2, "…"],
  ["", 3, ""],
])("%j in %i cells", (text, cells, cut) => {
  expect(cutToCells(text, cells)).toBe(cut);
});

test("what is cut fits and is the text's beginning; what is fitted is just so wide", () => {
  const text = fc
    .array(fc.constantFrom("a", " ", "é", "한", "日", "👍", "👩‍👩‍👧", "e\u0301", "ｱ", "🇰🇷"), { maxLength: 40 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, fc.nat({ max: 60 }), (each, cells) => {
      const cut = cutToCells(each, cells);
      expect(countCells(cut)).toBeLessThanOrEqual(cells);
      if (countCells(each) <= cells) expect(cut).toBe(each);
      else if (cells > 0) expect(cut.endsWith("…") && each.startsWith(cut.slice(0, -1))).toBe(true);
      expect(countCells(fitToCells(each, cells))).toBe(cells);
    }),
  );
});

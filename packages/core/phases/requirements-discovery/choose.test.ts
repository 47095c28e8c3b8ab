import { expect, test } from "vitest";
import { chooseByFamilies } from "./choose.ts";

const said = (...words: readonly (readonly [family: string, value: string])[]): { family: string; value: string }[] =>
  words.map(([family, value]) => ({ family, value }));

test.each([
  ["nobody speaks", said(), null, []],
  ["one speaks", said(["acme", "b"]), "b", []],
  ["most families", said(["acme", "c"], ["north", "c"], ["south", "a"]), "c", []],
  ["workers of one family are one", said(["acme", "c"], ["acme", "c"], ["north", "a"], ["south", "a"]), "a", []],
  ["a tie goes to the first in the order", said(["acme", "c"], ["north", "b"]), "b", ["b", "c"]],
  ["a family that differs counts for each", said(["acme", "c"], ["acme", "b"], ["north", "c"]), "c", []],
  ["what is not in the order does not count", said(["acme", "x"], ["north", "x"], ["south", "a"]), "a", []],
])("%s", (_name, words, value, tied) => {
  expect(chooseByFamilies(words, ["a", "b", "c"])).toEqual({ value, tied });
});

import { expect, test } from "vitest";
import { formatDuration, formatTime, LANGUAGES, phraseFor, shortCommit, wordingFor } from "./wording.ts";
import { GATE_REASONS, NEXT_STEPS } from "./codes.ts";

test.each(LANGUAGES)("%s: every code has a phrase of its own, and an unknown one is shown as it is", (lang) => {
  const words = wordingFor(lang);
  for (const [table, codes] of [
    [words.gateReasons, GATE_REASONS],
    [words.nextSteps, NEXT_STEPS],
  ] as const) {
    const phrases = codes.map((code) => phraseFor(table, code));
    expect(phrases.filter((phrase, at) => phrase === "" || phrase === codes[at])).toEqual([]);
    expect(new Set(phrases).size).toBe(codes.length);
    for (const unknown of ["moon-phase", "__proto__", "constructor", "toString"]) expect(phraseFor(table, unknown)).toBe(unknown);
  }
});

test("no phrase of a language is left empty, and Korean leaves none in English", () => {
  const leaves = (value: unknown, path = ""): [string, string][] =>
    typeof value === "string"
      ? [[path, value]]
      : typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, item]) => leaves(item, `${path}.${key}`))
        : [];
  const sameInBoth = new Set([".severities.P0", ".severities.P1", ".severities.P2", ".severities.P3", ".labels.version"]);
  const english = new Map(leaves(wordingFor("en")));
  const korean = leaves(wordingFor("ko"));
  expect(korean.map(([path]) => path)).toEqual([...english.keys()]);
  expect(korean.filter(([path, phrase]) => phrase === "" || (phrase === english.get(path) && !sameInBoth.has(path)))).toEqual([]);
});

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [1000, "1.0 s"],
  [59_949, "59.9 s"],
  [59_950, "1 min 0 s"],
  [3_599_499, "59 min 59 s"],
  [3_599_500, "1 h 0 min"],
])("%d ms is %s", (ms, shown) => {
  expect(formatDuration(ms, wordingFor("en"))).toBe(shown);
});

test("times and commits are shortened, and what is neither is shown as it is", () => {
  expect(formatTime("2026-11-02T09:31:07.250Z")).toBe("2026-11-02 09:31:07 UTC");
  expect(formatTime("yesterday")).toBe("yesterday");
  expect(shortCommit("3f9c1a7be0d24c5586a1f0c2b7d9e4a6c8130f52", wordingFor("en"))).toBe("3f9c1a7be0d2");
  expect(shortCommit("", wordingFor("ko"))).toBe(wordingFor("ko").noCommit);
});

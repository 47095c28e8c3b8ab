import fc from "fast-check";
import { expect, test } from "vitest";
import { REDACTED } from "../domain/redaction.ts";
import { groundFinding } from "./ground.ts";

const TEXT = `import { a } from "./a.ts";

export function add(x: number, y: number): number {
  return x - y;
}

export function twice(x: number): number {
  return x - y;
}
`;

const lines = (quote: string, startLine?: number, text: string | null = TEXT): readonly [boolean, number | null, number | null] => {
  const { grounded, startLine: from, endLine } = groundFinding({ quote, ...(startLine === undefined ? {} : { startLine }) }, text);
  return [grounded, from, endLine];
};

test("a quote is found where it stands, whatever line the finding says", () => {
  expect(lines("export function add(x: number, y: number): number {", 99)).toEqual([true, 3, 3]);
  expect(lines("export function add(x: number, y: number): number {\n  return x - y;\n}", 1)).toEqual([true, 3, 5]);
});

test("white space is folded: tabs, line breaks, indentation, CRLF in the file or in the quote", () => {
  expect(lines("\treturn   x -\r\n  y;", 4)).toEqual([true, 4, 4]);
  expect(lines("return x - y;\n}", 4, TEXT.replaceAll("\n", "\r\n"))).toEqual([true, 4, 5]);
  expect(lines("return x - y; }", 8, TEXT.replaceAll("\n", "\n\n"))).toEqual([true, 7, 9]);
});

test("of several places the nearest to what the finding says counts, the earlier one when both are as near", () => {
  expect(lines("return x - y;", 4)).toEqual([true, 4, 4]);
  expect(lines("return x - y;", 7)).toEqual([true, 8, 8]);
  expect(lines("return x - y;", 6)).toEqual([true, 4, 4]);
  expect(lines("return x - y;", 9_999)).toEqual([true, 8, 8]);
  expect(lines("return x - y;")).toEqual([true, 4, 4]);
});

test("an upside-down or far-off range does not move the anchor", () => {
  const finding = { claim: "c", category: "c", severity: "P1" as const, quote: "return x - y;", startLine: 8, endLine: 2 };
  expect(groundFinding(finding, TEXT)).toEqual({ grounded: true, startLine: 8, endLine: 8 });
});

test("what is not there, or nothing at all, is not grounded", () => {
  expect(lines("return x + y;", 4)).toEqual([false, null, null]);
  expect(lines("", 4)).toEqual([false, null, null]);
  expect(lines(" \n\t ", 4)).toEqual([false, null, null]);
  expect(groundFinding({ startLine: 4 }, TEXT).grounded).toBe(false);
  expect(lines("return x - y;", 4, null)).toEqual([false, null, null]);
  expect(lines("return x - y;", 4, "")).toEqual([false, null, null]);
  // Case and identifiers count: white space alone is folded.
  expect(lines("RETURN x - y;", 4)).toEqual([false, null, null]);
  expect(lines("returnx - y;", 4)).toEqual([false, null, null]);
});

test("letters of any script and characters outside the basic plane are found on their lines", () => {
  const text = "// 로그인\nconst 이름 = '😀';\n\u2003const z = 1;\u00a0// done\n";
  expect(lines("const 이름 = '😀';", 1, text)).toEqual([true, 2, 2]);
  expect(lines("const z = 1; // done", 1, text)).toEqual([true, 3, 3]);
});

test("case 55: a part that was made unreadable matches anything, and a quote of nothing else matches nothing", () => {
  const text = 'const a = 1;\nconst key = "abcd-secret-1234";\nsend(key);\n';
  expect(lines(`const key = "${REDACTED}";`, 1, text)).toEqual([true, 2, 2]);
  expect(lines(`${REDACTED}";\nsend(key);`, 1, text)).toEqual([true, 2, 3]);
  expect(lines(REDACTED, 1, text)).toEqual([false, null, null]);
  expect(lines(`${REDACTED} ${REDACTED}`, 1, text)).toEqual([false, null, null]);
});

test("a part that was made unreadable does not reach over its line", () => {
  const text = `const key = "x";\n${"filler();\n".repeat(50)}const other = 1; // end"\n`;
  expect(lines(`const key = "${REDACTED}// end"`, 1, text)).toEqual([false, null, null]);
  expect(lines(`const key = ${REDACTED}\nfiller();`, 1, text)).toEqual([true, 1, 2]);
  expect(lines(`const key = ${REDACTED}\n${REDACTED}\nfiller();\nfiller();`, 1, text)).toEqual([true, 1, 3]);
  expect(lines(`const key = ${REDACTED}\nconst other`, 1, text)).toEqual([false, null, null]);
  // The first place where the parts do not fit together does not hide a later one.
  expect(lines(`const key = "${REDACTED}// end"`, 1, `${text}const key = "y"; // end"\n`)).toEqual([true, 53, 53]);
});

test("every run of lines of any file is grounded at itself, however its white space was spoilt", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "{", "}", "é", "글", "😀"), minLength: 1, maxLength: 6 });
  const line = fc.array(word, { maxLength: 4 }).map((words) => words.join(" "));
  const file = fc.array(line, { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(file, fc.nat(), fc.nat(), fc.constantFrom("\n", "\r\n", " \n\t"), (content, from, length, spoilt) => {
      const start = from % content.length;
      const end = Math.min(content.length - 1, start + (length % 4));
      const quoted = content.slice(start, end + 1);
      const first = quoted.findIndex((each) => each !== "");
      if (first < 0) return;
      const answer = groundFinding({ quote: quoted.join(spoilt), startLine: start + first + 1 }, content.join("\n"));
      expect(answer.grounded).toBe(true);
      // The place itself is a candidate, so the anchor is never farther away than it.
      expect(answer.startLine).toBe(start + first + 1);
      expect(answer.endLine).toBeGreaterThanOrEqual(answer.startLine ?? 0);
      expect(answer.endLine).toBeLessThanOrEqual(content.length);
    }),
  );
});

test("a quote that is in no way in the file is never grounded", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.string({ minLength: 1, maxLength: 20 }), (text, quote) => {
      const folded = (value: string): string => value.replaceAll(/\s+/g, " ").trim();
      const answer = groundFinding({ quote, startLine: 1 }, text);
      expect(answer.grounded).toBe(folded(quote) !== "" && folded(text).includes(folded(quote)));
    }),
  );
});

test("a large file full of near matches is searched in time that grows with its size", () => {
  const text = "aaaa aaaa\n".repeat(100_000);
  expect(lines("aaaa aaaa", 99_999, text)).toEqual([true, 99_999, 99_999]);
  expect(lines(`aaaa${REDACTED}zzz`, 1, text)).toEqual([false, null, null]);
  expect(lines(`aaaa${REDACTED}aaaa`, 50_000, text)).toEqual([true, 50_000, 50_000]);
});

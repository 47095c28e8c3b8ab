import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pickFencedResult } from "./pick-result.ts";

const RESULT = '{"nonce":"n1","findings":[]}';
const OTHER = '{"nonce":"n1","findings":[{"claim":"x"}]}';
const fenced = (text: string, fence = "```json", end = "```"): string => `${fence}\n${text}\n${end}\n`;

describe("a result in a message", () => {
  test.each([
    ["one block", `Done.\n\n${fenced(RESULT)}`],
    ["a block without a word", fenced(RESULT, "```")],
    ["a longer fence", fenced(RESULT, "````json", "````")],
    ["tildes", fenced(RESULT, "~~~json", "~~~")],
    ["space around the word", fenced(RESULT, "   ``` JSON  ")],
    ["Windows line ends", fenced(RESULT).replaceAll("\n", "\r\n")],
    ["the same block twice, members in another order", fenced('{"findings":[],"nonce":"n1"}') + fenced(RESULT)],
    ["beside blocks of other kinds", fenced("rm -rf /", "```sh") + fenced('{"a":1}') + fenced(RESULT) + fenced("[1]")],
    ["text that is JSON alone", `\n${RESULT}\n`],
  ])("is found: %s", (_, message) => {
    const picked = pickFencedResult(message);
    expect(picked).not.toBeNull();
    expect(picked !== null && "text" in picked ? JSON.parse(picked.text) : picked).toEqual({ nonce: "n1", findings: [] });
  });

  test.each([
    ["no block", "I have nothing to say."],
    ["a block that is not closed", `\`\`\`json\n${RESULT}`],
    ["a block inside a block of another kind", fenced(fenced(RESULT), "````md", "````")],
    ["an object without a nonce", fenced('{"findings":[]}')],
    ["no JSON", fenced(RESULT.slice(1))],
    ["a list", fenced(`[${RESULT}]`)],
    ["the word in the middle of a line", `see \`\`\`json\n${RESULT}\n\`\`\``],
  ])("is none: %s", (_, message) => expect(pickFencedResult(message)).toBeNull());

  test("two that differ are refused", () => {
    expect(pickFencedResult(fenced(RESULT) + fenced(OTHER))).toEqual({ refused: "the last message holds two different results" });
  });
});

test("any text has an answer, and a result in it is found", () => {
  const lines = fc.array(fc.oneof(fc.string(), fc.constantFrom("", " ", "text", "> quote", "- ```", "# ~~~")), { maxLength: 20 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const text = [...before, ...after].filter((line) => !/^ {0,3}(?:`{3}|~{3})/.test(line)).join("\n");
      expect(pickFencedResult(`${text}\n${fenced(RESULT)}`)).toEqual({ text: RESULT });
      expect(() => pickFencedResult([...before, ...after].join("\n"))).not.toThrow();
    }),
  );
});

// Each takes hours with an expression that goes back over what it has read.
test.each([
  ["spaces after a fence", `\`\`\`${" ".repeat(4_000_000)}\``],
  ["a fence of very many", `${"`".repeat(4_000_000)}x\``],
  ["fences without an end", "```\n".repeat(1_000_000)],
])("case 37: %s are read in one go", (_, message) => expect(pickFencedResult(message)).toBeNull());

test("case 37: what is nested too deep is no result", () => {
  expect(pickFencedResult(fenced(`{"nonce":"n1","a":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`))).toBeNull();
});

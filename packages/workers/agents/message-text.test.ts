import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor, REDACTED } from "@okstra/core/domain/redaction";
import { createMessageText } from "./message-text.ts";

const SECRET = "c4n4ry-value-1234-which-is-rather-long-5678";

function tellAll(pieces: readonly string[]): { told: string[]; last: string } {
  const told: string[] = [];
  const message = createMessageText((text) => told.push(text), createRedactor([SECRET]));
  for (const piece of pieces) message.add(piece);
  message.end();
  return { told, last: message.last() };
}

/** A text in pieces that end at these places. */
function cutAt(text: string, places: readonly number[]): string[] {
  const ends = [...new Set([...places.map((place) => place % text.length), text.length])].sort((a, b) => a - b);
  return ends.map((end, at) => text.slice(ends[at - 1] ?? 0, end));
}

test("case 55: no part of a secret is told, wherever the pieces of a message end and however long its lines are", () => {
  const filler = fc
    .string({ unit: fc.constantFrom("w", " ", "\n", "o"), maxLength: 40 })
    .chain((word) => fc.nat(900).map((count) => word.repeat(count)));
  fc.assert(
    fc.property(fc.array(filler, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(100_000), { maxLength: 8 }), (fillers, places) => {
      const text = `${fillers.join(SECRET)}${SECRET}`;
      const { told, last } = tellAll(cutAt(text, places));
      const all = told.join("");
      expect(all).not.toMatch(/c4n4ry|-5678|value|rather/);
      expect(all.split(REDACTED).length + all.split("[redac").length).toBeGreaterThan(2);
      for (const each of told) expect(each.length).toBeLessThanOrEqual(4000);
      expect(last).toBe(text);
    }),
    { numRuns: 60 },
  );
});

test("lines are told whole as soon as they end, and the rest at the end of the message", () => {
  expect(tellAll(["one", " line\nand", " another\n\nlast"]).told).toEqual(["one line", "and another", "last"]);
  expect(tellAll([" ", "\n"]).told.join("").trim()).toBe("");
});

test("the last message with text is kept: its end whole, its beginning up to a limit, in whatever pieces it came", () => {
  const message = createMessageText(
    () => undefined,
    (text) => text,
  );
  for (let at = 0; at < 300_000; at += 1) message.add(at % 2 === 0 ? "line" : "of\n");
  message.add("the end");
  expect(message.last()).toHaveLength(1024 * 1024);
  expect(message.last().endsWith("of\nlineof\nthe end")).toBe(true);
  message.end();
  message.add(" \n");
  message.end();
  expect(message.last().endsWith("the end")).toBe(true);
  message.add("another");
  expect(message.last()).toBe("another");
});

// It takes hours with an expression that goes back over what it has read.
test("case 37: a message of very many line breaks is read in one go", () => {
  const { told } = tellAll([`${"\n".repeat(4_000_000)}x\n`]);
  expect(told.at(-1)?.trim()).toBe("x");
});

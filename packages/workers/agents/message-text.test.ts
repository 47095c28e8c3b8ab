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

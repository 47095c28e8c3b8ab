import fc from "fast-check";
import { expect, test } from "vitest";
import { hasMoreValues } from "./count-values.ts";
import { LineTooLongError, readLines } from "./line-reader.ts";

const MEGABYTE = 1024 * 1024;

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(chunks)) lines.push(line);
  return lines;
}

test("lines come out as they went in, wherever the chunks end", async () => {
  const line = fc.string({ unit: "grapheme", maxLength: 60 }).map((text) => text.replaceAll(/[\r\n]/g, " "));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      fc.boolean(),
      async (lines, sizes, crlf) => {
        const text = lines.map((each) => `${each}${crlf ? "\r\n" : "\n"}`).join("");
        expect(await readAll(chunksOf(new TextEncoder().encode(text), sizes))).toEqual(lines);
      },
    ),
  );
});

test("an end without a line break is a line, and what is no UTF-8 is readable", async () => {
  expect(await readAll(chunksOf(new TextEncoder().encode("a\n\nb"), [2]))).toEqual(["a", "", "b"]);
  expect(await readAll(chunksOf(Uint8Array.from([0xff, 97, 10]), [1]))).toEqual(["\ufffda"]);
});

test("case 37: a line may have 4 MiB and no byte more, in few chunks or in many", async () => {
  const line = new Uint8Array(4 * MEGABYTE + 1).fill(97);
  for (const sizes of [[65_536], [MEGABYTE, 7], [line.length]]) {
    expect((await readAll(chunksOf(line.subarray(1), sizes)))[0]).toHaveLength(4 * MEGABYTE);
    await expect(readAll(chunksOf(line, sizes))).rejects.toThrow(LineTooLongError);
    await expect(readAll(chunksOf(Uint8Array.from([...line.subarray(0, 10), 10]), [1]))).resolves.toEqual(["a".repeat(10)]);
  }
});

test("values are counted as a parser finds them, text that looks like values is not", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (json) => {
      const count = countOf(JSON.parse(json));
      expect(hasMoreValues(json.padEnd(4 * count + 10), 2 * count)).toBe(false);
    }),
  );
  expect(hasMoreValues(`[${"0,".repeat(1000)}0]`, 999)).toBe(true);
  expect(hasMoreValues(`["${"[,{".repeat(1000)}\\\\\\"${",".repeat(1000)}"]`, 10)).toBe(false);
  expect(hasMoreValues(`"${'\\"'.repeat(1000)}`, 10)).toBe(false);
});

/** Values in a value, itself included. */
function countOf(value: unknown): number {
  return typeof value === "object" && value !== null ? Object.values(value).reduce((sum: number, each) => sum + countOf(each), 1) : 1;
}

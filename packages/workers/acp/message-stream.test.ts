import { expect, test } from "vitest";
import { createMessageStream } from "./message-stream.ts";

const MEGABYTE = 1024 * 1024;
const toLine = (message: unknown): string => `${JSON.stringify(message)}\n`;
const answered = { jsonrpc: "2.0", id: 1, result: {} };

interface Opened {
  readonly stream: ReturnType<typeof createMessageStream>;
  readonly updates: unknown[];
  readonly notes: string[];
  readonly written: string[];
  /** Lines that were taken from the program so far. */
  taken(): number;
}

/** A stream over a program that prints these lines; `isDeaf`: it never takes what is written to it. */
function open(lines: Iterable<string>, isDeaf = false): Opened {
  const encoder = new TextEncoder();
  const [updates, notes, written]: [unknown[], string[], string[]] = [[], [], []];
  let taken = 0;
  async function* output(): AsyncGenerator<Uint8Array> {
    for (const line of lines) {
      taken += 1;
      yield encoder.encode(line);
    }
  }
  const stream = createMessageStream(
    {
      output: output(),
      write(bytes) {
        written.push(new TextDecoder().decode(bytes));
        return isDeaf ? new Promise<void>(() => undefined) : Promise.resolve();
      },
    },
    { note: (text) => notes.push(text), redact: (text) => text.replaceAll("hidden", "***"), onUpdate: (params) => updates.push(params) },
  );
  return { stream, updates, notes, written, taken: () => taken };
}

async function readAll({ stream }: Opened): Promise<unknown[]> {
  const messages: unknown[] = [];
  const reader = stream.readable.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return messages;
    messages.push(value);
  }
}

test("requests and awaited answers get through, updates are told, all other notifications are dropped", async () => {
  const question = { jsonrpc: "2.0", id: "a", method: "session/request_permission", params: {} };
  const opened = open([
    toLine({ jsonrpc: "2.0", method: "session/update", params: { update: null } }),
    toLine(question),
    toLine({ jsonrpc: "2.0", method: "$/something", params: {} }),
    toLine({ jsonrpc: "2.0", method: "session/update" }),
    toLine(answered),
    toLine(answered),
  ]);
  await opened.stream.writable.getWriter().write({ jsonrpc: "2.0", id: 1, method: "initialize" } as never);
  expect(await readAll(opened)).toEqual([question, answered]);
  expect(opened.updates).toEqual([{ update: null }, undefined]);
  // The second answer to one question.
  expect(opened.notes).toHaveLength(1);
});

test("what is no message is a note, without its secrets, and so is an answer that nobody waits for", async () => {
  const lines = [
    "a hidden log\n",
    "\n",
    "[]\n",
    "5\n",
    toLine({ id: 1, method: "x" }),
    toLine(answered),
    toLine({ jsonrpc: "2.0", id: {}, method: "x" }),
  ];
  const opened = open(lines);
  expect(await readAll(opened)).toEqual([]);
  expect(opened.notes.map((note) => note.slice(0, 40))).toEqual(
    [
      "not a message: a *** log",
      "not a message: []",
      "not a message: 5",
      'not a message: {"id":1,"method":"x"}',
      'not a message: {"jsonrpc":"2.0","id":1,"',
      'not a message: {"jsonrpc":"2.0","id":{},',
    ].map((note) => note.slice(0, 40)),
  );
});

test.each([
  ["many lines that are none", "x\n".repeat(300), "its output is not the Agent Client Protocol"],
  ["long lines that are none", `${"x".repeat(MEGABYTE)}\n`.repeat(3), "its output is not the Agent Client Protocol"],
  ["a line without an end", "x".repeat(5 * MEGABYTE), "a line of its output has more than 4194304 bytes"],
  [
    "very many values",
    `{"jsonrpc":"2.0","method":"x","params":[${"0,".repeat(MEGABYTE)}0]}\n`,
    "a message of its output has more than 200000 values",
  ],
])("case 37: %s end the conversation with the reason", async (_, text, reason) => {
  const opened = open([text]);
  await expect(readAll(opened)).rejects.toThrow(reason);
  expect(await opened.stream.failed).toBe(reason);
  expect(opened.stream.failure()).toBe(reason);
});

test("case 37: a program that asks and does not hear is read no further, until it hears", async () => {
  function* questions(): Generator<string> {
    for (let id = 0; ; id += 1) yield toLine({ jsonrpc: "2.0", id, method: "x" });
  }
  const opened = open(questions());
  const reader = opened.stream.readable.getReader();
  const writer = opened.stream.writable.getWriter();
  for (let id = 0; id < 64; id += 1) expect((await reader.read()).value).toMatchObject({ id });
  let isRead = false;
  const next = reader.read().then(({ value }) => {
    isRead = true;
    return value;
  });
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect([isRead, opened.taken()]).toEqual([false, 64]);
  await writer.write({ jsonrpc: "2.0", id: 0, result: {} } as never);
  expect(await next).toMatchObject({ id: 64 });
  opened.stream.close();
});

test("closing it ends the reading of one that waits to be heard", async () => {
  const lines = Array.from({ length: 200 }, (_, id) => toLine({ jsonrpc: "2.0", id, method: "x" }));
  const opened = open(lines, true);
  const all = readAll(opened);
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(opened.taken()).toBe(64);
  opened.stream.close();
  expect(await all).toHaveLength(64);
});

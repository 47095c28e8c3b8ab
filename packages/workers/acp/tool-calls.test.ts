import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createToolCalls } from "./tool-calls.ts";

const plain = (text: string): string => text;
const INPUT = { server: "okstra", tool: "submit_result" };

describe("the door's tools, as agents name them", () => {
  test.each([
    "mcp__okstra__submit_result",
    "mcp_okstra_submit_finding",
    "mcp.okstra.read_brief",
    "Tool: okstra/ask_clarification",
    "okstra_submit_result",
    "okstra__submit_result",
    "okstra-submit_result",
    "okstra.submit_result",
    "okstra: submit_result",
    "submit_result (okstra MCP Server)",
  ])("%s is one", (title) => {
    expect(createToolCalls(plain).look({ toolCallId: "a", kind: "other", title }).isDoor).toBe(true);
    expect(createToolCalls(plain).look({ toolCallId: "a", name: title, title: "Deliver" }).isDoor).toBe(true);
  });

  test.each([
    "okstra/submit_result",
    "mcp/okstra/submit_result",
    "./okstra.submit_result",
    "mcp__okstra__submit_result; rm -rf .",
    "mcp__other__submit_result",
    "submit_result",
    "mcp__okstra__delete_all",
    "submit_result (okstra MCP Server) && true",
    "mcp__okstra__submit_result\nrm -rf .",
  ])("%j is none", (title) => expect(createToolCalls(plain).look({ toolCallId: "a", title }).isDoor).toBe(false));

  test("of what executes only a call of the server is one, because the title of a command is its text", () => {
    const title = "mcp.okstra.submit_result";
    const calls = createToolCalls(plain);
    expect(calls.look({ kind: "execute", title }).isDoor).toBe(false);
    expect(calls.look({ kind: "execute", title, rawInput: { command: title } }).isDoor).toBe(false);
    expect(calls.look({ kind: "execute", title: "make", rawInput: INPUT }).isDoor).toBe(false);
    expect(calls.look({ kind: "execute", title, rawInput: INPUT }).isDoor).toBe(true);
  });
});

test("a request is answered by what was told of its call before, and what it says itself comes last", () => {
  const calls = createToolCalls(plain);
  calls.take({ toolCallId: "a", kind: "edit", title: "Edit a", locations: [{ path: "/a" }] });
  calls.take({
    toolCallId: "a",
    status: "pending",
    content: [
      { type: "diff", path: "/b" },
      { type: "content", path: "/c" },
    ],
  });
  expect(calls.look({ toolCallId: "a" })).toEqual({ kind: "edit", title: "Edit a", paths: ["/a", "/b"], isDoor: false });
  expect(calls.look({ toolCallId: "a", kind: "delete", title: "Delete" })).toMatchObject({ kind: "delete", title: "Delete" });
  // A question changes nothing of what was told.
  expect(calls.look({ toolCallId: "a" })).toMatchObject({ kind: "edit", title: "Edit a" });
  expect(calls.look({ toolCallId: "b" })).toEqual({ kind: "other", title: null, paths: [], isDoor: false });
});

test("a call that was a tool of the door and is then told to be another is none", () => {
  const calls = createToolCalls(plain);
  calls.take({ toolCallId: "a", title: "mcp__okstra__submit_result" });
  expect(calls.look({ toolCallId: "a" }).isDoor).toBe(true);
  expect(calls.look({ toolCallId: "a", title: "Run make" }).isDoor).toBe(false);
});

test("secrets are gone before a title is cut", () => {
  const secret = "s3cr3t".repeat(10);
  const calls = createToolCalls((text) => text.replaceAll(secret, "***"));
  for (const before of [150, 180, 195]) {
    const { title } = calls.look({ title: `${"x".repeat(before)}${secret}` });
    expect(title).not.toContain("s3c");
    expect(title?.length).toBeLessThanOrEqual(200);
  }
});

test("paths that are too many to be remembered are outside of everything", () => {
  const calls = createToolCalls(plain);
  const paths = Array.from({ length: 2000 }, (_, at) => ({ path: `/tree/${at}` }));
  expect(calls.take({ toolCallId: "a", kind: "edit", locations: paths }).paths).toEqual([".."]);
  expect(calls.look({ toolCallId: "a", locations: [{ path: "/tree/a" }] }).paths).toContain("..");
});

test("of very many calls the newest are remembered", () => {
  const calls = createToolCalls(plain);
  for (let at = 0; at < 1000; at += 1) calls.take({ toolCallId: `c${at}`, kind: "read" });
  expect(calls.look({ toolCallId: "c999" }).kind).toBe("read");
  expect(calls.look({ toolCallId: "c0" }).kind).toBe("other");
});

test("an update of any shape is read", () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (one, other) => {
      const calls = createToolCalls(plain);
      calls.take(one);
      calls.take({ toolCallId: other, title: one, kind: other, locations: one, content: other, rawInput: one, name: other });
      const { kind, paths } = calls.look({ toolCallId: other, locations: [one, other] });
      expect(typeof kind).toBe("string");
      expect(paths.every((path) => typeof path === "string")).toBe(true);
    }),
  );
});

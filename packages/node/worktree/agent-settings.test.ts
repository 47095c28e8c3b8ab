import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AGENT_SETTINGS, approvalKey, isAgentSetting } from "@okstra/core/domain/agent-settings";
import { findAgentSettings } from "./agent-settings.ts";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "okstra-test-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const NONE = new Map<string, string>();
const find = async (approved: ReadonlyMap<string, string> = NONE) => findAgentSettings(root, approved);
const paths = async (): Promise<string[]> => (await find()).map(({ id }) => id.replace(/^file:/, ""));

test("case 12: one item a file, with the hash of its content", async () => {
  expect(await find()).toEqual([]);
  write(".claude/settings.json", "{}\n");
  write(".claude/hooks/a.sh", "true\n");
  write(".mcp.json", "{}\n");
  write(".github/hooks/x.json", "{}\n");
  write(".github/workflows/ci.yml", "on: push\n");
  write("pkg/.mcp.json", "{}\n");
  for (const text of ["AGENTS.md", "CLAUDE.md", "GEMINI.md", ".github/copilot-instructions.md"]) write(text, "read me\n");
  expect(await paths()).toEqual([".claude/hooks/a.sh", ".claude/settings.json", ".github/hooks/x.json", ".mcp.json"]);
  const [first, second, , last] = await find();
  expect(second?.hash).toBe(last?.hash);
  expect(first?.hash).not.toBe(second?.hash);
});

test("case 12: each content is approved by itself and stays so", async () => {
  write(".env", "A=1\n");
  const [one] = await find();
  write(".env", "A=2\n");
  const [two] = await find();
  const approved = new Map([one, two].map((item) => [approvalKey(item?.id ?? "", item?.hash ?? ""), item?.hash ?? ""]));
  expect((await find(approved))[0]?.trusted).toBe(true);
  write(".env", "A=1\n");
  expect((await find(approved))[0]?.trusted).toBe(true);
  write(".env", "A=3\n");
  expect((await find(approved))[0]?.trusted).toBe(false);
});

test("links are not followed: into the list they can be approved, elsewhere never", async () => {
  write(".agents/skills/x/SKILL.md", "x\n");
  write("other/settings.json", "{}\n");
  mkdirSync(join(root, ".claude"));
  symlinkSync("../.agents/skills", join(root, ".claude/skills"));
  symlinkSync("../other/settings.json", join(root, ".claude/settings.json"));
  symlinkSync("skills/../../other", join(root, ".claude/trick"));
  symlinkSync("/", join(root, ".codex"));
  symlinkSync("loop", join(root, ".gemini"));
  symlinkSync("nowhere", join(root, ".mcp.json"));
  const items = new Map((await find()).map((item) => [item.id.replace(/^file:/, ""), item]));
  expect([...items.keys()]).toEqual([
    ".agents/skills/x/SKILL.md",
    ".claude/settings.json",
    ".claude/skills",
    ".claude/trick",
    ".codex",
    ".gemini",
    ".mcp.json",
  ]);
  expect([...items.values()].filter((item) => item.refusal === undefined).map(({ id }) => id)).toEqual([
    "file:.agents/skills/x/SKILL.md",
    "file:.claude/skills",
  ]);
  const approved = new Map([...items.values()].map(({ id, hash }) => [approvalKey(id, hash), hash]));
  expect((await find(approved)).filter((item) => item.trusted)).toHaveLength(2);
});

test("a directory of the list that is a link is one link, and only where it leads to such a file", async () => {
  mkdirSync(join(root, "shared"));
  symlinkSync("shared", join(root, ".vscode"));
  expect(await paths()).toEqual([]);
  write("shared/mcp.json", "{}\n");
  expect(await find()).toMatchObject([
    { id: "file:.vscode/mcp.json", refusal: expect.stringContaining("can change unseen"), trusted: false },
  ]);
});

test("pipes and files over 8 MiB cannot be approved, and nothing waits for them", async () => {
  write(".env", "");
  truncateSync(join(root, ".env"), 8 * 1024 * 1024 + 1);
  mkdirSync(join(root, ".codex"));
  execFileSync("mkfifo", [join(root, ".codex/config.toml")]);
  expect((await find()).map(({ id, refusal }) => [id, refusal])).toEqual([
    ["file:.codex/config.toml", "it is no regular file"],
    ["file:.env", expect.stringContaining("over")],
  ]);
});

test("more than 500 files are one item more, which can never be approved", async () => {
  for (let at = 0; at < 501; at += 1) write(`.claude/agents/${at}.md`, "x\n");
  const items = await find();
  expect(items).toHaveLength(501);
  const approved = new Map(items.map(({ id, hash }) => [approvalKey(id, hash), hash]));
  const left = (await find(approved)).filter((item) => !item.trusted);
  expect(left).toMatchObject([{ id: "file:.claude", what: expect.stringContaining("more than 500 files") }]);
  rmSync(join(root, ".claude/agents/99.md"));
  expect((await find(approved)).filter((item) => !item.trusted)).toEqual([]);
});

test("every name of the list is one anywhere in a tree, and what only looks like it is none", () => {
  for (const name of AGENT_SETTINGS) {
    expect(isAgentSetting(name)).toBe(true);
    expect(isAgentSetting(`pkg/${name}/x`)).toBe(true);
    expect(isAgentSetting(`${name}x`)).toBe(false);
    expect(isAgentSetting(`x${name}`)).toBe(false);
  }
  expect([".env.example", "claude/x", "src/env.ts", "xmcp.json"].some(isAgentSetting)).toBe(false);
});

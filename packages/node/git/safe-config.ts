import { constants } from "node:fs";
import { access, readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import type { Git, SafeConfig, TrustItem } from "@okstra/core/git-port";
import type { createGitProcess } from "../exec/git-process.ts";
import { sha256 } from "../clock.ts";
import { isAbsent } from "../io-error.ts";
import { NO_RECURSION } from "./nested-repositories.ts";

/** What a person approved, by content hash, for one repository. */
export interface TrustStore {
  load(repository: string): Promise<ReadonlyMap<string, string>>;
}

interface ConfigEntry {
  readonly own: boolean;
  readonly key: string;
  readonly value: string;
}

/** Keys whose value git runs as a program in the calls that okstra makes; held back when the repository itself sets them. */
const PROGRAM_KEY =
  /^(?:core\.(?:sshcommand|gitproxy|askpass|pager|editor|alternaterefscommand)|sequence\.editor|diff\.external|diff\..*\.(?:command|textconv)|merge\..*\.driver|gpg\.(?:.*\.)?program|credential\..*|credential\.helper)$/;
const FILTER_KEY = /^filter\.(.*)\.(clean|smudge|process|required)$/;

/**
 * Reads the configuration once and answers with what keeps the repository's own, unapproved part of it from
 * running: filters and hooks of system and global configuration run as the person set them up.
 */
export function createSafeConfig(git: ReturnType<typeof createGitProcess>, trust: TrustStore): Git["safeConfig"] {
  return async ({ commonDir, mainRoot }) => {
    const answer = await git.run(["config", "--list", "-z", "--show-scope"], { cwd: mainRoot ?? commonDir });
    const entries = parseConfig(answer.stdout);
    const approved = await trust.load(commonDir);
    const options: string[] = [...NO_RECURSION];
    const notes: string[] = [];
    const blockedFilters: string[] = [];
    const items: TrustItem[] = [];

    for (const { name, own, persons } of collectFilters(entries)) {
      const text = own
        .map(({ key, value }) => `${key}=${value}`)
        .sort()
        .join("\n");
      if (own.every((entry) => persons.some((other) => other.key === entry.key && other.value === entry.value))) continue;
      const item: TrustItem = {
        id: `filter.${name}`,
        kind: "filter",
        hash: sha256(text),
        what: `filter ${name}: ${own.map(({ value }) => value).join(" | ")}`.slice(0, 200),
        trusted: approved.get(`filter.${name}`) === sha256(text),
      };
      items.push(item);
      if (item.trusted) continue;
      if (isRequired(own)) blockedFilters.push(name);
      for (const part of ["clean", "smudge", "process"])
        options.push("-c", `filter.${name}.${part}=${lastValue(persons, `filter.${name}.${part}`)}`);
      options.push("-c", `filter.${name}.required=${lastValue(persons, `filter.${name}.required`) || "false"}`);
      notes.push(`the repository's own filter ${name} does not run: nobody approved it (okstra trust)`);
    }

    for (const key of new Set(entries.filter((entry) => entry.own && PROGRAM_KEY.test(entry.key)).map((entry) => entry.key))) {
      options.push(
        "-c",
        `${key}=${lastValue(
          entries.filter((entry) => !entry.own),
          key,
        )}`,
      );
    }

    const hooks = await loadHooks(entries, commonDir, mainRoot);
    if (hooks.item !== null) items.push({ ...hooks.item, trusted: approved.get("hooks") === hooks.item.hash });
    const mayRun = hooks.item !== null && approved.get("hooks") === hooks.item.hash;
    options.push("-c", `core.hooksPath=${mayRun ? hooks.directory : (hooks.personal ?? "/dev/null")}`);
    if (hooks.item !== null && !mayRun) notes.push("the repository's own hooks do not run: nobody approved them (okstra trust)");
    return { options, notes, blockedFilters, items } satisfies SafeConfig;
  };
}

/** `own`: what the repository says (local, worktree); `persons`: what system and global configuration say. */
function collectFilters(entries: readonly ConfigEntry[]): { name: string; own: ConfigEntry[]; persons: ConfigEntry[] }[] {
  const names = new Set<string>();
  for (const { key } of entries) {
    const name = FILTER_KEY.exec(key)?.[1];
    if (name !== undefined) names.add(name);
  }
  return [...names].map((name) => {
    const mine = entries.filter((entry) => FILTER_KEY.exec(entry.key)?.[1] === name);
    return { name, own: mine.filter((entry) => entry.own), persons: mine.filter((entry) => !entry.own) };
  });
}

function isRequired(own: readonly ConfigEntry[]): boolean {
  const value = own.findLast((entry) => entry.key.endsWith(".required"))?.value.toLowerCase();
  return value !== undefined && ["", "true", "yes", "on", "1"].includes(value);
}

function lastValue(entries: readonly ConfigEntry[], key: string): string {
  return entries.findLast((entry) => entry.key === key)?.value ?? "";
}

function parseConfig(output: string): readonly ConfigEntry[] {
  const fields = output.split("\0");
  const entries: ConfigEntry[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const scope = fields[at] ?? "";
    const text = fields[at + 1] ?? "";
    const line = text.indexOf("\n");
    entries.push({
      own: scope === "local" || scope === "worktree",
      key: line < 0 ? text : text.slice(0, line),
      value: line < 0 ? "true" : text.slice(line + 1),
    });
  }
  return entries;
}

/** The hooks that git would run for the repository itself, and the directory that the person set for all of theirs. */
async function loadHooks(
  entries: readonly ConfigEntry[],
  commonDir: string,
  mainRoot: string | null,
): Promise<{ directory: string; personal: string | null; item: Omit<TrustItem, "trusted"> | null }> {
  const personal = entries.findLast((entry) => !entry.own && entry.key === "core.hookspath")?.value ?? null;
  const ownPath = entries.findLast((entry) => entry.own && entry.key === "core.hookspath")?.value;
  if (ownPath === undefined && personal !== null) return { directory: personal, personal, item: null };
  const directory =
    ownPath === undefined ? join(commonDir, "hooks") : isAbsolute(ownPath) ? ownPath : resolve(mainRoot ?? commonDir, ownPath);
  const names: string[] = [];
  const contents: string[] = [];
  for (const name of await listNames(directory)) {
    if (name.endsWith(".sample") || !(await isExecutableFile(join(directory, name)))) continue;
    names.push(name);
    contents.push(`${name}\0${sha256(await readFile(join(directory, name)))}`);
  }
  if (names.length === 0) return { directory, personal, item: null };
  return {
    directory,
    personal,
    item: {
      id: "hooks",
      kind: "hooks",
      hash: sha256(`${directory}\n${contents.join("\n")}`),
      what: `hooks in ${directory}: ${names.join(", ")}`.slice(0, 200),
    },
  };
}

async function listNames(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

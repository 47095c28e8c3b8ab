import { createHash } from "node:crypto";
import { setImmediate as takeTurn } from "node:timers/promises";
import type { OutgoingText, ScanSecrets, SecretFound } from "@okstra/core/handoff-port";
import type { rules as recommendedRules } from "@secretlint/secretlint-rule-preset-recommend";

type Rule = (typeof recommendedRules)[number];
type RuleContext = Parameters<Rule["create"]>[0];
type RuleSource = Parameters<NonNullable<ReturnType<Rule["create"]>["file"]>>[0];

/** Finds comments such as `secretlint-disable`, and says which matches do not count. A worker can write such a comment. */
const RULE_OF_COMMENTS = "@secretlint/secretlint-rule-filter-comments";
/**
 * Texts are looked at in windows of this many UTF-16 units: a pattern that goes through megabytes in one match runs out
 * of stack.
 */
const WINDOW = 256 * 1024;
/** A window sees this much of what follows; the longest thing that a rule needs to see the end of is a key of 10,000. */
const LOOK_AHEAD = 16 * 1024;
/** And this much of what comes before, for rules that ask what is in front of a match. */
const LOOK_BEHIND = 1024;
/** A key of a service account is known by its whole file, so this rule gets no windows. */
const RULE_OF_WHOLE_FILES = "@secretlint/secretlint-rule-gcp";
/** The message's place for what a rule found. */
const MASK = "***";
/** What a rule says of a match that is not the secret. */
const HARMLESS_DATA = new Set(["FILE_NAME", "typeName"]);

/** One match, with the secret still in it. */
interface Match {
  readonly rule: string;
  /** Where it starts, in UTF-16 units. */
  readonly start: number;
  readonly secret: string;
  readonly what: string;
}

/**
 * Looks for credentials with the rules that secretlint recommends (https://github.com/secretlint/secretlint). Nothing
 * is read from the disk, and no comment switches a rule off. Every text is scanned whole and as text, binary or not;
 * one with NUL is scanned a second time without them, so that UTF-16 hides nothing. Results are in the order of the
 * texts and their lines, each secret once for a line and rule. The first call loads the rules.
 *
 * The rules are run from here and not by `@secretlint/core`, which compares all matches of a text with each other
 * (20,000 take it a minute) and keeps marks of every call for as long as the process lives.
 */
export function createScanSecrets(): ScanSecrets {
  let loaded: Promise<readonly Rule[]> | undefined;
  return async (texts) => {
    if (texts.length === 0) return [];
    const rules = await (loaded ??= loadRules());
    const found: SecretFound[] = [];
    for (const text of texts) {
      for (const secret of await scanText(rules, text)) found.push(secret);
      // A long list of texts leaves room for a signal.
      await takeTurn();
    }
    return found;
  };
}

async function loadRules(): Promise<readonly Rule[]> {
  const { rules } = await import("@secretlint/secretlint-rule-preset-recommend");
  return rules.filter((rule) => rule.meta.id !== RULE_OF_COMMENTS);
}

async function scanText(rules: readonly Rule[], { name, content }: OutgoingText): Promise<Iterable<SecretFound>> {
  const found = new Map<string, SecretFound>();
  const variants = content.includes("\0") ? [content, content.replaceAll("\0", "")] : [content];
  for (const variant of variants) {
    const matches = (await Promise.all(rules.map((rule) => scanWindows(rule, name, variant)))).flat();
    let line = 1;
    let lineEnd = variant.indexOf("\n");
    for (const { rule, start, secret, what } of matches.sort((a, b) => a.start - b.start)) {
      while (lineEnd !== -1 && lineEnd < start) {
        line += 1;
        lineEnd = variant.indexOf("\n", lineEnd + 1);
      }
      const fingerprint = createHash("sha256").update(`${rule}\0${secret}`).digest("hex").slice(0, 12);
      found.set(`${line} ${rule} ${fingerprint}`, { name, line, rule, what, fingerprint });
    }
  }
  return [...found.values()].sort((a, b) => a.line - b.line);
}

/** Matches with their starts counted from the start of the whole text. */
async function scanWindows(rule: Rule, name: string, content: string): Promise<readonly Match[]> {
  if (rule.meta.id === RULE_OF_WHOLE_FILES) return findMatches(rule, name, content);
  const matches: Match[] = [];
  for (let from = 0; from < content.length; from += WINDOW) {
    const offset = Math.max(0, from - LOOK_BEHIND);
    for (const match of await findMatches(rule, name, content.slice(offset, from + WINDOW + LOOK_AHEAD))) {
      const start = match.start + offset;
      // What starts in another window's own part is that one's to report.
      if (start >= from && start < from + WINDOW) matches.push({ ...match, start });
    }
  }
  return matches;
}

async function findMatches(rule: Rule, name: string, content: string): Promise<readonly Match[]> {
  const matches: Match[] = [];
  const context: RuleContext = {
    sharedOptions: {},
    createTranslator: (messages) => (messageId, data) => {
      const masked = Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, key === "typeName" ? value : MASK]));
      const message = messages[messageId]?.en(masked) ?? String(messageId);
      return { message, messageId: String(messageId), data };
    },
    report({ message, range }) {
      const [start, end] = range;
      matches.push({
        rule: rule.meta.id,
        start,
        secret: chooseSecret(message.data) ?? content.slice(start, end),
        // `found private key: ***`
        what: message.message.replace(/^found /u, "").replace(`: ${MASK}`, ""),
      });
    },
    // Only the rule of comments does that.
    ignore() {},
  };
  await rule.create(context, {}).file?.(asSource(name, content));
  return matches;
}

/** What the rule took for the secret; null when it names but a file. A match's range is wider or narrower than it. */
function chooseSecret(data: Record<string, unknown> | undefined): string | null {
  const values = Object.entries(data ?? {}).flatMap(([key, value]) => (HARMLESS_DATA.has(key) || typeof value !== "string" ? [] : [value]));
  return values.length === 0 ? null : values.join("\n").trim();
}

/** The text as rules see it. A rule reads the file of some extensions from the disk: only the one that parses is told. */
function asSource(name: string, content: string): RuleSource {
  const nowhere = (): never => {
    throw new Error("Rules are given no places.");
  };
  return {
    content,
    contentType: "text",
    ext: /\.json$/iu.test(name) ? ".json" : "",
    hasBOM: false,
    filePath: undefined,
    physicalFilePath: undefined,
    getFilePath: () => undefined,
    getPhysicalFilePath: () => undefined,
    locationToRange: nowhere,
    rangeToLocation: nowhere,
    positionToIndex: nowhere,
    indexToPosition: nowhere,
  };
}

/** What stands where a secret stood. */
export const REDACTED = "[redacted]";

/** Shapes of well-known credentials; the values of the surroundings' own secrets are added to them. In a JSON text a line's end is `\n`. */
const SECRET_SHAPES = [
  /(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))(?:sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16}\b|AIza[0-9A-Za-z_-]{30,})/g,
  /(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}/g,
  /github_pat_[A-Za-z0-9_]{20,}/g,
  /glpat-[A-Za-z0-9_-]{16,}/g,
  /xox[abprs]-[A-Za-z0-9-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/g,
];

/** Values shorter than this are words, not secrets. */
const MIN_SECRET = 8;
/** An author is nobody's secret. */
const SECRET_NAME = /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH(?!OR(?:_|S?$)))/i;

/** The values that must appear in no record: those of variables with a telling name, and every value of a `.env` file. */
export function collectSecrets(env: Readonly<Record<string, string | undefined>>, dotEnvTexts: readonly string[]): readonly string[] {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !SECRET_NAME.test(name) || isPath(value)) continue;
    // Output is made unreadable line by line, so each line of a key that has several is a secret of its own.
    for (const part of [value, ...value.split(/\r?\n/)]) if (part.length >= MIN_SECRET) secrets.add(part);
  }
  for (const text of dotEnvTexts) {
    for (const line of text.split("\n")) {
      const value = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(.*?)\s*$/.exec(line)?.[1]?.replace(/^(["'])(.*)\1$/, "$2");
      if (
        value !== undefined &&
        value.length >= MIN_SECRET &&
        !/^(?:https?:\/\/(?:localhost|127\.0\.0\.1)|true|false|development|production)/i.test(value)
      )
        secrets.add(value);
    }
  }
  // Longest first, so that a secret that contains another is replaced whole.
  return [...secrets].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
}

function isPath(value: string): boolean {
  return value.startsWith("/") && !/\s/.test(value);
}

/** A function that replaces every secret in a text, also as a JSON text has it, and a JSON text in another. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const written = new Set(secrets.flatMap((secret) => [escape(escape(secret)), escape(secret), secret]));
  const ordered = [...written].sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const secret of ordered) clean = clean.replaceAll(secret, REDACTED);
    for (const shape of SECRET_SHAPES) clean = clean.replaceAll(shape, REDACTED);
    return clean;
  };
}

function escape(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Names of members that schemas have are plain words; they stay, or a password "findings" would spoil every result. */
const PLAIN_WORD = /^[A-Za-z]{1,24}$/;

/** A copy of a JSON value in which every string, and every member's name that is no plain word, went through `redact`. */
export function redactValue(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((each) => redactValue(each, redact));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [PLAIN_WORD.test(key) ? key : redact(key), redactValue(each, redact)]),
    );
  return value;
}

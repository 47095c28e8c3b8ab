import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createScanSecrets } from "./scan-secrets.ts";

const scan = createScanSecrets();

/** No secret stands in this file: each is put together when the tests run. */
const letters = (length: number): string => "aB3dE5gH7jK9mN1pQ".repeat(Math.ceil(length / 17)).slice(0, length);
const glue = (...parts: readonly string[]): string => parts.join("");
const pem = (): string =>
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

const SAMPLES: readonly { name: string; rule: string; what: string; secret: string; text: (secret: string) => string }[] = [
  { name: "a private key", rule: "privatekey", what: "private key", secret: pem().trimEnd(), text: (key) => `const x = 1;\n${key}\n` },
  {
    name: "an AWS secret access key",
    rule: "aws",
    what: "AWS Secret Access Key",
    secret: letters(40),
    text: (key) => `[default]\naws_secret_access_key = ${key}\n`,
  },
  {
    name: "a GitHub token",
    rule: "github",
    what: "GitHub Token(",
    secret: glue("gh", "p_", letters(36)),
    text: (token) => `\nexport T=${token}\n`,
  },
  {
    name: "a Slack token",
    rule: "slack",
    what: "slack token",
    secret: glue("xo", "xb-", "123456789012-", letters(24)),
    text: (token) => `\n{"slack": "${token}"}\n`,
  },
  {
    name: "an npm token",
    rule: "npm",
    what: "npm access token",
    secret: glue("np", "m_", letters(36)),
    text: (token) => `\nTOKEN: ${token}\n`,
  },
];
const GITHUB = SAMPLES[2]?.secret ?? "";

describe("what is recognised", () => {
  for (const { name, rule, what, secret, text } of SAMPLES) {
    test(`${name}, with its line and without itself`, async () => {
      const found = await scan([{ name: "src/config.ts", content: text(secret) }]);
      expect(found).toEqual([
        {
          name: "src/config.ts",
          line: 2,
          rule: `@secretlint/secretlint-rule-${rule}`,
          what: expect.stringContaining(what),
          fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/u),
        },
      ]);
      expect(JSON.stringify(found)).not.toContain(secret.slice(0, 12));
    });
  }

  test("a service account's key file, by its name", async () => {
    const content = JSON.stringify({ type: "service_account", private_key_id: "1", private_key: pem() });
    const rules = async (name: string): Promise<string[]> => (await scan([{ name, content }])).map((found) => found.rule).sort();
    expect(await rules("key.json")).toEqual(["@secretlint/secretlint-rule-gcp", "@secretlint/secretlint-rule-privatekey"]);
    expect(await rules("key.txt")).toEqual(["@secretlint/secretlint-rule-privatekey"]);
  });

  test("nothing in ordinary text, in no text and in none", async () => {
    expect(await scan([])).toEqual([]);
    expect(
      await scan([
        { name: "empty", content: "" },
        {
          name: "README.md",
          content: "Set GITHUB_TOKEN=${TOKEN}, then see https://user:password@example.com/.\n-----BEGIN PRIVATE KEY-----\n",
        },
      ]),
    ).toEqual([]);
  });
});

describe("a planted comment", () => {
  for (const comment of [
    "// secretlint-disable",
    "/* secretlint-disable @secretlint/secretlint-rule-github -- fine */",
    "<!-- secretlint-disable-next-line -->",
    "# secretlint-disable-line",
  ]) {
    test(`${comment} has no effect`, async () => {
      const found = await scan([{ name: "a", content: `${comment}\nkey = ${GITHUB} ${comment}\n` }]);
      expect(found.map(({ line, rule }) => [line, rule])).toEqual([[2, "@secretlint/secretlint-rule-github"]]);
    });
  }
});

describe("where and what", () => {
  test("results come in the order of texts and lines; the same secret has the same fingerprint everywhere", async () => {
    const other = glue("gh", "o_", letters(36));
    const found = await scan([
      { name: "message of 1", content: `a\r\nb ${GITHUB}\r\n\r\n${other} ${other}\r\n` },
      { name: "title", content: GITHUB },
    ]);
    expect(found.map(({ name, line }) => [name, line])).toEqual([
      ["message of 1", 2],
      ["message of 1", 4],
      ["title", 1],
    ]);
    expect(found[0]?.fingerprint).toBe(found[2]?.fingerprint);
    expect(found[1]?.fingerprint).not.toBe(found[0]?.fingerprint);
  });

  test("bytes that are no text are scanned too, and UTF-16", async () => {
    const binary = Buffer.concat([Buffer.from([0, 255, 254, 10, 0]), Buffer.from(`${GITHUB}\0`), Buffer.from([200, 0])]);
    expect((await scan([{ name: "a.bin", content: binary.toString("utf8") }])).map(({ line }) => line)).toEqual([2]);
    expect((await scan([{ name: "a.bin", content: binary.toString("latin1") }])).map(({ line }) => line)).toEqual([2]);
    const wide = Buffer.from(`first\n${GITHUB}\n`, "utf16le").toString("utf8");
    expect((await scan([{ name: "wide.txt", content: wide }])).map(({ line }) => line)).toEqual([2]);
  });

  test("a text's name is never read from the disk", async () => {
    const directory = mkdtempSync(join(tmpdir(), "okstra-secrets-"));
    try {
      const name = join(directory, "real.json");
      writeFileSync(name, GITHUB);
      expect(await scan([{ name, content: "{}" }])).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("wherever in a long line a secret stands, it is found once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 700_000 }), fc.integer({ min: 0, max: 700_000 }), async (before, after) => {
        const found = await scan([{ name: "min.js", content: `${"x;".repeat(before / 2)} ${GITHUB} ${"y ".repeat(after / 2)}` }]);
        expect(found).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });

  test("a key across the border of what is looked at together is found once", async () => {
    const key = pem();
    for (const back of [1, 30, 800, 1700]) {
      const found = await scan([{ name: "keys", content: `${"#\n".repeat((256 * 1024 - back) / 2)}${key}` }]);
      expect(found.map(({ rule }) => rule)).toEqual(["@secretlint/secretlint-rule-privatekey"]);
    }
  });
});

describe("long texts end", () => {
  const MIB = 1024 * 1024;
  const fill = (piece: string, length: number): string => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);

  test("one line of 5 MB, with a secret at its end", async () => {
    const line = `${fill("var a=function(b,c){return b&&c.d('https://x.y/'+e)};", 5_000_000)} ${GITHUB}`;
    expect(await scan([{ name: "bundle.js", content: line }])).toHaveLength(1);
  });

  test("8 MiB of matches, of which each is told once for its line", async () => {
    expect(await scan([{ name: "a", content: fill(`${GITHUB} `, 8 * MIB) }])).toHaveLength(1);
    expect(await scan([{ name: "a", content: fill(`${GITHUB}\n`, MIB) }])).toHaveLength(Math.floor(MIB / (GITHUB.length + 1)));
  });

  test("what makes patterns go far: token starts without an end", { timeout: 120_000 }, async () => {
    const starts = [glue("xo", "xb-"), "https://", glue("sk-", "proj-"), "_authToken=", "mongodb://", `SG.a.${"w".repeat(257)} `];
    for (const start of starts) {
      const found = await scan([{ name: "a", content: `${fill(start, 2 * MIB)}\n${GITHUB}\n` }]);
      expect(found.filter(({ rule }) => rule.endsWith("-github"))).toHaveLength(1);
    }
  });
});

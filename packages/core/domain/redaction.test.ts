import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collectSecrets, createRedactor, REDACTED, redactValue } from "./redaction.ts";

const CANARY = "c4n4ry-value-1234";

describe("case 55: what counts as a secret", () => {
  test("variables with a telling name, long enough to be no word, and no paths", () => {
    expect(
      collectSecrets(
        {
          MY_API_KEY: CANARY,
          GITHUB_TOKEN: "token-of-github",
          DB_PASSWORD: "hunter2hunter2",
          SSH_AUTH_SOCK: "/run/user/1000/ssh-agent",
          SHORT_KEY: "abc",
          HARMLESS: "not-a-secret-at-all",
          GIT_AUTHOR_EMAIL: "ann@example.com",
          AUTHORS: "ann and ben",
          AUTHORIZATION: "hunter2hunter2",
          UNSET_KEY: undefined,
        },
        [],
      ),
    ).toEqual([CANARY, "token-of-github", "hunter2hunter2"].sort((a, b) => b.length - a.length));
  });

  test("every value of a .env file: quoted or not, exported, with CRLF; not local addresses and switches", () => {
    const text = [
      "# comment=not-a-value-here",
      `PLAIN=${CANARY}`,
      "  export SPACED = 'quoted value 1'  ",
      'DOUBLE="quoted value 2"',
      "CRLF=windows-value\r",
      "URL=http://localhost:3000/abc",
      "NODE_ENV=development",
      "FLAG=true",
      "EMPTY=",
      "not a line",
    ].join("\n");
    expect([...collectSecrets({}, [text])].sort()).toEqual(["quoted value 1", "quoted value 2", "windows-value", CANARY].sort());
  });

  test("every long line of a secret that has several, because output is made unreadable line by line", () => {
    const key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----";
    const redact = createRedactor(collectSecrets({ SIGNING_KEY: key }, []));
    const printed = key.split("\n").map(redact).join("\n");
    expect(printed).not.toContain("MIIEvQIBADANBgkqhkiG9w0B");
    expect(printed).not.toContain("AQEFAASCBKcwggSjAgEAAoIB");
  });

  test("a secret that contains another is replaced whole", () => {
    const redact = createRedactor(collectSecrets({ A_KEY: "12345678", B_KEY: "abc12345678xyz" }, []));
    expect(redact("<abc12345678xyz|12345678>")).toBe(`<${REDACTED}|${REDACTED}>`);
  });

  test("well-known shapes go even when nobody named them", () => {
    const redact = createRedactor([]);
    const shapes = [
      ["sk", `proj-${"a1B2".repeat(6)}`].join("-"),
      ["ghp", "1234567890abcdefghijABCDEFGHIJ123456"].join("_"),
      ["github_pat", "1234567890abcdefghij_ABC"].join("_"),
      ["glpat", "1234567890abcdefghij"].join("-"),
      ["AKIA", "IOSFODNN7EXAMPLE"].join(""),
      ["xoxb", "1234567890-abcdefghij"].join("-"),
      ["AIza", "SyA1234567890abcdefghijABCDEFGHIJ12345"].join(""),
    ];
    for (const shape of shapes) expect(redact(`key=${shape}; again ${shape}`)).toBe(`key=${REDACTED}; again ${REDACTED}`);
    expect(redact("skip-this, task-force, AKIA")).toBe("skip-this, task-force, AKIA");
  });
});

describe("case 55: making it unreadable", () => {
  test("a secret as JSON writes it, and JSON within JSON; a key at the beginning of a line of such a text", () => {
    const secret = 'c4n4ry "quoted\\value"';
    const key = ["sk", "a1B2".repeat(6)].join("-");
    const redact = createRedactor([secret]);
    for (const text of [secret, `first\n${key}`, `first\t${key}`, `_${key}`]) {
      const once = JSON.stringify({ text });
      for (const written of [text, once, JSON.stringify({ once })]) {
        const clean = redact(written);
        expect(clean).toContain(REDACTED);
        expect(clean).not.toMatch(/c4n4ry|quoted|a1B2/);
      }
    }
    expect(JSON.parse(redact(JSON.stringify({ text: `a ${secret} b` })))).toEqual({ text: `a ${REDACTED} b` });
  });

  test("no secret is left in any text, and what is no secret stays", () => {
    const secret = fc.string({ unit: fc.constantFrom("a", "b", "$", "&", ".", "*", "\\", "[", "한", "1"), minLength: 8, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.array(fc.string(), { maxLength: 5 }), (secrets, words) => {
        const env = Object.fromEntries(secrets.map((value, index) => [`KEY_${index}`, value]));
        const redact = createRedactor(collectSecrets(env, []));
        const clean = redact([...words, ...secrets].join(" | "));
        for (const value of secrets) expect(clean.replaceAll(REDACTED, "")).not.toContain(value);
        expect(redact(clean)).toBe(clean);
        if (words.every((word) => !secrets.some((value) => word.includes(value))))
          for (const word of words) expect(redact(word)).toBe(word);
      }),
    );
  });

  test("in a JSON value every string is, at any depth, and its shape stays", () => {
    const redact = createRedactor([CANARY]);
    expect(redactValue({ a: `x${CANARY}`, b: [CANARY, 1, null, { c: CANARY }], d: true }, redact)).toEqual({
      a: `x${REDACTED}`,
      b: [REDACTED, 1, null, { c: REDACTED }],
      d: true,
    });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(redactValue(value, (text) => text)).toEqual(value);
      }),
    );
  });

  test("a member's name that holds a secret is made unreadable too", () => {
    expect(redactValue({ [`x-${CANARY}`]: 1, nonce: "n" }, createRedactor([CANARY]))).toEqual({ [`x-${REDACTED}`]: 1, nonce: "n" });
  });
});

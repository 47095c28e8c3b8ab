import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OkstraError } from "../errors.ts";
import { formatTaskKey, parseTaskName, slugSegment, splitTaskKey } from "./task-key.ts";

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");
const slug = (value: string): string => slugSegment(value, sha256);
const hex = (value: string): string => sha256(value).slice(0, 6);

const DEVICES = ["con", "prn", "aux", "nul", ...Array.from({ length: 10 }, (_, n) => [`com${n}`, `lpt${n}`]).flat()];
const RUNS = { numRuns: 2000 };

/** Text of any kind: plain words, any script, lone surrogates, what a shell or a path would trip over. */
const anyText = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom("a", "Z", "9", "-", "_", ".", "/", "\\", " ", "한", "é", "e\u0301", "İ", "ß", "\u0000"),
    maxLength: 400,
  }),
  fc.constantFrom(...DEVICES, ...DEVICES.map((name) => name.toUpperCase()), "..", ".", "", "--", "_", "con.txt", "COM1-"),
);

describe("a segment, case 15", () => {
  test("the kept rule, for what versions before already wrote", () => {
    expect(slug("Login Page")).toBe("login-page");
    expect(slug("fix: NPE in `Foo.bar()`!!")).toBe("fix-npe-in-foo-bar");
    expect(slug("--a--b--")).toBe("a--b");
    expect(slug("a_b.c/d")).toBe("a-b-c-d");
    expect(slug("")).toBe("_");
    expect(slug("../..")).toBe("_");
    expect(slug("$(rm -rf ~)")).toBe("rm--rf");
  });

  test("letters or digits that are lost leave a hash, so that two titles stay two tasks", () => {
    expect(slug("로그인")).toBe(`_-${hex("로그인")}`);
    expect(slug("로그인 오류")).not.toBe(slug("로그인 수정"));
    expect(slug("fix 로그인")).toBe(`fix-${hex("fix 로그인")}`);
    expect(slug("café")).toBe(`caf-${hex("café")}`);
    expect(slug("①②")).toBe(`_-${hex("①②")}`);
    // Signs that are neither letters nor digits are no loss.
    expect(slug("a 🎉 b")).toBe("a-b");
  });

  test("one title in two normal forms is one task", () => {
    expect(slug("cafe\u0301")).toBe(slug("caf\u00e9"));
    expect(slug("로그인".normalize("NFD"))).toBe(slug("로그인"));
  });

  test("300 characters: at most 64, and different ones stay different", () => {
    const long = "a".repeat(300);
    expect(slug(long)).toBe(`${"a".repeat(57)}-${hex(long)}`);
    expect(slug(long)).not.toBe(slug(`${long}b`));
    expect(slug("a".repeat(64))).toBe("a".repeat(64));
    expect(slug(`${"-x".repeat(150)}`)).toHaveLength(64);
  });

  test("device names of Windows get a trailing underscore", () => {
    for (const name of DEVICES) expect(slug(name)).toBe(`${name}_`);
    expect(slug("CON")).toBe("con_");
    expect(slug("console")).toBe("console");
  });

  test("is made of [a-z0-9_-] only, 1 to 64 long, never a device name, never a dot or a dash at its ends", () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const segment = slug(value);
        expect(segment).toMatch(/^[a-z0-9_-]{1,64}$/);
        expect(segment).toMatch(/^[^-].*[^-]$|^[^-]$/s);
        expect(DEVICES).not.toContain(segment);
      }),
      RUNS,
    );
  });

  test("is its own slug, but for device names, whose underscore a person does not write", () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const segment = slug(value);
        if (segment.endsWith("_") && segment !== "_") return;
        expect(slug(segment)).toBe(segment);
      }),
      RUNS,
    );
  });

  test("values that differ only in case or normal form are one", () => {
    fc.assert(
      fc.property(anyText, (value) => {
        expect(slug(value.toLowerCase())).toBe(slug(value));
        expect(slug(value.normalize("NFD"))).toBe(slug(value));
        expect(slug(value.normalize("NFC"))).toBe(slug(value));
      }),
      RUNS,
    );
  });

  test("distinct Korean titles are distinct tasks", () => {
    const syllable = fc.integer({ min: 0xac00, max: 0xd7a3 }).map((point) => String.fromCodePoint(point));
    const title = fc.array(fc.oneof(syllable, fc.constant(" ")), { minLength: 1, maxLength: 12 }).map((all) => `제${all.join("")}목`);
    const all = fc.sample(title, { numRuns: 3000, seed: 15 });
    expect(new Set(all.map(slug)).size).toBe(new Set(all).size);
  });
});

describe("a task's name", () => {
  const parse = (name: string): string => formatTaskKey(parseTaskName(name, "Proj", sha256));

  test("splits at the first slash, later ones become dashes", () => {
    expect(parse("Bugs/Login")).toBe("proj/bugs/login");
    expect(parse("a/b/c/d")).toBe("proj/a/b-c-d");
    expect(parse("a//b")).toBe("proj/a/b");
    expect(parse("../../x")).toBe("proj/_/x");
  });

  test("without two sides it is an error", () => {
    for (const name of ["", "a", "/", "a/", "/b", " / ", "a/ ", "a\0/b"]) {
      let code = "";
      try {
        parse(name);
      } catch (error) {
        code = error instanceof OkstraError ? error.code : String(error);
      }
      expect([name, code]).toEqual([name, "OKSTRA_TASK_KEY_INVALID"]);
    }
  });

  test("what was formatted is split into the same parts, and the name of a key is the key", () => {
    fc.assert(
      fc.property(anyText, anyText, (group, task) => {
        fc.pre(!/\0/.test(group + task) && !group.includes("/") && group.trim() !== "" && task.trim() !== "");
        const key = parseTaskName(`${group}/${task}`, "proj", sha256);
        expect(splitTaskKey(formatTaskKey(key))).toEqual(key);
        expect(formatTaskKey(key).split("/")).toHaveLength(3);
      }),
      RUNS,
    );
  });
});

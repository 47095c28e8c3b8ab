import fc from "fast-check";
import { expect, test } from "vitest";
import { BESIDE, compareVersions, isOwnPath, planFiles, type FoundFile } from "./install.ts";

const HASHES = ["a", "b", "c", "d"].map((letter) => letter.repeat(64));
const PATHS = ["one", "two", "three"].map((name) => `.claude/skills/okstra-${name}/SKILL.md`);

/** The disk after a plan: what was written is there, what was removed is not. */
function apply(disk: ReadonlyMap<string, string>, plans: ReturnType<typeof planFiles>): Map<string, string> {
  const after = new Map(disk);
  for (const { path, write, outcome } of plans) {
    if (write !== null) after.set(path, write);
    if (outcome === "removed") after.delete(path);
  }
  return after;
}

test("done twice nothing changes, what somebody else wrote is never lost, and what is wanted is there or beside", () => {
  const disk = fc.dictionary(fc.constantFrom(...PATHS, ...PATHS.map((path) => `${path}${BESIDE}`)), fc.constantFrom(...HASHES));
  const files = fc.dictionary(fc.constantFrom(...PATHS), fc.constantFrom(...HASHES));
  fc.assert(
    fc.property(disk, files, files, (there, ours, brings) => {
      const before = new Map(Object.entries(there));
      const known = new Map(Object.entries(ours));
      const wanted = new Map(Object.entries(brings));
      const look =
        (all: ReadonlyMap<string, string>) =>
        (path: string): FoundFile => {
          const sha256 = all.get(path);
          return sha256 === undefined ? "absent" : { sha256 };
        };
      const plans = planFiles(wanted, known, look(before));
      expect(new Set(plans.map(({ path }) => path)).size).toBe(plans.length);
      const after = apply(before, plans);
      for (const [path, sha256] of before)
        if (known.get(path) !== sha256) expect(after.get(path), "a file that is not as okstra wrote it").toBe(sha256);
      for (const [path, sha256] of wanted)
        expect([after.get(path), after.get(`${path}${BESIDE}`), "kept"]).toContain(after.get(path) === sha256 ? sha256 : "kept");
      const remembered = new Map(plans.flatMap(({ path, remember }) => (remember === null ? [] : [[path, remember] as const])));
      const again = planFiles(wanted, remembered, look(after));
      expect(again.filter(({ write, outcome }) => write !== null || outcome === "removed")).toEqual([]);
      const gone = apply(after, planFiles(new Map(), remembered, look(after)));
      for (const [path, sha256] of gone) expect(remembered.get(path), "what is left is not as okstra wrote it").not.toBe(sha256);
    }),
  );
});

test.each([
  [".claude/skills/okstra-run/SKILL.md", true],
  [".agents/skills/okstra-run/references/more.md", true],
  [".claude/skills/okstra-run/SKILL.md.okstra-new", true],
  [".claude/skills/other/SKILL.md", false],
  [".claude/skills/okstra-run/../../../.ssh/id", false],
  [".claude/skills/okstra-run/..", false],
  [".claude/settings.json", false],
  ["/etc/passwd", false],
  [".claude/skills/okstra-run", false],
  [".claude/skills/okstra-run/.hidden", false],
  [".claude/skills/okstra-run/a\nb", false],
])("a path of ours: %j %s", (path, isOwn) => {
  expect(isOwnPath(path)).toBe(isOwn);
});

test("versions in their order", () => {
  const order = [
    "no version",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.2.0",
    "1.10.0",
    "2.0.0",
  ];
  for (const [one, a] of order.entries())
    for (const [other, b] of order.entries()) expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).toBe(Math.sign(one - other));
  expect(compareVersions("1.0.0+a", "1.0.0+b")).toBe(0);
});

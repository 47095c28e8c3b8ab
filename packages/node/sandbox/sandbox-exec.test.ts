import { expect, test } from "vitest";
import { sandboxProfile } from "./sandbox-exec.ts";

test("a profile says no to every write, then what is allowed, read-only, hidden and seen again, in this order", () => {
  const profile = sandboxProfile({
    writable: ["/work/objects"],
    readOnly: ["/work/objects/info"],
    hidden: ["/home/p/.okstra"],
    exposed: [
      { path: "/home/p/.okstra/tree", writable: true },
      { path: "/home/p/.okstra/tree/.git", writable: false },
    ],
  });
  expect(profile.split("\n")).toEqual([
    "(version 1)",
    "(allow default)",
    "(deny file-write*)",
    '(allow file-write* (subpath "/dev"))',
    '(allow file-write* (subpath "/work/objects"))',
    '(deny file-write* (subpath "/work/objects/info"))',
    '(deny file-read* file-write* (subpath "/home/p/.okstra"))',
    '(allow file-read* (subpath "/home/p/.okstra/tree"))',
    '(allow file-write* (subpath "/home/p/.okstra/tree"))',
    '(allow file-read* (subpath "/home/p/.okstra/tree/.git"))',
    '(deny file-write* (subpath "/home/p/.okstra/tree/.git"))',
    "",
  ]);
});

test("no path can end its quotes and add a rule", () => {
  const path = '/a"))(allow file-write*)(deny file-read* (subpath "\\';
  const profile = sandboxProfile({ writable: [path], readOnly: [], hidden: [], exposed: [] });
  const quoted = /\(allow file-write\* \(subpath ("(?:[^"\\]|\\.)*")\)\)\n$/u.exec(profile)?.[1];
  expect(quoted?.slice(1, -1).replaceAll(/\\(.)/gu, "$1")).toBe(path);
});

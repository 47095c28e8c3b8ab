import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { directoryUrl, relativeUri, sourceUrl } from "./source-link.ts";

test("a link leads to the file and the line", () => {
  expect(sourceUrl("/home/a b", "src/주문 (1).ts", 12)).toBe("file:///home/a%20b/src/%EC%A3%BC%EB%AC%B8%20%281%29.ts#L12");
  expect(sourceUrl("C:\\work\\shop", "a.ts", null)).toBe("file:///C:/work/shop/a.ts");
});

test.each(["../x", "/etc/passwd", "a/../../x", "a//b", "./a", "a\\b", "C:/x", "", "a/\0b"])("%j gets no link", (path) => {
  expect(sourceUrl("/root", path, 1)).toBeNull();
});

test("a root that is not absolute gets no link", () => {
  expect(sourceUrl("", "a.ts", 1)).toBeNull();
  expect(sourceUrl("work/x", "a.ts", 1)).toBeNull();
  expect(directoryUrl("/a/../b")).toBeNull();
});

test("what looks like another scheme stays a relative path", () => {
  expect(relativeUri("javascript:alert(1)")).toBe("javascript%3Aalert%281%29");
  expect(relativeUri("%2e%2e/x#y?z")).toBe("%252e%252e/x%23y%3Fz");
});

test("every link decodes to the path it was made of, and ends no Markdown link early", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (path) => {
      const url = sourceUrl("/root dir", path, null);
      if (url === null) return;
      expect(url).not.toMatch(/[\s()<>"'`|]/);
      expect(fileURLToPath(url)).toBe(`/root dir/${path}`);
    }),
  );
});

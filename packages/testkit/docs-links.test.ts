/** Proves that no relative link of the documentation leads nowhere, and that every page is reached from its index. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { fromMarkdown } from "mdast-util-from-markdown";
import { toString } from "mdast-util-to-string";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/u, "");
const LANGUAGES = ["en", "kr"] as const;

type Page = ReturnType<typeof fromMarkdown>;
type Nodes = Page | Page["children"][number];

function* eachNode(node: Nodes): Generator<Nodes> {
  yield node;
  if ("children" in node) for (const child of node.children) yield* eachNode(child);
}

/** Addresses that a page leads to or shows: links, images, definitions, and those of the HTML in it. */
function listAddresses(markdown: string): readonly { readonly address: string; readonly line: number }[] {
  return [...eachNode(fromMarkdown(markdown))].flatMap((node) => {
    const line = node.position?.start.line ?? 0;
    if (node.type === "link" || node.type === "image" || node.type === "definition") return [{ address: node.url, line }];
    if (node.type !== "html") return [];
    return [...node.value.matchAll(/\b(?:href|src|srcset)="([^"]*)"/gu)].map(([, address = ""]) => ({ address, line }));
  });
}

/** Anchors of a page's headings, as GitHub names them. */
function listAnchors(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const node of eachNode(fromMarkdown(markdown))) {
    if (node.type !== "heading") continue;
    const name = toString(node)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    let anchor = name;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${name}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

const anchorsOf = new Map<string, ReadonlySet<string>>();

/** The anchors of a file, which is read once. */
function loadAnchors(path: string): ReadonlySet<string> {
  const anchors = anchorsOf.get(path) ?? listAnchors(readFileSync(path, "utf8"));
  anchorsOf.set(path, anchors);
  return anchors;
}

/** `page:line address` of each relative link below `root` that leads to no file in it, or to no heading of its file. */
function findBrokenLinks(root: string, pages: readonly string[]): readonly string[] {
  return pages.flatMap((page) =>
    listAddresses(readFileSync(join(root, page), "utf8"))
      .filter(({ address }) => !/^[a-z][a-z+.-]*:/iu.test(address) && !leadsSomewhere(root, page, address))
      .map(({ address, line }) => `${page}:${line} ${address}`),
  );
}

function leadsSomewhere(root: string, page: string, address: string): boolean {
  const [path = "", anchor] = decodeURIComponent(address).split("#");
  const target = path === "" ? join(root, page) : join(root, dirname(page), path);
  if (path.startsWith("/") || relative(root, target).startsWith("..") || !existsSync(target)) return false;
  if (anchor === undefined) return true;
  return statSync(target).isFile() && target.endsWith(".md") && loadAnchors(target).has(anchor);
}

function listPages(root: string): readonly string[] {
  const docs = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((path) => `docs/${path}`);
  return [...readdirSync(root).filter((path) => path.startsWith("README")), ...docs].filter((path) => path.endsWith(".md")).sort();
}

test("no relative link of README and docs is broken", () => {
  const pages = listPages(ROOT);
  expect(pages).toEqual(expect.arrayContaining(["README.md", "README.kr.md", "docs/en/tutorial.md", "docs/kr/tutorial.md"]));
  expect(pages.flatMap((page) => listAddresses(readFileSync(join(ROOT, page), "utf8"))).length).toBeGreaterThan(50);
  expect(findBrokenLinks(ROOT, pages)).toEqual([]);
});

test.each(LANGUAGES)("docs/%s/README.md leads to every page beside it", (language) => {
  const linked = listAddresses(readFileSync(join(ROOT, "docs", language, "README.md"), "utf8")).map(({ address }) => address);
  const pages = readdirSync(join(ROOT, "docs", language)).filter((name) => name.endsWith(".md") && name !== "README.md");
  expect(pages.filter((name) => !linked.includes(name))).toEqual([]);
});

test("every Korean page is the translation of an English one", () => {
  const [english, korean] = LANGUAGES.map((language) => readdirSync(join(ROOT, "docs", language)));
  expect(korean?.filter((name) => !english?.includes(name))).toEqual([]);
});

test("broken links are found: files, anchors, images, HTML, and what lies outside", () => {
  const root = mkdtempSync(join(tmpdir(), "okstra-links-"));
  try {
    mkdirSync(join(root, "docs"));
    writeFileSync(join(root, "docs/b.md"), "# One, two!\n\n## 한국어 제목\n\n## Same\n\n## Same\n");
    const good = [
      "docs/b.md",
      "docs/b.md#one-two",
      "docs/b.md#한국어-제목",
      "docs/b.md#same-1",
      "#here",
      "docs",
      "https://example.com/x#y",
    ];
    const bad = ["docs/c.md", "docs/b.md#three", "docs/b.md#same-2", "#there", "../outside.md", "/docs/b.md", "docs#x"];
    const links = [...good, ...bad].map((address) => `[x](${address})`);
    const page = [
      "# Here",
      ...links,
      "![y](y.png)",
      '<picture><source srcset="z.png"><img src="docs/b.md"></picture>',
      "[r]: r.md",
      "`[code](code.md)`",
    ];
    writeFileSync(join(root, "README.md"), page.join("\n\n"));
    expect(findBrokenLinks(root, ["README.md"]).map((each) => each.split(" ")[1])).toEqual([...bad, "y.png", "z.png", "r.md"]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { hostileText, withForeignText } from "./fixtures/hostile.ts";
import { handoffReport } from "./fixtures/handoff-reports.ts";
import { blockedVerification, confirmedAnalysis, emptyReport, overriddenVerification, stoppedImplementation } from "./fixtures/reports.ts";
import { STYLE } from "./html-style.ts";
import { markup, htmlBlock } from "./html-template.ts";
import { renderHtml } from "./html.ts";
import { outlineFor } from "./outline.ts";
import { LANGUAGES } from "./wording.ts";

/** Every tag with its attributes. All `<` of a page come from templates, so that this split is a parse. */
function tagsOf(page: string): { name: string; attributes: [string, string][] }[] {
  return Array.from(page.matchAll(/<([!/]?[a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)>/gi), ([, name = "", rest = ""]) => ({
    name: name.toLowerCase(),
    attributes: Array.from(rest.matchAll(/([a-z-]+)(?:="([^"]*)")?/gi), ([, key = "", value = ""]): [string, string] => [key, value]),
  }));
}

const ELEMENTS =
  "html head meta title style body header footer main section article h1 h2 h3 h4 p div span strong small code pre ul ol li dl dt dd a br table thead tbody tr th td".split(
    " ",
  );
const ATTRIBUTES = ["lang", "charset", "http-equiv", "content", "name", "class", "href", "scope", "data-label", "html"];

function expectHarmless(page: string): void {
  const tags = tagsOf(page);
  expect(page.split("<").length - 1).toBe(tags.length);
  for (const { name, attributes } of tags) {
    expect([...ELEMENTS, "!doctype"]).toContain(name.replace("/", ""));
    for (const [key, value] of attributes) {
      expect(ATTRIBUTES).toContain(key);
      if (key === "href") expect(value).toMatch(/^file:\/\/\/[^\s"'<>]*$/);
    }
  }
}

for (const lang of LANGUAGES) {
  test.each([
    ["blocked", blockedVerification(lang)],
    ["confirmed", confirmedAnalysis(lang)],
    ["empty", emptyReport(lang)],
    ["overridden", overriddenVerification(lang)],
    ["stopped", stoppedImplementation(lang)],
    ["handed-off", handoffReport(lang, "found")],
  ])(`${lang}: the page %s is as its snapshot`, async (name, report) => {
    const page = renderHtml(report);
    expectHarmless(page);
    expect(renderHtml(structuredClone(report))).toBe(page);
    await expect(page).toMatchFileSnapshot(`fixtures/snapshots/${name}.${lang}.html`);
  });

  test(`${lang}: the page has the outline as its headings, its language and a policy that allows no script`, () => {
    const page = renderHtml(emptyReport(lang, "release-handoff"));
    const headings = Array.from(page.matchAll(/<h([12])>(.*?)<\/h/g), ([, level, text]) => `${level} ${text?.replaceAll("&amp;", "&")}`);
    expect(headings).toEqual(
      outlineFor("release-handoff", lang)
        .filter(({ level }) => level < 3)
        .map(({ level, text }) => `${level} ${text}`),
    );
    expect(page).toContain(`<html lang="${lang}">`);
    expect(page).toContain("default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    expect(page).not.toMatch(/<script|javascript:|https?:|@import|url\(/i);
  });
}

test("the template escapes text, attributes and lists, and lets only its own pieces through", () => {
  const name = `"'<b>&\``;
  expect(markup`<a href="${name}">${name}</a>${[markup`<i>`, markup`${name}`]}${null}${undefined}${7}`.toString()).toBe(
    '<a href="&quot;&#39;&lt;b&gt;&amp;&#96;">&quot;&#39;&lt;b&gt;&amp;&#96;</a><i>\n&quot;&#39;&lt;b&gt;&amp;&#96;7',
  );
  expect(htmlBlock("a\n<b>\u001B").toString()).toBe("a\n&lt;b&gt;\\u{1b}");
});

test("case 52, 57: foreign text adds no element, no handler and no address, and leaves no control character", () => {
  const shape = (page: string): string =>
    tagsOf(page)
      .map(({ name }) => name)
      .filter((name) => ["h1", "h2", "h3", "style", "section", "table"].includes(name))
      .join(" ");
  const reports = LANGUAGES.flatMap((lang) => [blockedVerification(lang), stoppedImplementation(lang), handoffReport(lang, "found")]);
  const tameReports = reports.map((report) => ({ report, tame: shape(renderHtml(report)) }));
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 40 }), fc.constantFrom(...tameReports), (texts, { report, tame }) => {
      const page = renderHtml(withForeignText({ ...report, sourceRoot: "/root" }, texts));
      expectHarmless(page);
      expect(shape(page)).toBe(tame);
      expect(page).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/);
    }),
    { numRuns: 60 },
  );
});

test("text keeps a contrast of at least 4.5 : 1 on its ground, light and dark", () => {
  const luminance = (hex: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return channel <= 0.040_45 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const schemes = Array.from(
    STYLE.toString().matchAll(/--ground: #[\s\S]*?--info-ground: [^}]*/g),
    ([block]) => new Map(Array.from(block.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g), ([, key = "", hex = ""]) => [key, hex])),
  );
  const pairs = [
    ...["ink", "soft", "link"].flatMap((ink) => ["ground", "card"].map((ground) => [ink, ground])),
    ["ink", "well"],
    ...["good", "warn", "bad", "info", "quiet"].flatMap((tone) => [
      [tone, `${tone}-ground`],
      [tone, "card"],
    ]),
    ["ink", "warn-ground"],
  ];
  expect(schemes).toHaveLength(2);
  for (const colours of schemes) {
    for (const [ink = "", ground = ""] of pairs) {
      const [light = 0, dark = 0] = [luminance(colours.get(ink) ?? ""), luminance(colours.get(ground) ?? "")].sort((a, b) => b - a);
      expect({ ink, ground, ratio: (light + 0.05) / (dark + 0.05) >= 4.5 }).toEqual({ ink, ground, ratio: true });
    }
  }
});

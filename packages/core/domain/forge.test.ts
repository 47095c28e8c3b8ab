import fc from "fast-check";
import { expect, test } from "vitest";
import { compareUrl, describeForge, programOf, type Forge } from "./forge.ts";

const PASSWORD = "passing-word";
const HOSTS = {
  "git.example.org": "github",
  "lab.example.org": "gitlab",
  "lab.example.org:8443": "gitlab",
  "code.intern": "gitlab",
} as const;

test("reads the ways in which git names a forge's project", () => {
  const github = { kind: "github", host: "github.com", project: "owner/name", webUrl: "https://github.com/owner/name" };
  for (const url of [
    "https://github.com/owner/name",
    "https://github.com/owner/name.git",
    "https://github.com/owner/name.git/",
    "https://github.com/owner/name/",
    "https://github.com:443/owner/name.git",
    "https://person@github.com/owner/name.git",
    `https://person:${PASSWORD}@github.com/owner/name.git`,
    "http://github.com/owner/name.git",
    "https://GitHub.com/owner/name.git",
    "ssh://git@github.com/owner/name.git",
    "ssh://git@github.com:22/owner/name.git",
    "ssh://github.com/owner/name",
    "ssh://git@ssh.github.com:443/owner/name.git",
    "git@github.com:owner/name.git",
    "git@github.com:/owner/name.git",
    "github.com:owner/name",
  ])
    expect(describeForge(url, {}), url).toEqual(github);
  expect(describeForge("git@gitlab.com:group/sub/deeper/name.git", {})).toEqual({
    kind: "gitlab",
    host: "gitlab.com",
    project: "group/sub/deeper/name",
    webUrl: "https://gitlab.com/group/sub/deeper/name",
  });
  expect(describeForge("ssh://git@altssh.gitlab.com:443/group/name.git", {})?.webUrl).toBe("https://gitlab.com/group/name");
  expect(describeForge("https://codeberg.org/owner/.profile.git", {})).toMatchObject({ kind: "gitea", project: "owner/.profile" });
  expect(describeForge("git@bitbucket.org:space/na.me.git", {})).toMatchObject({ kind: "bitbucket", project: "space/na.me" });
});

test("knows a person's own hosts by the settings, with or without the port of their pages", () => {
  expect(describeForge("git@git.example.org:owner/name.git", HOSTS)).toMatchObject({ kind: "github", host: "git.example.org" });
  expect(describeForge("ssh://git@lab.example.org:2222/group/name", HOSTS)?.webUrl).toBe("https://lab.example.org/group/name");
  expect(describeForge("https://lab.example.org:8443/group/name", HOSTS)).toMatchObject({
    host: "lab.example.org:8443",
    webUrl: "https://lab.example.org:8443/group/name",
  });
  expect(describeForge("http://code.intern:8080/group/name.git", HOSTS)).toMatchObject({
    kind: "gitlab",
    host: "code.intern:8080",
    webUrl: "http://code.intern:8080/group/name",
  });
  expect(describeForge("https://git.example.org/owner/name", {})).toBeNull();
  expect(describeForge("https://-x.example.org/owner/name", { "-x.example.org": "github" })).toBeNull();
  expect(describeForge("https://github.com/owner/name", { "github.com": "gitlab" })?.kind).toBe("github");
});

test("case 7, case 8, case 9: what no forge gives as its URL is no forge", () => {
  for (const url of [
    "",
    "/srv/git/name.git",
    "../name.git",
    "./github.com:owner/name",
    "file:///srv/github.com/owner/name.git",
    "ext::sh -c touch% pwned github.com/owner/name",
    "ext::https://github.com/owner/name",
    "git://github.com/owner/name.git",
    "git+ssh://git@github.com/owner/name.git",
    "ftp://github.com/owner/name.git",
    "C:\\work\\name",
    "C:/work/name",
    "--upload-pack=x@github.com:owner/name",
    "-oProxyCommand=x@github.com:owner/name",
    "ssh://-oProxyCommand=x/owner/name",
    "https://github.com/owner",
    "https://github.com/owner/",
    "https://github.com/owner/.git",
    "https://github.com//owner/name",
    "https://github.com/owner//name",
    "https://github.com/owner/name//",
    "https://github.com/owner/name/more",
    "https://github.com/owner/..",
    "https://github.com/../name",
    "https://github.com/./name",
    "https://github.com/owner/na..me",
    "https://github.com/-owner/name",
    "https://github.com/owner/-name",
    "https://gitlab.com/group/-/name",
    "https://github.com/owner/na me",
    "https://github.com/owner/name ",
    " https://github.com/owner/name",
    "https://github.com/owner/name\n",
    "https://github.com/owner\n/name",
    "https://github.com/owner/name\nhttps://github.com/other/name",
    "https://github.com/owner/n%61me",
    "https://github.com/owner/name?x=1",
    "https://github.com/owner/name#x",
    "https://github.com/owner/n\u0430me",
    "https://g\u0456thub.com/owner/name",
    "https://github.com./owner/name",
    "https://github.com@evil.test/owner/name",
    "https://evil.test/github.com/owner/name",
    "https://github.com.evil.test/owner/name",
    "https://github.com:99999/owner/name",
    "https://github.com:0/owner/name",
    "https://[::1]/owner/name",
    "git@evil.test:github.com:owner/name",
    "$(touch x)@github.com:owner/name",
    "git@constructor:owner/name",
    "git@__proto__:owner/name",
    "git@toString:owner/name",
    `https://github.com/owner/${"n".repeat(3000)}`,
  ])
    expect(describeForge(url, HOSTS), JSON.stringify(url)).toBeNull();
});

const segment = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,20}$/);
const form = fc.constantFrom(
  (host: string, path: string) => `https://${host}/${path}`,
  (host: string, path: string) => `https://who:${PASSWORD}@${host}/${path}.git`,
  (host: string, path: string) => `ssh://git@${host}:2222/${path}.git/`,
  (host: string, path: string) => `git@${host}:${path}.git`,
);

test("every form of a project's URL leads to the same forge", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("github.com", "gitlab.com", "codeberg.org", "bitbucket.org", "git.example.org", "lab.example.org"),
      fc.array(segment, { minLength: 2, maxLength: 5 }),
      form,
      form,
      (host, segments, one, other) => {
        const isGitlab = host.startsWith("gitlab") || host.startsWith("lab");
        const path = segments.slice(0, isGitlab ? 5 : 2).join("/");
        const forge = describeForge(one(host, path), HOSTS);
        expect(forge).toMatchObject({ host, project: path, webUrl: `https://${host}/${path}` });
        expect(describeForge(other(host, path), HOSTS)).toEqual(forge);
        expect(JSON.stringify(forge)).not.toContain(PASSWORD);
      },
    ),
  );
});

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          "https://",
          "ssh://",
          "ext::",
          "git@",
          "github.com",
          "lab.example.org",
          ":",
          "/",
          "..",
          "-",
          "\n",
          " ",
          "@",
          ".git",
          "%2e",
          "\u00e9",
        ),
        segment,
      ),
      { maxLength: 10 },
    )
    .map((parts) => parts.join("")),
);

test("whatever text is given, a forge that is found is a safe one", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const forge = describeForge(text, HOSTS);
      if (forge === null) return;
      expect(new URL(forge.webUrl).href).toBe(forge.webUrl);
      expect(forge.webUrl).toBe(`https://${forge.host}/${forge.project}`);
      expect(forge.project).toMatch(/^(?!-)[\w.-]+(?:\/(?!-)[\w.-]+)+$/);
      expect(forge.project.split("/")).not.toContain("..");
    }),
    { numRuns: 5000 },
  );
});

const forges: readonly Forge[] = ["git@github.com:o/n", "git@gitlab.com:g/s/n", "git@codeberg.org:o/n", "git@bitbucket.org:o/n"].flatMap(
  (url) => describeForge(url, {}) ?? [],
);

test("the page for a new pull request is the forge's own", () => {
  const names = { base: "main", branch: "fix/login" };
  expect(forges.map((forge) => compareUrl(forge, names))).toEqual([
    "https://github.com/o/n/compare/main...fix%2Flogin?expand=1",
    "https://gitlab.com/g/s/n/-/merge_requests/new?merge_request%5Bsource_branch%5D=fix%2Flogin&merge_request%5Btarget_branch%5D=main",
    "https://codeberg.org/o/n/compare/main...fix%2Flogin",
    "https://bitbucket.org/o/n/pull-requests/new?source=fix%2Flogin&dest=main&t=1",
  ]);
});

test("names of branches stay data in the page's address", () => {
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.constantFrom(...forges), name, name, (forge, base, branch) => {
      const url = compareUrl(forge, { base, branch });
      expect(url).toMatch(/^[A-Za-z0-9:/?&=%._-]+$/);
      expect(new URL(url).href).toBe(url);
      const { pathname, searchParams } = new URL(url);
      if (forge.kind === "gitlab") expect([...searchParams.values()]).toEqual([branch, base]);
      else if (forge.kind === "bitbucket") expect([searchParams.get("source"), searchParams.get("dest")]).toEqual([branch, base]);
      else expect(decodeURIComponent(pathname.slice("/o/n/compare/".length))).toBe(`${base}...${branch}`);
    }),
  );
});

test("half of a character in a branch's name is shown as a replaced one", () => {
  expect(compareUrl(forges[0]!, { base: "main", branch: "a\uD800" })).toBe("https://github.com/o/n/compare/main...a%EF%BF%BD?expand=1");
});

test("gh speaks with GitHub and glab with GitLab", () => {
  expect(forges.map(programOf)).toEqual(["gh", "glab", null, null]);
});

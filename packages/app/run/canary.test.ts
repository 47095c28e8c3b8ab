import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { createRunProject } from "@okstra/testkit/run-project";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import type { TestProject } from "@okstra/testkit/test-project";
import { vendorProgram } from "@okstra/testkit/vendors/canary-program";

/** Whole runs with agents that tell everything: above what they need on a slow machine. */
const LONG_MS = 180_000;
/** A worker is gone this long after okstra, whatever ended okstra. */
const DEATH_MS = 5000;

/** What nobody may find, by the place where it stands. The ones with quotes are written otherwise in JSON. */
const SECRETS = {
  environment: "Qv7xEnvironmentCanaryOne4f1c9d27a6Zr",
  quoted: 'Wq8y"quoted\\Canary"Two"5e2dab38b7\\Ys',
  tracked: "Tk3nTrackedDotEnvCanary6d3ebc49c8Hb",
  untracked: "Um5pUntracked 'DotEnv' Canary7c4fcd50d9Jk",
  openai: ["sk", "Xn2ProjCanary8b50de61eaLmNoPqRs"].join("-"),
  github: ["ghp", "Bf9CanaryNine7a61ef72fbTuVwXyZa12"].join("_"),
} as const;

const ENVIRONMENT = { CANARY_TOKEN: SECRETS.environment, CANARY_SECRET: SECRETS.quoted };

let bundles: TestHome | undefined;
let agent = "";
let okstra = "";
let project: TestProject;

beforeAll(async () => {
  bundles = createTestHome();
  const directory = bundles.directory("bundles");
  [agent, okstra] = await Promise.all([bundleScriptedAgent(directory), bundleOkstra(directory)]);
  return () => bundles?.remove();
}, 60_000);

afterEach(async () => {
  await endStarted();
  project.remove();
});

/** Agents by name and mode; their worktree has the tracked `.env`, and a file outside names the rest. */
async function createProject(
  modes: Readonly<Record<string, string>>,
  lines: Readonly<Record<string, string>> = {},
  more: readonly string[] = [],
): Promise<void> {
  project = await createRunProject();
  await project.repo.commit("settings", { ".env": `APP_TITLE=${SECRETS.tracked}\n` });
  project.repo.write(".env.local", `APP_OTHER="${SECRETS.untracked}"\n`);
  project.repo.write(".git/info/exclude", ".env.local\n");
  const known = join(project.home.directory("outside"), "known");
  writeFileSync(known, [SECRETS.untracked, SECRETS.openai, SECRETS.github, ...more].map((value) => `X=${value}\n`).join(""));
  const env = Object.keys(ENVIRONMENT);
  const workers = {
    ...Object.fromEntries(
      Object.entries(modes).map(([name, mode]) => [name, { kind: "acp", command: [process.execPath, agent, mode, known], env }]),
    ),
    ...Object.fromEntries(
      Object.entries(lines).map(([name, line]) => [name, { kind: "command", command: ["sh", "-c", line.replaceAll("KNOWN", known)], env }]),
    ),
  };
  writeFileSync(join(project.repo.root, ".project-docs/okstra/project.json"), JSON.stringify({ schema: 1, projectId: "sums", workers }));
  await project.provision("g/t");
  expect((await project.okstra(["trust", "g/t"])).status).toBe(0);
}

function start(...argv: readonly string[]): StartedProcess {
  return startProcess([process.execPath, okstra, ...argv], { cwd: project.repo.root, env: ENVIRONMENT });
}

function run(workers: string, ...more: readonly string[]): StartedProcess {
  return start("run", "g/t", "-t", "final-verification", "--workers", workers, ...more);
}

function toHtml(text: string): string {
  return text.replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/** The beginning and the end of each secret, plain and as JSON and HTML write it: what a cut in the middle of one leaves. */
const TRACES = Object.entries(SECRETS).flatMap(([name, value]) =>
  [value, JSON.stringify(value).slice(1, -1), toHtml(value)].flatMap((written) => [
    { name, whole: false, text: written.slice(0, 8) },
    { name, whole: false, text: written.slice(-8) },
    { name, whole: true, text: written },
  ]),
);

interface Leak {
  readonly place: string;
  readonly secret: string;
  readonly context: string;
}

function findLeaks(place: string, text: string, wholeOnly = false): Leak[] {
  return TRACES.flatMap(({ name, whole, text: trace }) => {
    const at = wholeOnly && !whole ? -1 : text.indexOf(trace);
    return at < 0 ? [] : [{ place, secret: name, context: text.slice(Math.max(0, at - 80), at + 60) }];
  });
}

/** Every file and name below okstra's home and the project's records. A worktree is the project's own and may have its `.env`. */
function scanFiles(isLeftOut: (path: string) => boolean = () => false): Leak[] {
  const leaks: Leak[] = [];
  let files = 0;
  const look = (path: string): void => {
    if (isLeftOut(path)) return;
    leaks.push(...findLeaks("a name", path));
    const facts = lstatSync(path);
    if (facts.isDirectory()) for (const name of readdirSync(path)) look(join(path, name));
    else if (facts.isFile()) {
      files += 1;
      if (/\/worktrees\/.*\/\.env$/.test(path)) return;
      // An agent's stream as it came: what it says in pieces stands there in pieces.
      leaks.push(...findLeaks(path, readFileSync(path, "utf8"), /\/transcript(?:-2)?\.log$/.test(path)));
    }
  };
  look(project.home.okstraHome);
  look(join(project.repo.root, ".project-docs"));
  expect(files).toBeGreaterThan(10);
  return leaks;
}

const VIEWS: readonly (readonly string[])[] = [
  ["logs", "g/t"],
  ["logs", "g/t", "--json"],
  ...["md", "html", "json", "sarif", "path"].map((format) => ["report", "g/t", "--format", format]),
  ["report", "g/t", "--lang", "ko"],
  ["report", "g/t", "--json"],
  ["cost", "g/t"],
  ["cost", "g/t", "--json"],
  ["task", "show", "g/t"],
  ["task", "show", "g/t", "--json"],
  ["validate", "g/t", "--json"],
];

async function scanViews(find: typeof findLeaks = findLeaks): Promise<Leak[]> {
  const leaks: Leak[] = [];
  for (const argv of VIEWS) {
    const { stdout, stderr } = await start(...argv).ended;
    expect([argv, stdout + stderr]).not.toEqual([argv, ""]);
    leaks.push(...find(`okstra ${argv.join(" ")}`, stdout + stderr));
  }
  return leaks;
}

/** Places, each once with the beginning of what is around it: a test that fails shows where to look. */
function expectNone(leaks: readonly Leak[]): void {
  const byPlace = new Map(leaks.map((leak) => [`${leak.place} ${leak.secret}`, leak]));
  expect([...byPlace.values()].slice(0, 40)).toEqual([]);
}

const runDirectory = (): string => join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs/final-verification/001");
const read = (path: string): string => readFileSync(join(runDirectory(), path), "utf8");

/** What only the workers of this test's own task have in their environment. */
const mark = (): string => `OKSTRA_WORKTREE=${join(project.home.okstraHome, "worktrees/sums/g/t")}`;

const SAID = `cat .env KNOWN; printenv CANARY_TOKEN CANARY_SECRET; cat .env KNOWN >&2; printenv CANARY_TOKEN CANARY_SECRET >&2`;
const WORDS = `printf 'word%.0s ' $(seq 24); printf '%s' "$CANARY_TOKEN"`;
/** A result that has each secret; those with quotes would be no JSON. */
const SUBMIT = `S="$CANARY_TOKEN $(cat .env KNOWN | sed 's/.*=//' | tr '\\n' ' ')"; printf '{"nonce":"%s","findings":[{"claim":"%s","category":"correctness","severity":"P2","file":"src/sum.js","quote":"%s","%s":"%s","reproduction":{"command":"echo %s","output":"%s"}}]}' "$OKSTRA_NONCE" "$(printf %s "$S" | cut -c1-190)" "$S" "$S" "$S" "$S" "$S" > "$OKSTRA_RESULT"; echo ready >&2`;

describe("case 55: a secret that workers give away", () => {
  test(
    "agents: by their messages, the door, a fenced result, a wrong result, an error and an exit",
    async () => {
      await createProject({
        door: "canary",
        message: "canary-message",
        shapeless: "canary-shapeless",
        error: "canary-error",
        exit: "canary-exit",
      });
      const first = await run("door,message,shapeless,error,exit", "--json", "--events", "ndjson").ended;
      const answer = JSON.parse(first.stdout);
      expect(answer.lanes, first.stdout + first.stderr).toMatchObject(["ok", "ok", "failed", "failed", "failed"].map((end) => ({ end })));
      for (const lane of ["door", "message", "shapeless", "error", "exit"])
        expect(read(`workers/${lane}/transcript.jsonl`).split("[redacted]").length, lane).toBeGreaterThan(100);
      expectNone([...findLeaks("stdout", first.stdout), ...findLeaks("stderr", first.stderr), ...scanFiles(), ...(await scanViews())]);
    },
    LONG_MS,
  );

  test(
    "agents that are at it when okstra is killed, and after the next command that leads the run",
    async () => {
      await createProject({ door: "canary-waits", message: "canary-message" }, { shell: `${SAID}; ${SUBMIT}; sleep 600` });
      const running = run("door,message,shell", "--events", "ndjson");
      const log = (lane: string): string => {
        const path = join(runDirectory(), `workers/${lane}/transcript.log`);
        return existsSync(path) ? readFileSync(path, "utf8") : "";
      };
      await waitUntil(
        () =>
          !running.isRunning() ||
          (log("door").includes("waiting\n") &&
            log("shell").includes("ready\n") &&
            existsSync(join(runDirectory(), "workers/message/receipt.json"))),
      );
      expect(running.isRunning(), running.lines().at(-1)).toBe(true);
      // What a lane that is being worked on has in its door and its directory for temporary files is the worker's own.
      const isOpen = (path: string): boolean => /\/workers\/(?:door|shell)\/(?:door|tmp)$/.test(path);
      expectNone([...scanFiles(isOpen), ...(await scanViews())]);
      running.signal("SIGKILL");
      const killed = await running.ended;
      expect(await waitForMarked(mark(), (found) => found.length === 0, DEATH_MS)).toEqual([]);
      expectNone([
        ...findLeaks("stdout", killed.stdout),
        ...findLeaks("stderr", killed.stderr),
        ...scanFiles(isOpen),
        ...(await scanViews()),
      ]);
      expect(existsSync(join(runDirectory(), "workers/door/door"))).toBe(true);
      const { stdout, stderr } = await start("cancel", "g/t", "--json").ended;
      expect(JSON.parse(stdout).state, stdout + stderr).toBe("cancelled");
      for (const lane of ["door", "shell"])
        for (const name of ["door", "tmp"]) expect(existsSync(join(runDirectory(), "workers", lane, name)), `${lane}/${name}`).toBe(false);
      expectNone([...findLeaks("cancel", stdout + stderr), ...scanFiles(), ...(await scanViews())]);
    },
    LONG_MS,
  );

  test(
    "a program: on both streams, in its result, in names of files, with its last words and in a result that is refused",
    async () => {
      await createProject(
        {},
        {
          talker: `${SAID}; ${SUBMIT}`,
          refused: `${SAID}; cp KNOWN "$OKSTRA_RESULT"`,
          shapeless: `${SAID}; ${SUBMIT.replace('"P2"', '"\'"$S"\'"')}`,
          dying: `${SAID}; ${WORDS} >&2; exit 3`,
          tired: `${SAID}; ${WORDS} >&2; exit 75`,
          namer: `${SAID}; touch "$CANARY_TOKEN" "$(sed -n 's/^X=sk/sk/p' KNOWN)" "$(dirname "$OKSTRA_RESULT")/$CANARY_TOKEN"; ${SUBMIT}`,
        },
      );
      const workers = ["talker", "refused", "shapeless", "dying", "tired", "namer"];
      const first = await run(workers.join(","), "--json", "--events", "ndjson").ended;
      expect(JSON.parse(first.stdout).lanes, first.stdout + first.stderr).toMatchObject(
        // Who changed the tree is not to be told apart from who was at it then.
        ["ok", "failed", "failed", "failed", "quota", expect.any(String)].map((end) => ({ end: end as unknown })),
      );
      const dirty = await start("resume", "g/t", "--without-quota", "--json").ended;
      expect(JSON.parse(dirty.stdout).error).toMatchObject({
        code: "OKSTRA_PREPARE_TREE_DIRTY",
        message: expect.stringContaining("[redacted]"),
      });
      await project.repo.git(["-C", join(project.home.okstraHome, "worktrees/sums/g/t"), "clean", "-fdq"]);
      const second = await start("resume", "g/t", "--without-quota", "--json", "--events", "ndjson").ended;
      expect(JSON.parse(second.stdout).state, second.stdout + second.stderr).toBe("ended");
      for (const worker of workers) expect(read(`workers/${worker}/transcript.log`)).toContain("[redacted]");
      expect(read("events.jsonl")).toContain('"tree-changed"');
      const said = [first, dirty, second].flatMap(({ stdout, stderr }) => [...findLeaks("stdout", stdout), ...findLeaks("stderr", stderr)]);
      expectNone([...said, ...scanFiles(), ...(await scanViews())]);
    },
    LONG_MS,
  );

  test.each(["claude", "codex", "gemini"] as const)(
    "%s without a terminal",
    async (vendor) => {
      await createProject({});
      const program = join(project.home.directory("outside"), "vendor.mjs");
      writeFileSync(program, vendorProgram(vendor, join(project.home.directory("outside"), "known")));
      const settings = { kind: vendor, command: [process.execPath, program], env: Object.keys(ENVIRONMENT) };
      writeFileSync(
        join(project.repo.root, ".project-docs/okstra/project.json"),
        JSON.stringify({
          schema: 1,
          projectId: "sums",
          workers: {
            good: { ...settings, command: [...settings.command, "good"] },
            bad: { ...settings, command: [...settings.command, "bad"] },
          },
        }),
      );
      const ended = await run("good,bad", "--json", "--events", "ndjson").ended;
      expect(JSON.parse(ended.stdout).lanes, ended.stdout + ended.stderr).toMatchObject([{ end: "ok" }, { end: "failed" }]);
      for (const lane of ["good", "bad"]) expect(read(`workers/${lane}/transcript.jsonl`).split("[redacted]").length).toBeGreaterThan(50);
      expectNone([...findLeaks("stdout", ended.stdout), ...findLeaks("stderr", ended.stderr), ...scanFiles(), ...(await scanViews())]);
    },
    LONG_MS,
  );
});

test(
  "case 57: what acts on a terminal is neutral in every view, wherever an agent says it",
  async () => {
    const hostile = "\u001B]52;c;aGk=\u0007\u001B[2J\u009B31m\u202E\u2066 and back\rover";
    await createProject({ message: "canary-message", error: "canary-error", exit: "canary-exit" }, {}, [hostile]);
    const ended = await run("message,error,exit", "--json", "--events", "ndjson").ended;
    expect(JSON.parse(ended.stdout).lanes, ended.stdout + ended.stderr).toMatchObject([
      { end: "ok" },
      { end: "failed" },
      { end: "failed" },
    ]);
    const findActing = (place: string, text: string): Leak[] => {
      const at = text.search(/(?!\n|\t)[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u);
      return at < 0
        ? []
        : [
            {
              place,
              secret: `U+${text.codePointAt(at)?.toString(16)}`,
              context: JSON.stringify(text.slice(Math.max(0, at - 80), at + 60)),
            },
          ];
    };
    expect((await start("logs", "g/t").ended).stdout).toContain(
      String.raw`\u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{2066} and back`,
    );
    expectNone([...findActing("stdout", ended.stdout), ...findActing("stderr", ended.stderr), ...(await scanViews(findActing))]);
  },
  LONG_MS,
);

describe("case 56: the environment of a worker", () => {
  const FULL: Readonly<Record<string, string>> = Object.fromEntries(
    [
      "GH_TOKEN",
      "GITHUB_TOKEN",
      "SSH_AUTH_SOCK",
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_PROFILE",
      "NPM_TOKEN",
      "NODE_AUTH_TOKEN",
      "ANTHROPIC_API_KEY",
      "OPENAI_API_KEY",
      "GEMINI_API_KEY",
      "GOOGLE_APPLICATION_CREDENTIALS",
      "KUBECONFIG",
      "DOCKER_HOST",
      "GIT_ASKPASS",
      "GPG_AGENT_INFO",
      "VAULT_TOKEN",
      "OKSTRA_SEAL_KEY",
      "LD_PRELOAD_PATH",
      "FOO_BAR",
    ].map((name) => [name, `/tmp/none/${name.toLowerCase()}`]),
  );

  test("an agent sees nothing of a person's but what its preset or its `env` names", async () => {
    project = await createRunProject();
    const command = [process.execPath, agent, "environment"];
    const workers = {
      plain: { kind: "acp", command },
      named: { kind: "acp", command, env: ["NPM_TOKEN", "FOO_BAR"] },
      preset: { kind: "acp", preset: "claude-agent-acp", command },
      open: { kind: "acp", command, sandbox: "off" },
    };
    writeFileSync(join(project.repo.root, ".project-docs/okstra/project.json"), JSON.stringify({ schema: 1, projectId: "sums", workers }));
    const ended = await startProcess(
      [process.execPath, okstra, "run", "g/t", "-t", "final-verification", "--workers", Object.keys(workers).join(","), "--json"],
      { cwd: project.repo.root, env: FULL },
    ).ended;
    expect(JSON.parse(ended.stdout).lanes, ended.stdout + ended.stderr).toMatchObject(
      Object.keys(workers).map((worker) => ({ worker, end: "ok" })),
    );
    const seen = (lane: string): string[] => {
      const { findings } = JSON.parse(read(`workers/${lane}/result.json`)) as { findings: { fix: string }[] };
      return (findings[0]?.fix ?? "").split(" ");
    };
    for (const [lane, names] of [
      ["plain", []],
      ["named", ["FOO_BAR", "NPM_TOKEN"]],
      ["preset", ["ANTHROPIC_API_KEY"]],
      ["open", []],
    ] as const) {
      expect([lane, seen(lane).filter((name) => name in FULL)]).toEqual([lane, names]);
      expect(seen(lane)).toContain("PATH");
    }
    // Nothing else either: the list itself is what a change of it shows.
    const usual = new Set([
      "HOME",
      "LANG",
      "LC_ALL",
      "LC_CTYPE",
      "LOGNAME",
      "NO_COLOR",
      "OKSTRA_RUN_ID",
      "PATH",
      "PWD",
      "SHELL",
      "TEMP",
      "TERM",
      "TMP",
      "TMPDIR",
      "TZ",
      "USER",
    ]);
    expect(seen("plain").filter((name) => !usual.has(name))).toEqual([]);
  });
});

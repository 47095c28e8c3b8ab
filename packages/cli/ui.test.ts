import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProgressEvent } from "@okstra/app/app";
import { OkstraError } from "@okstra/core/errors";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil } from "@okstra/testkit/faults/start-process";
import { createRunProject } from "@okstra/testkit/run-project";
import { afterEach, expect, test } from "vitest";
import { createUi, type EventFormat, type Ui } from "./ui.ts";

const HOSTILE = "\u001B]52;c;aGk=\u0007\u001B[2J\u009B31m\u202Eevil";
const ACTING = /(?![\n\u200C\u200D])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const started = (lane: string): ProgressEvent => ({
  type: "lane-started",
  text: `${lane}: started`,
  data: { lane, worker: lane, role: "review", round: 1 },
});
const activity = (lane: string, text: string): ProgressEvent => ({
  type: "lane-activity",
  text: `${lane}: ${text}`,
  data: { lane, worker: lane, text },
});
const usage = (lane: string, tokens: number): ProgressEvent => ({
  type: "lane-usage",
  text: `${lane}: ${tokens} tokens`,
  data: { lane, worker: lane, tokens, cost: null },
});
const ended = (lane: string): ProgressEvent => ({
  type: "lane-ended",
  text: `${lane}: ok`,
  data: { lane, worker: lane, end: "ok", reason: null, findings: 0 },
});

/** A terminal as far as okstra uses one: both streams write to the same screen. */
class Screen {
  readonly isTTY = true;
  columns = 60;
  rows = 12;
  /** Everything that was written. */
  text = "";
  readonly #lines: string[] = [""];
  #row = 0;
  #column = 0;

  write(text: string): void {
    this.text += text;
    for (const [part] of text.matchAll(/\u001B\[[?\d;]*[A-Za-z]|[^]/gu)) {
      if (part === "\n") this.#move(this.#row + 1, 0);
      else if (part === "\r") this.#column = 0;
      else if (part.startsWith("\u001B")) this.#obey(part);
      else {
        const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
        this.#lines[this.#row] = line.slice(0, this.#column) + part + line.slice(this.#column + part.length);
        this.#column += part.length;
      }
    }
  }

  #obey(sequence: string): void {
    const count = Number(/\d+/.exec(sequence)?.[0] ?? 1);
    const line = this.#lines[this.#row] ?? "";
    switch (sequence.at(-1)) {
      case "A":
        return this.#move(this.#row - count, this.#column);
      case "B":
        return this.#move(this.#row + count, this.#column);
      case "G":
        return this.#move(this.#row, 0);
      case "K":
        this.#lines[this.#row] = sequence.includes("2") ? "" : line.slice(0, this.#column);
        return;
      case "h":
      case "l":
      case "m":
        return;
      default:
        throw new Error(`${JSON.stringify(sequence)} is no sequence that okstra writes`);
    }
  }

  #move(row: number, column: number): void {
    this.#row = Math.max(0, row);
    this.#column = column;
    while (this.#lines.length <= this.#row) this.#lines.push("");
  }

  /** Lines with something on them. */
  lines(): string[] {
    return this.#lines.map((line) => line.trimEnd()).filter((line) => line !== "");
  }
}

function onScreen(screen: Screen, options: { json?: boolean; events?: EventFormat; env?: Record<string, string> } = {}): Ui {
  return createUi({ stdout: screen, stderr: screen }, { json: false, events: "text", env: { TERM: "xterm" }, ...options });
}

function inLog(options: { json?: boolean; events?: EventFormat } = {}): { ui: Ui; read: () => { stdout: string; stderr: string } } {
  let [stdout, stderr] = ["", ""];
  const streams = {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (stderr += text) },
  };
  return { ui: createUi(streams, { json: false, events: "text", env: {}, ...options }), read: () => ({ stdout, stderr }) };
}

afterEach(endStarted);

test("on a terminal each lane has one line that is written over, and only the answer is left", async () => {
  const screen = new Screen();
  const ui = onScreen(screen);
  ui.progress({ type: "checkout-started", text: "checking out okstra/bugs/login" });
  expect(screen.lines()).toEqual(["· checking out okstra/bugs/login"]);
  ui.progress(started("claude"));
  ui.progress(started("checks"));
  await waitUntil(() => screen.lines().length === 2);
  for (let at = 0; at < 50; at += 1) ui.progress(activity("claude", `reads file ${at}`));
  ui.progress(usage("claude", 1234));
  await waitUntil(() => screen.lines().some((line) => line.includes("1.2k tok")));
  expect(screen.lines()).toEqual([
    expect.stringMatching(/^claude +runs +reads file 49 +0s +1\.2k tok$/),
    expect.stringMatching(/^checks +runs +started +0s$/),
  ]);
  ui.progress({ type: "sandbox-missing", level: "warning", text: "claude runs without a sandbox" });
  ui.progress({ type: "healing", level: "note", text: "a lock was removed" });
  ui.progress(ended("checks"));
  await waitUntil(() => screen.lines().some((line) => /^checks +ok/.test(line)));
  expect(screen.lines()).toEqual([
    "warning: claude runs without a sandbox",
    "note: a lock was removed",
    expect.stringMatching(/^claude +runs/),
    expect.stringMatching(/^checks +ok/),
  ]);
  ui.answer({}, "verdict   ACCEPTED");
  const left = ["warning: claude runs without a sandbox", "note: a lock was removed", "verdict   ACCEPTED"];
  expect(screen.lines()).toEqual(left);
  ui.progress(activity("claude", "too late"));
  expect(screen.text.endsWith("too late\u001B[0m")).toBe(true);
  ui.raw("the end");
  expect(screen.lines()).toEqual([...left, "the end"]);
});

test("a flood of events draws seldom", async () => {
  const screen = new Screen();
  const ui = onScreen(screen);
  ui.progress(started("claude"));
  await waitUntil(() => screen.lines().length === 1);
  const before = screen.text.length;
  for (let at = 0; at < 20_000; at += 1) ui.progress(activity("claude", `step ${at}`));
  await waitUntil(() => screen.lines().some((line) => line.includes("step 19999")));
  // 20 000 drawings would be over a million characters; a few are a few hundred.
  expect(screen.text.length - before).toBeLessThan(20_000);
  ui.answer({}, "");
  expect(screen.lines()).toEqual([]);
});

test("a terminal that becomes narrower or lower has lines that fit", async () => {
  const screen = new Screen();
  const ui = onScreen(screen, { env: { TERM: "xterm", NO_COLOR: "1" } });
  for (let at = 0; at < 20; at += 1) ui.progress(started(`worker-with-a-long-name-${at}`));
  await waitUntil(() => screen.lines().length === screen.rows - 2);
  expect(screen.lines().at(-1)).toBe("and 11 more lanes");
  const before = screen.text.length;
  Object.assign(screen, { columns: 30, rows: 8 });
  ui.progress(activity("worker-with-a-long-name-0", "goes on"));
  await waitUntil(() => screen.text.length > before);
  const drawn = screen.text.slice(before);
  expect(drawn).not.toMatch(/\u001B\[\d*m/u);
  const lines = drawn
    .replaceAll(/\u001B\[[?\d;]*[A-Za-z]/gu, "")
    .split("\n")
    .filter((line) => line !== "");
  expect(lines).toHaveLength(6);
  for (const line of lines) expect(line.length).toBeLessThan(30);
  ui.error(new OkstraError("OKSTRA_USAGE", { message: "No." }));
  expect(screen.lines().at(-1)).toMatch(/^hint: /);
});

test("colour only where it is wanted; a dumb terminal is written to line by line", async () => {
  const coloured = new Screen();
  onScreen(coloured).progress({ type: "x", level: "warning", text: "mind" });
  expect(coloured.text).toBe("\u001B[33mwarning:\u001B[0m mind\n");
  const plain = new Screen();
  onScreen(plain, { env: { TERM: "xterm", NO_COLOR: "1" } }).progress({ type: "x", level: "warning", text: "mind" });
  expect(plain.text).toBe("warning: mind\n");
  const dumb = new Screen();
  const ui = onScreen(dumb, { env: { TERM: "dumb" } });
  for (const event of [started("claude"), activity("claude", "reads"), usage("claude", 5), ended("claude")]) ui.progress(event);
  ui.answer({}, "done");
  expect(dumb.text).toBe("claude: started\nclaude: reads\nclaude: ok\ndone\n");
});

test("in a log a lane's uses are not told, and no more of its activities than can be read", () => {
  const { ui, read } = inLog();
  ui.progress(started("claude"));
  ui.progress(activity("claude", "same"));
  ui.progress(activity("claude", "same"));
  for (let at = 0; at < 5000; at += 1) {
    ui.progress(activity("claude", `step ${at}`));
    ui.progress(usage("claude", at));
  }
  ui.progress(activity("codex", "reads"));
  ui.progress(started("claude"));
  ui.progress(activity("claude", "goes on"));
  ui.progress(ended("claude"));
  const lines = read().stderr.trimEnd().split("\n");
  expect(lines.slice(0, 21)).toEqual(["claude: started", "claude: same", ...Array.from({ length: 19 }, (_, at) => `claude: step ${at}`)]);
  expect(lines.slice(-4)).toEqual(["codex: reads", "claude: started", "claude: goes on", "claude: ok"]);
  expect(lines.length).toBeLessThan(40);
  expect(read().stderr).not.toContain("tokens");
});

test("with ndjson every event is a line, once, on a terminal too", () => {
  const { ui, read } = inLog({ events: "ndjson" });
  const events = [
    started("a"),
    ...Array.from({ length: 100 }, (_, at) => activity("a", `${at}`)),
    usage("a", 1),
    usage("a", 1),
    ended("a"),
  ];
  for (const event of events) ui.progress(event);
  ui.progress({ type: "run-ended", level: "record", text: "", data: { seq: 1 } });
  // That a lane started and ended stands in the run's log, and is told as it stands there.
  const lines = read().stderr.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([...events.slice(1, -1), { seq: 1 }]);
  const screen = new Screen();
  onScreen(screen, { events: "ndjson" }).progress(usage("a", 1));
  expect(JSON.parse(screen.text)).toEqual(usage("a", 1));
});

test("under --json the narration is silent but for warnings", () => {
  const screen = new Screen();
  const ui = onScreen(screen, { json: true, events: "none", env: { NO_COLOR: "1" } });
  ui.progress(started("a"));
  ui.progress({ type: "x", level: "note", text: "note" });
  ui.progress({ type: "x", level: "warning", text: "mind" });
  ui.answer({ a: 1 }, "text");
  expect(screen.text).toBe('warning: mind\n{\n  "a": 1\n}\n');
});

test("case 57: what workers say acts on no terminal, whichever way it is shown", async () => {
  const event = { ...activity("a", HOSTILE), data: { lane: "a", worker: "a", text: HOSTILE, more: [HOSTILE] } };
  const error = new OkstraError("OKSTRA_USAGE", { message: HOSTILE, details: { name: HOSTILE } });
  for (const options of [{}, { events: "ndjson" as const }, { json: true, events: "none" as const }]) {
    const { ui, read } = inLog(options);
    ui.progress(event);
    ui.progress({ ...event, level: "warning" });
    ui.answer({ text: HOSTILE }, HOSTILE);
    ui.documentLine({ text: HOSTILE });
    ui.error(error);
    const { stdout, stderr } = read();
    expect(stdout + stderr).not.toMatch(ACTING);
    expect(stdout + stderr).toContain("evil");
  }
  const { ui, read } = inLog({ json: true });
  ui.documentLine({ text: HOSTILE, tag: "\u{E0041}" });
  expect(JSON.parse(read().stdout)).toEqual({ text: HOSTILE, tag: "\u{E0041}" });
  const screen = new Screen();
  screen.columns = 140;
  const live = onScreen(screen, { env: { TERM: "xterm", NO_COLOR: "1" } });
  live.progress(started("a"));
  live.progress(event);
  await waitUntil(() => screen.lines().some((line) => line.includes("evil")));
  live.answer({}, "");
  // The screen throws for sequences that are none of okstra's own.
  expect(screen.text.replaceAll(/\u001B\[(?:\?2026[hl]|2K|\d*[AG])/gu, "")).not.toMatch(ACTING);
});

test("a real terminal shows lanes while they run and keeps the answer", async (context) => {
  if (!existsSync("/usr/bin/script") || process.platform !== "linux") context.skip("there is no script(1) of util-linux here");
  const project = await createRunProject({
    lines: {
      waits: `while [ ! -e "$HOME/go" ]; do sleep 0.05; done; printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
    },
  });
  try {
    const okstra = await bundleOkstra(project.home.directory("bundle"));
    const home = project.home.directory("person");
    const line = `stty cols 70 rows 20; '${process.execPath}' '${okstra}' run bugs/login -t final-verification --workers waits`;
    const env = { HOME: home, OKSTRA_HOME: project.home.okstraHome, TERM: "xterm", NO_COLOR: "1", SHELL: "/bin/sh" };
    const running = startProcess(["/usr/bin/script", "-qefc", line, "/dev/null"], { cwd: project.repo.root, env });
    await waitUntil(() => !running.isRunning() || running.lines().some((each) => /waits +runs +started/.test(each)));
    writeFileSync(join(home, "go"), "");
    const { status, stdout } = await running.ended;
    // One worker alone is no cross-check: the gate holds.
    expect(status, stdout).toBe(10);
    const screen = new Screen();
    screen.write(stdout);
    expect(screen.text).toContain("\u001B[2K");
    const shown = screen.lines();
    expect(shown.filter((each) => /^waits +(?:runs|ok)/.test(each))).toEqual([]);
    expect(shown).toContainEqual(expect.stringMatching(/^verdict +CONDITIONAL-ACCEPT/));
    expect(shown).toContainEqual(expect.stringMatching(/^worker +waits .*: ok/));
  } finally {
    await project.remove();
  }
}, 60_000);

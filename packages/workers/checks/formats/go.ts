import type { Format, Parsed, Problem } from "../problem.ts";
import { member, readJson, textOf } from "./json.ts";
import { cleanPath, isForeign, placeOf, type Place } from "./place.ts";
import { excerptOf, oneLine, splitLines, stripAnsi } from "./text.ts";

const EVENT = /^\{"(?:Time|ImportPath|Action)":/;
const DIAGNOSTIC = /^(vet: )?([^\s:]+\.go):(\d+):(?:\d+:)? (.+)$/;
const HEADER = /^# (\S+)(?: \[.*\])?$/;
const PLAIN_FAIL = /^( *)--- FAIL: (\S+) \([\d.]+s\)$/;
const PACKAGE_FAIL = /^FAIL\t(\S+)(?:\s+\[(.+)\]|\t[\d.]+s)?$/;
const LOGGED = /^\s*([\w.-]+\.go):(\d+): (.*)$/;
const FRAME = /^\s+(\S.*\.go):(\d+)(?: \+0x[0-9a-f]+)?$/;
/** Lines kept of one test's output: enough for a panic's frames. */
const MAX_OUTPUT = 300;

interface Test {
  readonly pkg: string;
  readonly name: string;
  readonly output: string[];
}

/**
 * `go test -json`, plain `go test`, and the compiler's and vet's lines between them.
 * A test's file is joined to its package's import path, as go writes only its last name.
 */
export const goFormat: Format = {
  name: "go",
  recognises(text) {
    const plain = stripAnsi(text);
    return (
      (/^\{"(?:Time|ImportPath|Action)":"/m.test(plain) && /"Action":"/.test(plain)) ||
      /^(?:vet: )?[^\s:]+\.go:\d+:\d+: /m.test(plain) ||
      /^--- FAIL: \S+ \([\d.]+s\)\r?$/m.test(plain) ||
      /^(?:FAIL|ok {2})\t\S+(?:\t| \[)/m.test(plain)
    );
  },
  parse: (text): Parsed => new Reader(splitLines(text, EVENT)).read(text.endsWith("\n")),
};

class Reader {
  readonly #lines: readonly string[];
  readonly #tests = new Map<string, Test>();
  readonly #failed: Test[] = [];
  readonly #failedPackages = new Map<string, string>();
  readonly #builtBadly = new Set<string>();
  readonly #diagnostics = new Map<string, Problem>();
  readonly #open = new Set<string>();
  readonly #packageOutput = new Map<string, string[]>();
  #hasEvents = false;
  #isDamaged = false;
  #pkg = "";

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  read(endsWhole: boolean): Parsed {
    let plain: Test | null = null;
    const unnamed: Test[] = [];
    for (const line of this.#lines) {
      if (EVENT.test(line)) {
        plain = null;
        this.#readEvent(line);
        continue;
      }
      const failed = PLAIN_FAIL.exec(line);
      if (failed !== null) {
        plain = { pkg: "", name: failed[2] ?? "", output: [] };
        unnamed.push(plain);
        continue;
      }
      const pkg = PACKAGE_FAIL.exec(line);
      if (pkg !== null) {
        // The package's name comes after its tests.
        this.#failed.push(...unnamed.splice(0).map((test) => ({ ...test, pkg: pkg[1] ?? "" })));
        this.#failedPackages.set(pkg[1] ?? "", pkg[2] ?? "");
        plain = null;
      } else if (plain !== null && (/^\s/.test(line) || /^(?:panic:|goroutine |\[signal|\S+\(.*\)$|$)/.test(line))) {
        if (plain.output.length < MAX_OUTPUT) plain.output.push(line);
      } else {
        plain = null;
        this.#readPlain(line);
      }
    }
    this.#failed.push(...unnamed);
    return { problems: this.#report(), complete: endsWhole && !this.#isDamaged && this.#open.size === 0 };
  }

  #readEvent(line: string): void {
    const { value, complete } = readJson(line, 0);
    if (!complete) {
      this.#isDamaged = true;
      return;
    }
    this.#hasEvents = true;
    const pkg = textOf(value, "Package") || (textOf(value, "ImportPath").split(" ")[0] ?? "");
    const name = textOf(value, "Test");
    const action = textOf(value, "Action");
    const key = `${pkg}\0${name}`;
    if (action === "build-output") return this.#readPlain(textOf(value, "Output").trimEnd());
    if (action === "build-fail") return;
    if (name === "") {
      if (action === "start" || action === "output") this.#open.add(pkg);
      if (action === "output") this.#keepPackageOutput(pkg, textOf(value, "Output"));
      if (action === "pass" || action === "fail" || action === "skip") this.#open.delete(pkg);
      if (action === "fail") this.#failedPackages.set(pkg, member(value, "FailedBuild") === null ? "" : "build failed");
      return;
    }
    this.#open.add(pkg);
    const test = this.#tests.get(key) ?? { pkg, name, output: [] };
    this.#tests.set(key, test);
    if (action === "output" && test.output.length < MAX_OUTPUT) test.output.push(textOf(value, "Output").trimEnd());
    if (action === "fail") this.#failed.push(test);
    if (action === "pass" || action === "fail" || action === "skip") this.#tests.delete(key);
  }

  #keepPackageOutput(pkg: string, output: string): void {
    const kept = this.#packageOutput.get(pkg) ?? [];
    if (kept.length < MAX_OUTPUT) kept.push(output.trimEnd());
    this.#packageOutput.set(pkg, kept);
  }

  #readPlain(line: string): void {
    const header = HEADER.exec(line);
    if (header !== null) {
      this.#pkg = header[1] ?? "";
      return;
    }
    const found = DIAGNOSTIC.exec(line);
    if (found === null) return;
    const [, vet, path, at, said] = found;
    const place = placeOf(path, at);
    if (place === null || said === undefined) return;
    this.#builtBadly.add(this.#pkg);
    // The package and its tests are built one after the other and say the same.
    const key = `${place.file}:${place.line}:${said}`;
    if (this.#diagnostics.has(key)) return;
    this.#diagnostics.set(key, {
      tool: "go",
      rule: vet === undefined ? "vet" : "build",
      message: oneLine(said),
      level: "error",
      category: vet === undefined ? "lint" : "build",
      file: place.file,
      startLine: place.line,
      endLine: place.line,
      excerpt: excerptOf(line),
    });
  }

  #report(): Problem[] {
    const names = new Set(this.#failed.flatMap((test) => parentsOf(test.name).map((parent) => `${test.pkg}\0${parent}`)));
    const tests = this.#failed.filter((test) => !names.has(`${test.pkg}\0${test.name}`));
    const told = new Set([...tests.map((test) => test.pkg), ...this.#builtBadly]);
    const packages = [...this.#failedPackages].filter(([pkg]) => !told.has(pkg));
    return [
      // Of a run of tests the lines are the compiler's, who may write them before the first event.
      ...[...this.#diagnostics.values()].map((problem) =>
        this.#hasEvents ? { ...problem, rule: "build", category: "build" as const } : problem,
      ),
      ...tests.map(readTest),
      ...packages.map(([pkg, why]) => readPackage(pkg, why, this.#packageOutput.get(pkg) ?? [])),
    ];
  }
}

/** `A/b/c` stands under `A/b` and `A`, which fail only because it does. */
function parentsOf(name: string): string[] {
  const parts = name.split("/");
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join("/"));
}

function readTest(test: Test): Problem {
  const panic = test.output.findIndex((line) => /^\s*panic: /.test(line));
  const logged = test.output.map((line) => LOGGED.exec(line)).find((found) => found !== null);
  const place = panic === -1 ? null : findFrame(test.output.slice(panic));
  const file = place?.file ?? (logged === undefined ? null : cleanPath(test.pkg === "" ? (logged[1] ?? "") : `${test.pkg}/${logged[1]}`));
  const line = place?.line ?? (logged === undefined ? null : Number(logged[2]));
  const said = panic === -1 ? (logged?.[3] ?? "") : (test.output[panic] ?? "");
  return {
    tool: "go",
    rule: [test.pkg, test.name].filter((part) => part !== "").join(" "),
    message: oneLine(said) || `${test.name} failed`,
    level: "error",
    category: "test-failure",
    file,
    startLine: line,
    endLine: line,
    excerpt: excerptOf(test.output.filter((text) => !text.startsWith("=== "))),
  };
}

/** The top frame of a panic that is not the runtime's or a module's. */
function findFrame(lines: readonly string[]): Place | null {
  for (const line of lines) {
    const frame = FRAME.exec(line);
    if (frame !== null && !isForeign(frame[1] ?? "")) return placeOf(frame[1], frame[2]);
  }
  return null;
}

/** A package that failed with no test and no compiler line to blame: TestMain, a missing module, a time-out. */
function readPackage(pkg: string, why: string, output: readonly string[]): Problem {
  const panic = output.findIndex((line) => line.startsWith("panic: "));
  const said = panic === -1 ? output.find((line) => !/^(?:FAIL|PASS|ok|exit status|\s*$)/.test(line)) : output[panic];
  const place = panic === -1 ? null : findFrame(output.slice(panic));
  return {
    tool: "go",
    rule: pkg,
    message: oneLine(said ?? "") || (why === "" ? "the package failed" : why),
    level: "error",
    category: why === "" ? "test-failure" : "build",
    file: place?.file ?? null,
    startLine: place?.line ?? null,
    endLine: place?.line ?? null,
    excerpt: excerptOf(output.length === 0 ? `FAIL\t${pkg}${why === "" ? "" : ` [${why}]`}` : output),
  };
}

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "../test-project.ts";
import { startProcess, type ProcessAnswer, type StartedProcess } from "./start-process.ts";

const MEMORY = "/dev/shm";

/** Puts this process's temporary files into memory where the system has such a place: the disk's mood must not matter. */
export function useMemoryForTemporaryFiles(): { directory: string; remove(): void } {
  const before = process.env["TMPDIR"];
  const directory = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : (before ?? "/tmp"), "okstra-faults-"));
  process.env["TMPDIR"] = directory;
  return {
    directory,
    remove() {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export interface StartOptions {
  readonly cwd?: string;
  /** Event at which okstra is killed by itself. */
  readonly killAt?: string;
  /** Waits for a line on stdin before it starts. */
  readonly wait?: boolean;
  /** Program and arguments that start node in their turn (strace, sh -c ...). */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A set-up project whose commands also run as processes of their own. */
export interface FaultProject extends TestProject {
  start(argv: readonly string[], options?: StartOptions): StartedProcess;
  /** Starts, waits and reads the answer. */
  run(argv: readonly string[], options?: StartOptions): Promise<ProcessAnswer & { json: FaultJson }>;
}

// eslint-disable-next-line typescript/no-explicit-any -- tests look into documents of many shapes
export type FaultJson = any;

/** @param driver path of the bundled `okstra-driver` */
export async function createFaultProject(driver: string): Promise<FaultProject> {
  return withProcesses(await createTestProject(), driver);
}

function withProcesses(project: TestProject, driver: string): FaultProject {
  const start: FaultProject["start"] = (argv, { cwd = project.repo.root, killAt, wait, prefix = [], env } = {}) => {
    const [program = process.execPath, ...args] = [...prefix, process.execPath, driver, ...argv, "--json"];
    return startProcess([program, ...args], {
      cwd,
      env: {
        ...env,
        ...(killAt === undefined ? {} : { OKSTRA_TEST_KILL_AT: killAt }),
        ...(wait === true ? { OKSTRA_TEST_WAIT: "1" } : {}),
      },
    });
  };
  return {
    ...project,
    start,
    async run(argv, options) {
      const answer = await start(argv, options).ended;
      return { ...answer, json: readJson(answer.stdout) };
    },
  };
}

export function readJson(text: string): FaultJson {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Number of rounds that a test makes: `OKSTRA_TEST_ROUNDS` where it is set. */
export function countRounds(usual: number): number {
  const asked = Number(process.env["OKSTRA_TEST_ROUNDS"] ?? "");
  return Number.isInteger(asked) && asked > 0 ? asked : usual;
}

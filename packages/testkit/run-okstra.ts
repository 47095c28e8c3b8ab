import type { App } from "@okstra/app/app";
import type { AppOptions } from "@okstra/cli/open-app";
import { openApp } from "./open-app.ts";
import { openIndex } from "@okstra/cli/open-index";
import { runCli } from "@okstra/cli/run-cli";

export interface OkstraAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON; undefined when it is none. */
  // eslint-disable-next-line typescript/no-explicit-any -- tests look into documents of many shapes
  readonly json: any;
}

/** What happens when okstra tells that it does something: the place for a test to interfere. */
export type OnEvent = (event: Parameters<App["emit"]>[0]) => void;

/** Runs one command line in this process with the real parts. */
export async function runOkstra(
  argv: readonly string[],
  options: {
    cwd: string;
    env?: Readonly<Record<string, string | undefined>>;
    stdin?: string;
    onEvent?: OnEvent;
    launcher?: readonly [string, ...string[]];
    fetchSandbox?: AppOptions["fetchSandbox"];
    runtime?: string;
  },
): Promise<OkstraAnswer> {
  const env = { ...process.env, ...options.env };
  let stdout = "";
  let stderr = "";
  const status = await runCli(argv, {
    streams: { stdout: { write: (text) => void (stdout += text) }, stderr: { write: (text) => void (stderr += text) } },
    env,
    openApp: (emit) =>
      openApp({
        env,
        cwd: options.cwd,
        launcher: options.launcher,
        fetchSandbox: options.fetchSandbox,
        runtime: options.runtime,
        emit: (event) => {
          options.onEvent?.(event);
          emit(event);
        },
      }),
    openIndex: async () => openIndex({ env, cwd: options.cwd }),
    stdinIsTerminal: false,
    readStdin: async () => options.stdin ?? "",
    interrupted: new AbortController().signal,
  });
  return { status, stdout, stderr, json: readJson(stdout) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

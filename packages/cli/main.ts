import { fileURLToPath } from "node:url";
import { endAllNow } from "@okstra/node/exec/live-trees";
import { runCli } from "./run-cli.ts";
import { SIGNAL_EXIT_CODES } from "./exit-codes.ts";
import { processStreams, readProcessStdin } from "./ui.ts";

/** The way in of `bin/okstra.js`: answers the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const controller = new AbortController();
  let signalled: keyof typeof SIGNAL_EXIT_CODES | null = null;
  for (const name of Object.keys(SIGNAL_EXIT_CODES) as (keyof typeof SIGNAL_EXIT_CODES)[]) {
    process.on(name, () => {
      // The first asks every loop to end; a second one does not wait for that.
      if (signalled !== null) endAllNow();
      if (signalled !== null) process.exit(SIGNAL_EXIT_CODES[name]);
      signalled = name;
      controller.abort(name);
    });
  }
  process.on("exit", endAllNow);
  // The file that was started leads here again, wherever this is installed or bundled.
  const launcher = process.argv[1] === undefined ? undefined : ([process.execPath, process.argv[1]] as const);
  // The bundle's entry is dist/main.mjs, wherever the chunks beside it are.
  const runtime = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/u, "");
  const status = await runCli(argv, {
    streams: processStreams(),
    env: process.env,
    // Loaded when a command needs them: the real parts cost more than the command line itself.
    openApp: async (emit) => (await import("./open-app.ts")).createApp({ env: process.env, cwd: process.cwd(), emit, runtime, launcher }),
    openIndex: async () => (await import("./open-index.ts")).openIndex({ env: process.env, cwd: process.cwd() }),
    stdinIsTerminal: process.stdin.isTTY === true,
    terminal: process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : null,
    readStdin: readProcessStdin,
    interrupted: controller.signal,
  });
  return signalled === null ? status : SIGNAL_EXIT_CODES[signalled];
}

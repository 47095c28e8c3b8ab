/**
 * One okstra command line with the real parts, in a process of its own that a test can hold back and kill.
 *
 * Environment: `OKSTRA_TEST_WAIT=1` prints `@ready` and waits for a line on stdin before it starts;
 * `OKSTRA_TEST_KILL_AT=<event>` is killed (SIGKILL) exactly where okstra tells that event. Each event is told as a
 * line `@event <type>` on stderr before that.
 */
import { writeSync } from "node:fs";
import { openApp } from "../open-app.ts";
import { openIndex } from "@okstra/cli/open-index";
import { runCli } from "@okstra/cli/run-cli";
import { processStreams } from "@okstra/cli/ui";

const { OKSTRA_TEST_WAIT: wait, OKSTRA_TEST_KILL_AT: killAt, ...env } = process.env;
if (wait === "1") {
  writeSync(2, "@ready\n");
  await new Promise<void>((resolve) => process.stdin.once("data", () => resolve()));
  process.stdin.pause();
}
process.exitCode = await runCli(process.argv.slice(2), {
  streams: processStreams(),
  env,
  openIndex: async () => openIndex({ env: process.env, cwd: process.cwd() }),
  openApp: (emit) =>
    openApp({
      env,
      cwd: process.cwd(),
      emit: (event) => {
        writeSync(2, `@event ${event.type}\n`);
        if (event.type === killAt) process.kill(process.pid, "SIGKILL");
        emit(event);
      },
    }),
  stdinIsTerminal: false,
  readStdin: async () => "",
  interrupted: new AbortController().signal,
});

import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runInherited } from "./run-inherited.ts";

let directory = "";
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-inherited-")));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const env = { PATH: process.env["PATH"] ?? "" };

/** Settles when the file is there: the child says so itself. */
async function waitFor(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a signal to okstra goes on to the command, and okstra's own listeners come back", async () => {
  let own = 0;
  const listener = (): void => void (own += 1);
  process.on("SIGTERM", listener);
  try {
    const running = runInherited({
      command: ["sh", "-c", "trap 'echo told > told; exit 9' TERM; : > ready; while :; do sleep 0.05; done"],
      cwd: directory,
      env,
    });
    await waitFor(join(directory, "ready"));
    process.kill(process.pid, "SIGTERM");
    expect(await running).toBe(9);
    expect(readFileSync(join(directory, "told"), "utf8")).toBe("told\n");
    expect(own).toBe(0);
    expect(process.listeners("SIGTERM")).toContain(listener);
  } finally {
    process.removeListener("SIGTERM", listener);
  }
});

test("the environment is the one given, and nothing more", async () => {
  expect(
    await runInherited({ command: ["sh", "-c", 'test -z "$HOME" && test "$MINE" = 1'], cwd: directory, env: { ...env, MINE: "1" } }),
  ).toBe(0);
});

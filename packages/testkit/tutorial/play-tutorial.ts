import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { matchesOutput } from "./match-output.ts";
import { parseTutorial } from "./parse-tutorial.ts";
import { openShellSession } from "./shell-session.ts";

/** What a step of a tutorial did otherwise than the page says. */
export interface TutorialFailure {
  readonly line: number;
  readonly command: string;
  readonly problem: string;
  readonly output: string;
}

/**
 * Enters every command of a tutorial into one shell, in an empty HOME below `directory`, and stops at the first step
 * that ends or prints otherwise than the page says.
 *
 * @param okstra path of the bundled command line, which is `okstra` on PATH there
 * @param signal ends the shell and all its jobs
 * @returns how many commands were entered, the HOME they ran in, and the failure or null
 */
export async function playTutorial(
  markdown: string,
  parts: { directory: string; okstra: string; signal: AbortSignal },
): Promise<{ readonly entered: number; readonly home: string; readonly failure: TutorialFailure | null }> {
  const home = join(parts.directory, "home");
  const bin = join(parts.directory, "bin");
  mkdirSync(home);
  mkdirSync(bin);
  writeFileSync(join(home, ".gitconfig"), "[user]\n\tname = Kim Minseo\n\temail = kim@example.com\n");
  writeFileSync(join(bin, "okstra"), `#!/bin/sh\nexec '${process.execPath}' '${parts.okstra}' "$@"\n`, { mode: 0o755 });
  const path = [bin, join(process.execPath, ".."), process.env["PATH"] ?? ""].join(delimiter);
  const shell = openShellSession(home, { HOME: home, USER: "kim", PATH: path, TZ: "UTC", LC_ALL: "C.UTF-8", GIT_CONFIG_NOSYSTEM: "1" });
  const end = (): void => void shell.close();
  parts.signal.addEventListener("abort", end);
  let entered = 0;
  try {
    for (const step of parseTutorial(markdown)) {
      let output = "";
      for (const { text, expectedStatus } of step.commands) {
        const answer = await shell.enter(text);
        entered += 1;
        output += answer.output;
        if (answer.status === expectedStatus) continue;
        const problem = `exit status ${answer.status}, the page says ${expectedStatus}`;
        return { entered, home, failure: { line: step.line, command: text, problem, output } };
      }
      if (step.expectedOutput === null || matchesOutput(step.expectedOutput, output)) continue;
      const command = step.commands.map(({ text }) => text).join("\n");
      return { entered, home, failure: { line: step.line, command, problem: `the page shows:\n${step.expectedOutput}`, output } };
    }
    return { entered, home, failure: null };
  } finally {
    parts.signal.removeEventListener("abort", end);
    await shell.close();
  }
}

import { spawn } from "node:child_process";
import { once } from "node:events";

/** What one command printed, both streams in the order of writing, and its exit status. */
export interface ShellAnswer {
  readonly output: string;
  readonly status: number;
}

/** One bash that commands are entered into, one after the other, as at a terminal: directory, variables and jobs stay. */
export interface ShellSession {
  /** @throws when the shell itself ended */
  enter(command: string): Promise<ShellAnswer>;
  close(): Promise<void>;
}

/** Starts bash without any start-up file. Its commands have no standard input. */
export function openShellSession(cwd: string, env: Readonly<Record<string, string>>): ShellSession {
  const shell = spawn("bash", ["--noprofile", "--norc"], { cwd, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  const ended = once(shell, "close");
  let output = "";
  let heard: () => void = () => {};
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      heard();
    });
  shell.on("close", () => heard());
  // Writing to a shell that was ended says nothing that its end does not.
  shell.stdin.on("error", () => {});
  // What bash says itself, such as that a job was killed, goes where the commands' output goes.
  shell.stdin.write("exec 2>&1\n");
  let entered = 0;
  return {
    async enter(command) {
      const mark = `--- answered ${++entered} `;
      output = "";
      shell.stdin.write(`{ ${command}\n} </dev/null\nprintf '\\n${mark}%s\\n' "$?"\n`);
      for (;;) {
        const end = output.indexOf(`\n${mark}`);
        const status = /^(\d+)\n/u.exec(output.slice(end + 1 + mark.length))?.[1];
        if (end >= 0 && status !== undefined) return { output: output.slice(0, end), status: Number(status) };
        if (shell.exitCode !== null || shell.signalCode !== null) throw new Error(`the shell ended: ${output}`);
        await new Promise<void>((resolve) => (heard = resolve));
      }
    },
    async close() {
      shell.stdin.end("exit 0\n");
      // A job of a failed tutorial may go on: the whole group ends with the shell.
      try {
        if (shell.pid !== undefined) process.kill(-shell.pid, "SIGKILL");
      } catch {
        // The group is gone already.
      }
      await ended;
    },
  };
}

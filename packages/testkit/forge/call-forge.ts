import type { OutsideAnswer } from "@okstra/core/handoff-port";
import { createCallOutside } from "@okstra/node/exec/outside-call";

/** A call of gh or glab as okstra makes it, and what was called. */
export interface ForgeCalls {
  readonly call: (program: "gh" | "glab", args: readonly string[], stdin?: string) => Promise<OutsideAnswer>;
  readonly answers: readonly OutsideAnswer[];
}

/** @param options.env all that the programs' surroundings are taken from */
export function createForgeCalls(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}): ForgeCalls {
  const callOutside = createCallOutside({ env: options.env });
  const answers: OutsideAnswer[] = [];
  return {
    answers,
    async call(program, args, stdin) {
      const answer = await callOutside({
        program,
        args,
        cwd: options.cwd,
        deadlineMs: options.deadlineMs ?? 60_000,
        signal: options.signal ?? new AbortController().signal,
        ...(stdin === undefined ? {} : { stdin }),
      });
      answers.push(answer);
      return answer;
    },
  };
}

/** Whether a program is on this machine's PATH. */
export async function isProgramThere(program: "gh" | "glab"): Promise<boolean> {
  const { call } = createForgeCalls({ env: { PATH: process.env["PATH"] ?? "" }, cwd: "/" });
  return (await call(program, ["--version"])).exitCode === 0;
}

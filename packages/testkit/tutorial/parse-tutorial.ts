import { fromMarkdown } from "mdast-util-from-markdown";

/** One command of a tutorial, as a reader would enter it: all its lines, here-documents included. */
export interface TutorialCommand {
  readonly text: string;
  /** Exit status that the tutorial announces. */
  readonly expectedStatus: number;
}

/** A fenced `sh` block with the `text` block after it, if there is one. */
export interface TutorialStep {
  /** Line of the Markdown file at which the block begins, from 1. */
  readonly line: number;
  readonly commands: readonly TutorialCommand[];
  readonly expectedOutput: string | null;
}

/**
 * The steps of a tutorial: each fenced `sh` block is a step, and a `text` block before the next one is what the whole
 * step prints. `sh exit=N` says that the block's last command ends with N; every other command ends with 0.
 */
export function parseTutorial(markdown: string): readonly TutorialStep[] {
  const steps: { line: number; commands: TutorialCommand[]; expectedOutput: string | null }[] = [];
  for (const node of fromMarkdown(markdown).children) {
    if (node.type !== "code") continue;
    const line = node.position?.start.line ?? 0;
    if (node.lang === "sh") {
      const status = Number(/^exit=(\d+)$/u.exec(node.meta ?? "exit=0")?.[1]);
      const texts = splitCommands(node.value);
      steps.push({
        line,
        commands: texts.map((text, index) => ({ text, expectedStatus: index === texts.length - 1 ? status : 0 })),
        expectedOutput: null,
      });
    } else if (node.lang === "text") {
      const step = steps.at(-1);
      if (step === undefined || step.expectedOutput !== null) throw new Error(`line ${line}: a text block that follows no command`);
      step.expectedOutput = node.value;
    }
  }
  return steps;
}

/** A block without its comments and empty lines, as commands: a here-document or a line that ends in `\` goes on. */
export function splitCommands(block: string): readonly string[] {
  const commands: string[] = [];
  let open: string[] = [];
  let until: string | null = null;
  for (const line of block.split("\n")) {
    if (until === null && open.length === 0 && /^\s*(?:#|$)/u.test(line)) continue;
    open.push(line);
    if (until === null) until = /<<'(\w+)'/u.exec(line)?.[1] ?? null;
    else if (line === until) until = null;
    if (until !== null || line.endsWith("\\")) continue;
    commands.push(open.join("\n"));
    open = [];
  }
  if (open.length > 0) throw new Error(`a command that does not end: ${open[0]}`);
  return commands;
}

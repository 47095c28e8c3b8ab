import type { SetupAnswer, SetupFile } from "@okstra/app/project/setup";
import type { TriedCommand } from "@okstra/app/project/try-commands";
import { neutralise } from "@okstra/core/report/neutral-text";
import { cutToCells } from "../../cells.ts";
import { formatDuration } from "../../format-duration.ts";

interface Shown {
  /** One for each check of the answer; null when they were not tried. */
  readonly tried: readonly TriedCommand[] | null;
  readonly dryRun: boolean;
}

const COLUMNS = 80;

/** The answer as a document, what was tried beside each check. */
export function documentOf(answer: SetupAnswer, { tried, dryRun }: Shown): object {
  const qa = answer.qa.map((check, index) => {
    const own = tried?.[index];
    return own === undefined ? check : { ...check, tried: own };
  });
  return { ...answer, qa, dryRun };
}

/** @param shown.told the person has seen how the tries ended */
export function describeSetup(answer: SetupAnswer, shown: Shown & { readonly told: boolean }): string {
  const { dryRun, tried, told } = shown;
  const untrusted = answer.trust.filter((item) => !item.trusted);
  const done = answer.created ? "set up" : answer.files.length > 0 ? "changed" : "already set up";
  const verb = dryRun && done !== "already set up" ? (answer.created ? "would set up" : "would change") : done;
  return [
    `${verb}: ${answer.projectId} (${answer.path})`,
    ...(dryRun ? describeFiles(answer.files) : answer.files.filter(({ path }) => path !== answer.path).map(({ path }) => `wrote ${path}`)),
    ...(tried === null ? [] : answer.qa.flatMap((check, index) => describeTry(check, tried[index], told))),
    ...answer.notes.map((note) => `note: ${note}`),
    ...(untrusted.length > 0
      ? [
          "The repository supplies what nobody approved yet; it does not run until: okstra trust",
          ...untrusted.slice(0, 20).map((item) => `  ${item.what}`),
          ...(untrusted.length > 20 ? [`  … and ${untrusted.length - 20} more: okstra trust --list`] : []),
        ]
      : []),
  ].join("\n");
}

/** Each file with the lines that go and those that come. */
export function describeFiles(files: readonly SetupFile[]): readonly string[] {
  if (files.length === 0) return ["nothing would change"];
  return files.flatMap((file) => [
    `${file.before === null ? "new" : "change"} ${file.path}`,
    ...compareLines(file.before ?? "", file.text),
  ]);
}

/** What lies between the lines that both begin and end with. */
function compareLines(before: string, after: string): readonly string[] {
  const [old, next] = [splitLines(before), splitLines(after)];
  const shorter = Math.min(old.length, next.length);
  let start = 0;
  while (start < shorter && old[start] === next[start]) start += 1;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === next.at(-1 - end)) end += 1;
  return [
    ...old.slice(start, old.length - end).map((line) => `  - ${line}`),
    ...next.slice(start, next.length - end).map((line) => `  + ${line}`),
  ];
}

function splitLines(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** How a check ended that was run once, with the end of its output when it did not pass. */
export function describeTry(check: { name: string; command: string }, tried: TriedCommand | undefined, short = false): readonly string[] {
  if (tried === undefined) return [];
  const passed = tried.exitCode === 0;
  const how = passed
    ? "passed"
    : tried.timedOut
      ? "FAILED (not ended in time)"
      : `FAILED (${tried.exitCode === null ? "ended by a signal" : `exit status ${tried.exitCode}`})`;
  const line = `${how} in ${formatDuration(tried.durationMs)}: ${neutralise(check.name)}`;
  const kept = passed ? [] : ["  It is kept as a check, and fails as things are now."];
  const output = passed || short ? [] : tried.lastLines.map((each) => cutToCells(`  | ${neutralise(each)}`, COLUMNS));
  return [cutToCells(line, COLUMNS), ...output, ...(short ? [] : kept)];
}

import type { Format, Parsed } from "../problem.ts";
import { cargoFormat } from "./cargo.ts";
import { eslintFormat } from "./eslint.ts";
import { goFormat } from "./go.ts";
import { jestFormat, vitestFormat } from "./jest-json.ts";
import { junitFormat } from "./junit.ts";
import { pytestFormat } from "./pytest.ts";
import { sarifFormat } from "./sarif.ts";
import { tapFormat } from "./tap.ts";
import { tscFormat } from "./tsc.ts";

/** In the order in which they are tried: what is told by its structure before what is told by its words. */
export const FORMATS: readonly Format[] = [
  sarifFormat,
  eslintFormat,
  vitestFormat,
  jestFormat,
  cargoFormat,
  goFormat,
  junitFormat,
  tapFormat,
  pytestFormat,
  tscFormat,
];

/**
 * Reads a command's output in the format of that name when the text is in it, else in the first recognised format
 * that gives an error (a script may run several tools), else in the first recognised one. Null when it is none.
 * The output may hold other lines around and between, and may be cut. Never throws.
 */
export function parseOutput(text: string, formatName?: string): { format: string; parsed: Parsed } | null {
  const named = FORMATS.filter((format) => format.name === formatName);
  let first: { format: string; parsed: Parsed } | null = null;
  for (const format of [...named, ...FORMATS.filter((other) => other.name !== formatName)]) {
    if (!format.recognises(text)) continue;
    const found = { format: format.name, parsed: parseSafely(format, text) };
    if (named.includes(format) || found.parsed.problems.some((problem) => problem.level === "error")) return found;
    first ??= found;
  }
  return first;
}

/** A defect in a parser, or in a library it uses, must cost one report and not the run. */
function parseSafely(format: Format, text: string): Parsed {
  try {
    return format.parse(text);
  } catch {
    return { problems: [], complete: false };
  }
}

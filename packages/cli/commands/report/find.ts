import { findReports } from "@okstra/app/report/find-reports";
import { verdictSchema, type Verdict } from "@okstra/core/domain/run";
import { slugSegment } from "@okstra/core/domain/task-key";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { pickProjects } from "../history/history.ts";
import { readTime } from "../history/time-flags.ts";
import { showFound } from "./show-found.ts";

interface Flags {
  readonly project?: string;
  readonly all: boolean;
  readonly group?: string;
  readonly phase?: string;
  readonly verdict?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly projectRoot?: string;
}

const DEFAULT_LIMIT = 20;

export async function run(context: CliContext, flags: Flags, ...words: readonly string[]): Promise<void> {
  const limit = readLimit(flags.limit);
  const now = Date.now();
  const [since, until] = [flags.since, flags.until].map((text) => (text === undefined ? null : readTime(text, now)));
  const phase = flags.phase === undefined ? null : requireTaskType(flags.phase);
  const verdict = flags.verdict === undefined ? null : requireVerdict(flags.verdict);
  const projects = pickProjects(await context.openIndex(), flags);
  const app = await context.openApp();
  const group = flags.group === undefined ? null : slugSegment(flags.group, app.sha256);
  const found = await findReports(app, projects, { words, group, phase, verdict, since: since ?? null, until: until ?? null }, limit);
  context.ui.answer(found, showFound(found, { severalProjects: projects.length > 1, cwd: app.surroundings.cwd }));
}

function requireVerdict(text: string): Verdict {
  const parsed = verdictSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new OkstraError("OKSTRA_USAGE", { message: `--verdict ${text.slice(0, 40)}: a verdict is ${verdictSchema.options.join(", ")}.` });
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new OkstraError("OKSTRA_USAGE", { message: `--limit ${text.slice(0, 40)} is no number from 1 to 999999.` });
}

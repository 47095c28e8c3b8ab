import { noticeDocument, type Delivery } from "@okstra/app/notify/deliver";
import { followTasks } from "@okstra/app/notify/follow-tasks";
import type { Notice, NoticeKind } from "@okstra/core/domain/notice";
import { OkstraError } from "@okstra/core/errors";
import { cutToCells } from "../../cells.ts";
import type { CliContext } from "../../command.ts";
import { pickProjects, type HistoryFlags } from "../history/history.ts";
import { openNotices, readNotifyFlags, type NotifyFlagValues } from "../notify/open-notices.ts";

interface Flags extends Pick<HistoryFlags, "project" | "all" | "projectRoot">, NotifyFlagValues {
  readonly once: boolean;
  readonly untilIdle: boolean;
  readonly events?: "ndjson";
}

const WIDTH = 80;
const WORDS: Readonly<Record<NoticeKind, string>> = { "needs-person": "waits", "run-ended": "ended", "budget-near": "budget" };

/** Tells until it is interrupted. What holds at the beginning is printed; a person is told of what comes after, but for `--once`. */
export async function run(context: CliContext, flags: Flags): Promise<void> {
  if (flags.once && flags.untilIdle) throw new OkstraError("OKSTRA_USAGE", { message: "--once and --until-idle exclude each other." });
  const ways = readNotifyFlags(flags);
  const index = await context.openIndex();
  const projects = pickProjects(index, flags);
  const app = await context.openApp();
  const delivery = ways === null ? null : await openNotices(context, app, ways);
  const severalProjects = flags.all || projects.length > 1;
  const show = (notice: Notice): void => {
    if (flags.events === "ndjson") app.emit({ type: "notice", text: notice.title, data: { ...noticeDocument(notice) } });
    if (context.ui.json) context.ui.documentLine(noticeDocument(notice));
    else for (const line of describe(notice, severalProjects)) context.ui.raw(line);
  };
  try {
    for await (const step of followTasks(app, () => (flags.all ? pickProjects(index, flags) : projects), context.interrupted)) {
      if (step.isFirst && flags.once) return answerOnce(context, delivery, step.notices, severalProjects);
      for (const notice of step.notices) {
        show(notice);
        if (!step.isFirst) delivery?.tell(notice);
      }
      if (step.isFirst) app.emit({ type: "watching", text: `watching ${projects.length} project${projects.length === 1 ? "" : "s"}` });
      if (!context.ui.hasReader() || (flags.untilIdle && step.running === 0)) return;
    }
  } finally {
    await delivery?.finish();
  }
}

function answerOnce(context: CliContext, delivery: Delivery | null, notices: readonly Notice[], severalProjects: boolean): void {
  for (const notice of notices) delivery?.tell(notice);
  const text = notices.length === 0 ? "nothing waits" : notices.flatMap((notice) => describe(notice, severalProjects)).join("\n");
  context.ui.answer({ notices: notices.map(noticeDocument) }, text);
}

/** A line that fits, and under it the command, which is never cut: it is to be copied. */
function describe({ kind, at, taskKey, text, command }: Notice, severalProjects: boolean): readonly string[] {
  const name = severalProjects ? taskKey : taskKey.split("/").slice(1).join("/");
  const time = at.slice(0, 16).replace("T", " ");
  return [cutToCells(`${time}  ${WORDS[kind]}  ${name}  ${text}`, WIDTH), ...(command === null ? [] : [`    ${command}`])];
}

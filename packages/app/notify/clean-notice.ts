import type { Notice } from "@okstra/core/domain/notice";
import { createRedactor } from "@okstra/core/domain/redaction";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";
import { loadSecrets } from "../run/secrets.ts";

/** In characters; what is longer is cut. A command is to be copied: a longer one is left out. */
const [MAX_TITLE, MAX_TEXT, MAX_COMMAND] = [120, 400, 1000] as const;

/** The notice without secrets of the surroundings and the project, its texts of one line that nothing obeys. */
export async function cleanNotice(app: App, root: string, notice: Notice): Promise<Notice> {
  const redact = createRedactor(await loadSecrets(app, [root]).catch(() => []));
  const clean = (text: string): string => neutralise(redact(text));
  const command = notice.command === null ? null : clean(notice.command);
  const { limit } = notice;
  return {
    ...notice,
    project: clean(notice.project),
    taskKey: clean(notice.taskKey),
    title: cut(clean(notice.title), MAX_TITLE),
    text: cut(clean(notice.text), MAX_TEXT),
    command: command === null || command.length > MAX_COMMAND ? null : command,
    limit:
      limit === null
        ? null
        : { ...limit, lane: limit.lane === null ? null : clean(limit.lane), worker: limit.worker === null ? null : clean(limit.worker) },
  };
}

function cut(text: string, most: number): string {
  const chars = [...text];
  return chars.length <= most ? text : `${chars.slice(0, most - 1).join("")}…`;
}

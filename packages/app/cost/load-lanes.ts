import { receiptSchema, type Receipt } from "@okstra/core/domain/receipt";
import { formatTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import type { App } from "../app.ts";
import { eventsPath, parseEvents } from "../run/run-log.ts";
import { taskDirectory } from "../run/run-paths.ts";

/** A lane that ran once, with the run that it belongs to. */
export interface LaneRecord {
  readonly taskKey: string;
  readonly type: string;
  readonly run: number;
  readonly receipt: Receipt;
}

/** A record that says nothing that can be relied on. */
export interface DamagedRecord {
  readonly path: string;
  readonly reason: string;
}

interface Loaded {
  readonly lanes: readonly LaneRecord[];
  readonly damaged: readonly DamagedRecord[];
}

const MAX_RECEIPT_BYTES = 16 * 1024 * 1024;

/** Receipts of all lanes of all runs of a task, those of earlier attempts too, and what is wrong with any. Changes nothing. */
export async function loadLanes(app: App, root: string, key: TaskKey): Promise<Loaded> {
  const runs = `${taskDirectory(root, key)}/runs`;
  const lanes: LaneRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for (const type of await app.store.listDirectory(runs)) {
    for (const name of await app.store.listDirectory(`${runs}/${type}`)) {
      if (!/^\d{3,}$/.test(name)) continue;
      const run = await loadRunLanes(app, `${runs}/${type}/${name}`);
      lanes.push(...run.receipts.map((receipt) => ({ taskKey: formatTaskKey(key), type, run: Number(name), receipt })));
      damaged.push(...run.damaged);
    }
  }
  return { lanes, damaged };
}

/** What the run's log says of each lane's receipts is held against the files: none is changed or gone without a word. */
async function loadRunLanes(app: App, runDir: string): Promise<{ receipts: readonly Receipt[]; damaged: readonly DamagedRecord[] }> {
  const { events, broken } = await parseEvents((await app.store.readText(eventsPath(runDir))) ?? "", app);
  const receipts: Receipt[] = [];
  const damaged: DamagedRecord[] = broken.slice(0, 1).map((reason) => ({ path: eventsPath(runDir), reason }));
  const ended = events.flatMap((event) => (event.type === "lane-ended" ? [event] : []));
  const names = new Set([...(await app.store.listDirectory(`${runDir}/workers`)), ...ended.map(({ lane }) => lane)]);
  for (const lane of names) {
    const laneDir = `${runDir}/workers/${lane}`;
    const known = ended.filter((event) => event.lane === lane);
    const files = (await app.store.listDirectory(laneDir)).filter((name) => /^receipt(?:-\d+)?\.json$/.test(name));
    for (const file of files) {
      const path = `${laneDir}/${file}`;
      const read = await loadReceipt(app, path);
      if (typeof read === "string") damaged.push({ path, reason: read });
      else if (known.some(({ attempt }) => attempt === read.receipt.attempt) && known.every((event) => event.receiptSha256 !== read.sha256))
        damaged.push({ path, reason: "it is not the one that the run wrote" });
      else receipts.push(read.receipt);
    }
    const gone = known.length - files.length;
    if (gone > 0) damaged.push({ path: `${laneDir}/receipt.json`, reason: gone === 1 ? "it is gone" : `${gone} of them are gone` });
  }
  return { receipts, damaged };
}

/** The receipt, or why there is none in the file. */
async function loadReceipt(app: App, path: string): Promise<{ receipt: Receipt; sha256: string } | string> {
  let text: string | null;
  try {
    text = await app.store.readText(path, { maxBytes: MAX_RECEIPT_BYTES, regularFileOnly: true });
  } catch {
    return "it cannot be read";
  }
  let data: unknown;
  try {
    data = JSON.parse(text ?? "");
  } catch {
    return "it is not JSON";
  }
  const parsed = receiptSchema.safeParse(data);
  if (!parsed.success) return `it is no receipt: ${parsed.error.issues[0]?.path.join(".") ?? ""}`;
  if (!Number.isFinite(Date.parse(parsed.data.startedAt))) return "it is no receipt: startedAt";
  return { receipt: parsed.data, sha256: app.sha256(text ?? "") };
}

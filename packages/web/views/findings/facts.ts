import type { Findings, FindingOfTask, StreamMessage, TaskRef } from "@okstra/core/dashboard/api";
import { taskPath, useApi, type Asked } from "../../api-client.ts";
import { isAboutTask, useReloadOn } from "../../stream.ts";

/** A finding as lists, code and diff show it: what its row of the ledger says, else its cluster. */
export interface Facts {
  readonly finding: FindingOfTask;
  /** What an address names it by: ids of clusters are those of their run alone. */
  readonly key: string;
  readonly id: string;
  readonly claim: string;
  readonly severity: string;
  /** Of the ledger; `raised` without a row in it. */
  readonly state: string;
  readonly class: string;
  readonly disposition: string;
  readonly verification: string;
  readonly category: string;
  readonly file: string | null;
  readonly startLine: number | null;
  readonly endLine: number | null;
  readonly quote: string | null;
  /** `src/a.ts:12-14`; empty without a place. */
  readonly place: string;
  /** What a text filter looks into, in small letters. */
  readonly text: string;
}

function factsOf(finding: FindingOfTask): Facts {
  const { id, row, cluster, members } = finding;
  const said = row ?? cluster;
  const [first] = members;
  const file = said === null ? (first?.file ?? null) : said.file;
  const startLine = said === null ? (first?.startLine ?? null) : said.startLine;
  const endLine = (said === null ? (first?.endLine ?? null) : said.endLine) ?? startLine;
  const claim = said?.claim ?? first?.claim ?? "";
  return {
    finding,
    key: row === null ? `${id}@${finding.type}/${finding.run}` : id,
    id,
    claim,
    severity: said?.severity ?? first?.severity ?? "",
    state: row?.state ?? "raised",
    class: said?.class ?? "unique",
    disposition: said?.disposition ?? "advisory",
    verification: said?.verification ?? "unverified",
    category: said?.category ?? "",
    file,
    startLine,
    endLine,
    quote: said?.quote ?? first?.quote ?? null,
    place: file === null ? "" : `${file}${formatLines(startLine, endLine, ":")}`,
    text: [id, claim, said?.category ?? "", file ?? "", ...members.map((member) => member.claim)].join("\n").toLowerCase(),
  };
}

/** @param name a key or an id */
export function findFacts(all: readonly Facts[], name: string | null): Facts | undefined {
  return name === null ? undefined : (all.find(({ key }) => key === name) ?? all.find(({ id }) => id === name));
}

/** `12`, `12-14`, or nothing. @param before is put before them when there are any */
export function formatLines(startLine: number | null, endLine: number | null, before = ""): string {
  if (startLine === null) return "";
  return `${before}${startLine}${endLine === null || endLine === startLine ? "" : `-${endLine}`}`;
}

/** Its findings, runs or commits may be others; single events of a run are not asked about. */
export function isChangeOf(message: StreamMessage, task: TaskRef): boolean {
  return message.kind !== "event" && isAboutTask(message, task);
}

const known = new WeakMap<Findings, readonly Facts[]>();

/** The findings of a task with their facts, which are made once of every answer. */
export function useFindings(task: TaskRef): Asked<Findings> & { readonly facts: readonly Facts[] } {
  const asked = useApi<Findings>(taskPath(task, "/findings"));
  useReloadOn(asked, (message) => isChangeOf(message, task));
  const { data } = asked;
  if (data === null) return { ...asked, facts: [] };
  let facts = known.get(data);
  if (facts === undefined) {
    facts = data.findings.map(factsOf);
    known.set(data, facts);
  }
  return { ...asked, facts };
}

import type { FindingOfTask, Findings } from "@okstra/core/dashboard/api";
import { COMMIT, HOSTILE } from "./fixture-tasks.ts";

const SEVERITIES = ["P0", "P1", "P2", "P3"] as const;
const STATES = ["open", "persistent", "regressed", "addressed", "deferred", "dismissed"] as const;
const CLASSES = ["consensus", "partial", "unique", "contested", "ungrounded", "dismissed"] as const;
const FOLDERS = ["src/refund", "src/mail", "src/a-folder-with-a-rather-long-name/and-another-one", "test/refund"];

/**
 * So many findings, gravest first, each with two members, two votes and a quote.
 * @param claim what each says after its number
 */
export function makeFindings(count: number, claim = `the amount is rounded twice, so that a cent is lost ${HOSTILE}`): Findings {
  return { findings: Array.from({ length: count }, (_, at) => findingOf(at, count, claim)), unheard: [] };
}

function findingOf(at: number, count: number, words: string): FindingOfTask {
  const id = `F${at + 1}`;
  const severity = SEVERITIES[Math.floor((at / count) * SEVERITIES.length)] ?? "P3";
  const claim = `Number ${at + 1}: ${words}`;
  const file = `${FOLDERS[at % FOLDERS.length]}/file-${at % 211}.ts`;
  const place = { file, startLine: (at % 900) + 1, endLine: (at % 900) + 3 };
  const quote = `const value${at} = Math.round(amount * 100) / 100; // ${HOSTILE}`;
  const verification = at % 3 === 0 ? "confirmed" : "unverified";
  const same = { claim, category: "correctness", severity, ...place, quote, verification } as const;
  const families = ["anthropic", "openai"];
  const disposition = severity < "P2" ? "blocks" : "advisory";
  const own = { class: CLASSES[at % CLASSES.length] ?? "unique", disposition } as const;
  const sighting = { type: "final-verification", run: 1, round: 1 };
  return {
    id,
    type: "final-verification",
    run: 1,
    commit: COMMIT,
    row: {
      ...same,
      ...own,
      families,
      id,
      state: STATES[at % STATES.length] ?? "open",
      quoteSha256: null,
      firstSeen: sighting,
      lastSeen: sighting,
      commit: COMMIT,
      cluster: `C${at + 1}`,
    },
    cluster: {
      ...same,
      ...own,
      families,
      id: `C${at + 1}`,
      members: [`claude#${at + 1}`, `codex#${at + 1}`],
      strong: true,
      reproducedBy: [],
      baseline: "new",
      flaky: false,
      support: 2,
      kEff: 3,
      reason: null,
      score: 0.81,
      possiblySame: at === 0 ? ["C2"] : [],
    },
    members: ["claude", "codex"].map((worker) => ({
      id: `${worker}#${at + 1}`,
      worker,
      claim,
      severity,
      ...place,
      quote,
      fix: `Round once. ${HOSTILE}`,
    })),
    votes: (["gemini", "qwen"] as const).map((worker) => ({
      item: `V${at + 1}`,
      findingId: `claude#${at + 1}`,
      worker,
      family: worker,
      answer: "confirmed",
      evidence: "quoted-code",
      claimedEvidence: "reproduction",
      text: `It is so. ${HOSTILE}`,
      file,
      quote,
      command: null,
      grounded: true,
    })),
    executions: [],
  };
}

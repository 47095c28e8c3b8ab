import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPlayProject } from "@okstra/testkit/play-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { listFiles, outcomeOf, performLane, wordsOf, type ChatAnswer } from "@okstra/testkit/chat-lead";

/** Each run takes seconds; CHAT_ORDERS=200 is what the promise was tried with. */
const ORDERS = Number(process.env["CHAT_ORDERS"] ?? 8);
const FLAGS = ["-t", "error-analysis", "--workers", "anna,ben"] as const;

let project: TestProject;
let code: ChatAnswer;
beforeAll(async () => {
  project = await createPlayProject("sums");
  code = (await project.okstra(["run", "bugs/code", ...FLAGS])).json;
}, 60_000);
afterAll(() => project.remove());

/** What a lead does next, of all that it could do: right or not. */
const move = fc.record({
  kind: fc.constantFrom("due", "due", "due", "due", "all", "resume", "converge", "finish", "again", "early"),
  which: fc.nat({ max: 20 }),
});

let tasks = 0;
test(
  "property: whatever order a chat lead's commands come in, refused ones among them, the run ends as the code-led one does",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { minLength: 5, maxLength: 30 }),
        fc.constantFrom("anna=anna,ben=ben", "anna=anna"),
        async (moves, chat) => {
          tasks += 1;
          const task = `bugs/t${tasks}`;
          const names = [task, "-t", "error-analysis"];
          let answer = (await project.okstra(["run", task, ...FLAGS, "--lead", "agent", "--chat", chat])).json as ChatAnswer;
          const ended = new Set<string>();
          const say = async (argv: readonly string[]): Promise<void> => {
            const { status, json, stdout } = await project.okstra(argv);
            expect([0, 1, 4, 10], stdout).toContain(status);
            if (json.due === undefined) expect(json.error.code, stdout).toMatch(/^OKSTRA_(?:LEAD_NOT_DUE|LANE_RESULT_INVALID|RUN_ENDED)$/);
            else answer = json as ChatAnswer;
          };
          for (let index = 0; answer.state !== "ended"; index += 1) {
            expect(index).toBeLessThan(100);
            // When the moves are used up, what is due is done in its order.
            const { kind, which } = moves[index] ?? { kind: "due", which: 0 };
            const step = answer.due[which % answer.due.length];
            const lane = step?.lane?.lane ?? [...ended][0] ?? "anna";
            if (kind === "all") await say(["lead", "dispatch", ...names]);
            else if (kind === "resume") await say(["resume", ...names]);
            else if (kind === "converge" || kind === "finish") await say(["lead", kind, ...names]);
            else if (kind === "again") await say(["lead", "collect", task, [...ended][0] ?? lane, "-t", "error-analysis"]);
            else if (kind === "early") await say(["lead", "collect", task, lane, "-t", "error-analysis"]);
            else {
              if (step?.step === "collect" && step.lane !== null) {
                performLane(answer, step.lane);
                ended.add(step.lane.lane);
              }
              await say(wordsOf(step?.command ?? ""));
            }
          }
          expect(answer).toMatchObject({ verdict: code.verdict, valid: true });
          expect(outcomeOf(answer.runDir)).toEqual(outcomeOf(code.runDir));
          expect(listFiles(answer.runDir)).toEqual(listFiles(code.runDir));
          expect((await project.okstra(["validate", answer.runDir])).json).toMatchObject({ ok: true, broken: [] });
        },
      ),
      { numRuns: ORDERS },
    );
  },
  60_000 + ORDERS * 30_000,
);

import { fromJsonSchema, McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { App } from "@okstra/app/app";
import { createDashboardAnswers } from "@okstra/app/dashboard/answers";
import { createCleaners } from "@okstra/app/dashboard/clean-texts";
import { createKnownProjects } from "@okstra/app/dashboard/known-tasks";
import { listRuns } from "@okstra/app/history/list-runs";
import { OkstraError } from "@okstra/core/errors";
import { callTool, describeError } from "./call-tool.ts";
import { describeTool } from "./describe-tools.ts";
import { writeBriefPrompt, workOnTaskPrompt } from "./prompts.ts";
import { serveStreams, type ServeOptions } from "./serve-streams.ts";
import type { CallContext, ToolParts } from "./tool.ts";
import { TOOLS } from "./tools/index.ts";

const REPORT_URI = "okstra://report/{project}/{group}/{task}/{phase}/{run}";
const MOST_LISTED = 50;

/** Serves okstra to an agent. Approving, answering for a person, overriding and handing off are not served. */
export async function serve(app: App, { version, signal, onProblem }: ServeOptions): Promise<void> {
  const answers = createDashboardAnswers(app);
  const parts: ToolParts = { app, answers, known: createKnownProjects(app), cleaners: createCleaners(app) };
  try {
    await serveStreams(() => createServer(parts, version, signal), { signal, onProblem });
  } finally {
    await answers.close();
  }
}

function createServer(parts: ToolParts, version: string, signal: AbortSignal): McpServer {
  const server = new McpServer(
    { name: "okstra", title: "okstra", version },
    {
      capabilities: { tools: { listChanged: false }, resources: { listChanged: false }, prompts: { listChanged: false } },
      instructions:
        "okstra takes coding tasks through phases in worktrees of their own. okstra_status says what waits and what runs; okstra_start_run starts a phase, okstra_run_status with waitMs says when it is done. Approvals, answers to questions, overrides and hand-offs are a person's: name the command that okstra_next tells, and wait.",
    },
  );
  registerTools(server, parts, signal);
  registerReports(server, parts);
  server.registerPrompt(
    "brief",
    {
      title: "Write a task brief",
      description: "Turns a vague request into a brief that okstra can work from, and makes the task.",
      argsSchema: z.object({ request: z.string().max(20_000).describe("What was asked for, as it was said") }),
    },
    ({ request }) => writeBriefPrompt(request),
  );
  server.registerPrompt(
    "work",
    {
      title: "Work on a task",
      description: "Takes a task through its phases until a person is needed.",
      argsSchema: z.object({ task: z.string().max(300).describe("<project>/<group>/<task> or <group>/<task>") }),
    },
    ({ task }) => workOnTaskPrompt(task),
  );
  return server;
}

function registerTools(server: McpServer, parts: ToolParts, ended: AbortSignal): void {
  for (const tool of TOOLS) {
    const { title, description, inputSchema } = describeTool(tool);
    server.registerTool(
      tool.name,
      {
        title,
        description,
        // okstra judges what it is given itself, so that what is wrong has a code.
        inputSchema: fromJsonSchema(inputSchema, {
          getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
        }),
        annotations: { readOnlyHint: tool.readOnly, destructiveHint: false, idempotentHint: tool.readOnly, openWorldHint: false },
      },
      async (given, ctx) => {
        const token = ctx.mcpReq._meta?.progressToken;
        let progress = 0;
        const context: CallContext = {
          signal: AbortSignal.any([ended, ctx.mcpReq.signal]),
          async tell(message) {
            if (token === undefined) return;
            progress += 1;
            await ctx.mcpReq
              .notify({ method: "notifications/progress", params: { progressToken: token, progress, message } })
              .catch(() => undefined);
          },
        };
        return callTool(tool, parts, given, context);
      },
    );
  }
}

function registerReports(server: McpServer, parts: ToolParts): void {
  const template = new ResourceTemplate(REPORT_URI, {
    list: async () => {
      const projects = await parts.known.list();
      const { runs } = listRuns(
        parts.app.journals,
        projects,
        { group: null, task: null, phase: null, state: "ended", since: null, until: null },
        MOST_LISTED,
      );
      return {
        resources: runs
          .filter(({ taskKey }) => !taskKey.includes("/verify/"))
          .map(({ taskKey, type, run, verdict, at }) => ({
            uri: `okstra://report/${taskKey}/${type}/${run}`,
            name: `${taskKey} ${type} ${run}`,
            description: `${verdict ?? "no verdict"}, ${at}`,
            mimeType: "text/markdown",
          })),
      };
    },
  });
  server.registerResource(
    "report",
    template,
    { title: "Report of a run", description: "Verdict, findings with evidence, gates", mimeType: "text/markdown" },
    async (uri, { project, group, task, phase, run }) => {
      try {
        const ref = { project: String(project), group: String(group), task: String(task) };
        const { markdown } = await parts.answers.report(ref, { type: String(phase), run: readRun(String(run)) });
        return { contents: [{ uri: uri.href, mimeType: "text/markdown", text: markdown }] };
      } catch (error) {
        const { error: told } = describeError(error) as { error: { code: string; message: string } };
        throw new Error(`${told.code}: ${told.message}`, { cause: error });
      }
    },
  );
}

/** @throws OKSTRA_USAGE */
function readRun(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OkstraError("OKSTRA_USAGE", { message: `${JSON.stringify(text.slice(0, 40))} is no number of a run.` });
}

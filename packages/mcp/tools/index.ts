import type { Tool } from "../tool.ts";
import { cancelRun } from "./cancel-run.ts";
import { cost } from "./cost.ts";
import { createTask } from "./create-task.ts";
import { findings } from "./findings.ts";
import { history } from "./history.ts";
import { next } from "./next.ts";
import { provision } from "./provision.ts";
import { report } from "./report.ts";
import { runResult } from "./run-result.ts";
import { runStatus } from "./run-status.ts";
import { schedule } from "./schedule.ts";
import { search } from "./search.ts";
import { startRun } from "./start-run.ts";
import { status } from "./status.ts";
import { submitFindings } from "./submit-findings.ts";
import { task } from "./task.ts";
import { time } from "./time.ts";

/** All that an agent can do; what a person decides is not among it. */
export const TOOLS: readonly Tool[] = [
  status,
  task,
  next,
  history,
  report,
  search,
  findings,
  schedule,
  time,
  cost,
  createTask,
  provision,
  startRun,
  runStatus,
  runResult,
  cancelRun,
  submitFindings,
];

import type { ApiError } from "@okstra/core/dashboard/api";
import { OkstraError, type ErrorCode } from "@okstra/core/errors";
import { neutralise } from "@okstra/core/report/neutral-text";

export const JSON_TYPE = "application/json; charset=utf-8";

/** An answer that is an error. */
export interface Refusal {
  readonly status: number;
  readonly error: OkstraError;
  readonly headers?: Readonly<Record<string, string>>;
}

export function refuse(status: number, code: ErrorCode, message: string, headers?: Refusal["headers"]): Refusal {
  return { status, error: new OkstraError(code, { message }), ...(headers === undefined ? {} : { headers }) };
}

/** A request that its address does not take, by any status from 400 on. */
export function refuseRequest(status: number, message: string, headers?: Refusal["headers"]): Refusal {
  return refuse(status, "OKSTRA_DASHBOARD_REQUEST_INVALID", message, headers);
}

export const UNKNOWN_ADDRESS: Refusal = refuse(404, "OKSTRA_DASHBOARD_ADDRESS_UNKNOWN", "There is nothing at this address.");

const STATUS_OF_CODE: Partial<Readonly<Record<ErrorCode, number>>> = {
  OKSTRA_TASK_NOT_FOUND: 404,
  OKSTRA_RUN_NOT_FOUND: 404,
  OKSTRA_PLAN_NOT_FOUND: 404,
  OKSTRA_PROJECT_NOT_SET_UP: 404,
  OKSTRA_BRANCH_NOT_FOUND: 404,
  OKSTRA_WORKER_NOT_IN_RUN: 404,
  OKSTRA_SCHEDULE_NOT_KEPT: 404,
  // The question that was answered is not there any more.
  OKSTRA_CLARIFICATION_UNKNOWN: 409,
};

const STATUS_OF_KIND: Readonly<Record<OkstraError["kind"], number>> = {
  user: 422,
  usage: 422,
  config: 422,
  conflict: 409,
  gate: 409,
  external: 500,
  internal: 500,
  interrupted: 503,
};

/** What a use case threw, as an answer. What is no OkstraError is a defect of okstra: its text stays here. */
export function refusalOf(thrown: unknown): Refusal {
  if (!(thrown instanceof OkstraError))
    return refuse(500, "OKSTRA_INTERNAL", "okstra has a defect; the terminal of the dashboard says more.");
  return { status: STATUS_OF_CODE[thrown.code] ?? STATUS_OF_KIND[thrown.kind], error: thrown };
}

export function bodyOf({ error: { code, message, hint } }: Refusal): ApiError {
  return { error: { code, message: neutralise(message), hint: neutralise(hint) } };
}

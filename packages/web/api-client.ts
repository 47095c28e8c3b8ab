import type { ApiError } from "@okstra/core/dashboard/api";
import { useCallback, useEffect, useState } from "preact/hooks";

/** An answer that was an error. `code` is one of okstra's, or `OFFLINE` when nobody answered. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  constructor(status: number, { code, message, hint }: ApiError["error"]) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** @throws ApiFailure */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, { signal: signal ?? null });
}

/** @throws ApiFailure */
export async function postJson<T>(path: string, body: unknown): Promise<T> {
  return ask<T>(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-okstra": "1" },
    body: JSON.stringify(body),
  });
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: "same-origin", redirect: "error" });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiFailure(0, { code: "OFFLINE", message: "okstra's dashboard does not answer.", hint: "Start it again: okstra dashboard" });
  }
  const body = (await response.json().catch(() => null)) as T | ApiError | null;
  if (response.ok && body !== null) return body as T;
  const told = (body as ApiError | null)?.error;
  throw new ApiFailure(response.status, told ?? { code: "HTTP", message: `The answer was ${response.status}.`, hint: null });
}

export interface Asked<T> {
  /** What was answered last; kept while it is asked again. */
  readonly data: T | null;
  readonly failure: ApiFailure | null;
  readonly isLoading: boolean;
  readonly reload: () => void;
  /** Takes what was answered to something else as the newest: the answer of an action has the page after it. */
  readonly replace: (data: T) => void;
}

/** Asks when the path changes, and again on `reload`; null asks nothing. */
export function useApi<T>(path: string | null): Asked<T> {
  const [turn, setTurn] = useState(0);
  const [answer, setAnswer] = useState<{ path: string | null; data: T | null; failure: ApiFailure | null; isLoading: boolean }>({
    path,
    data: null,
    failure: null,
    isLoading: path !== null,
  });
  useEffect(() => {
    if (path === null) return;
    const controller = new AbortController();
    setAnswer((last) => ({ path, data: last.path === path ? last.data : null, failure: null, isLoading: true }));
    getJson<T>(path, controller.signal).then(
      (data) => setAnswer({ path, data, failure: null, isLoading: false }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        setAnswer((last) => ({ ...last, failure: error, isLoading: false }));
      },
    );
    return () => controller.abort();
  }, [path, turn]);
  const reload = useCallback(() => setTurn((each) => each + 1), []);
  const replace = useCallback((data: T) => setAnswer({ path, data, failure: null, isLoading: false }), [path]);
  // Before the effect of a new path has run, the answer is still that of the old one.
  if (answer.path !== path) return { data: null, failure: null, isLoading: path !== null, reload, replace };
  return { data: answer.data, failure: answer.failure, isLoading: answer.isLoading, reload, replace };
}

/** The address of something of a task. */
export function taskPath({ project, group, task }: { project: string; group: string; task: string }, rest = ""): string {
  return `/api/tasks/${[project, group, task].map(encodeURIComponent).join("/")}${rest}`;
}

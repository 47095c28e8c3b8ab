import type { ComponentChildren } from "preact";
import type { ApiFailure } from "../api-client.ts";

/** What stands where an answer will be. @param lines how many rows it will about have */
export function Skeleton({ lines = 4, label = "Loading" }: { lines?: number; label?: string }) {
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">{label}</span>
      {Array.from({ length: lines }, (_, at) => (
        <span key={at} class="skeleton-line" aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** What went wrong, what helps, and a button that asks again. */
export function Failure({ failure, retry }: { failure: Pick<ApiFailure, "code" | "message" | "hint">; retry?: (() => void) | undefined }) {
  return (
    <div class="failure" role="alert">
      <p class="failure-title">{failure.message}</p>
      {failure.hint !== null && <p>{failure.hint}</p>}
      <p class="quiet">
        <code>{failure.code}</code>
      </p>
      {retry !== undefined && (
        <button type="button" class="button" onClick={retry}>
          Ask again
        </button>
      )}
    </div>
  );
}

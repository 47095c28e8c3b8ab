import type { TaskPage } from "@okstra/core/dashboard/api";
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { ApiFailure, postJson } from "../api-client.ts";
import { Dialog } from "../parts/dialog.tsx";
import { showToast } from "../parts/toast.tsx";

/** What an action is bound to, in the words of the page. */
export type Bound = readonly (readonly [name: string, value: string])[];

export interface ConfirmProps {
  readonly title: string;
  /** As it was when the dialog was opened: the action is bound to it. */
  readonly bound: Bound;
  /** As it is now; null when it is not there any more. */
  readonly now: Bound | null;
  readonly path: string;
  readonly body: unknown;
  readonly act: string;
  readonly isGrave?: boolean;
  /** False while something is to be typed or ticked. */
  readonly isReady: boolean;
  /** What is said when it was done. */
  readonly done: string;
  readonly children?: ComponentChildren;
  readonly onDone: (page: TaskPage) => void;
  /** It was refused because it is bound to what is not so any more. */
  readonly onChanged: () => void;
  readonly onClose: () => void;
}

/** Asks before a person's word is sent, and shows exactly what it is bound to. Opening it sends nothing. */
export function Confirm({
  title,
  bound,
  now,
  path,
  body,
  act,
  isGrave,
  isReady,
  done,
  children,
  onDone,
  onChanged,
  onClose,
}: ConfirmProps) {
  const [isSending, setSending] = useState(false);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const changed = compareBound(bound, now);
  const isRefused = failure?.status === 409;
  // What is rendered lags behind two clicks.
  const isBusy = useRef(false);
  const send = async (): Promise<void> => {
    if (isBusy.current) return;
    isBusy.current = true;
    setSending(true);
    setFailure(null);
    try {
      const page = await postJson<TaskPage>(path, body);
      showToast(done);
      onDone(page);
      onClose();
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      setFailure(error);
      setSending(false);
      isBusy.current = false;
      if (error.status === 409) onChanged();
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isSending && !isRefused && changed.length === 0) void send();
        }}
      >
        <dl class="bound">
          {bound.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {children}
        {(failure !== null || changed.length > 0) && (
          <div class="failure" role="alert">
            {failure === null ? (
              <p class="failure-title">It changed while this was open.</p>
            ) : (
              <>
                <p class="failure-title">
                  {isRefused && "Nothing was done. "}
                  {failure.message}
                </p>
                {failure.hint !== null && <p>{failure.hint}</p>}
              </>
            )}
            {changed.length > 0 && (
              <ul class="changes">
                {changed.map(({ name, was, is }) => (
                  <li key={name}>
                    <strong>{name}</strong> was <q>{was}</q>, is now {is === null ? "gone" : <q>{is}</q>}
                  </li>
                ))}
              </ul>
            )}
          </div>
        )}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            {isRefused || changed.length > 0 ? "Look at it again" : "Cancel"}
          </button>
          <button
            type="submit"
            class={`button ${isGrave === true ? "grave" : "primary"}`}
            disabled={!isReady || isSending || isRefused || changed.length > 0}
          >
            {isSending ? "Sending …" : act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function compareBound(bound: Bound, now: Bound | null): readonly { name: string; was: string; is: string | null }[] {
  return bound.flatMap(([name, was]) => {
    const is = now?.find(([other]) => other === name)?.[1] ?? null;
    return is === was ? [] : [{ name, was, is }];
  });
}

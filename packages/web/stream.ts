import type { StreamMessage, TaskRef } from "@okstra/core/dashboard/api";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Asked } from "./api-client.ts";

export type Connection = "connecting" | "live" | "reconnecting";
type Listener = (message: StreamMessage) => void;

/** Changes that come within it are asked for once, milliseconds. */
const COALESCE_MS = 200;
const LONGEST_WAIT_MS = 15_000;

const listeners = new Set<Listener>();
const watchers = new Set<(connection: Connection) => void>();
let connection: Connection = "connecting";
let source: EventSource | null = null;
let lastId = "";
let failures = 0;

function setConnection(next: Connection): void {
  if (connection === next) return;
  connection = next;
  for (const watcher of watchers) watcher(next);
}

function take(message: MessageEvent<string>): void {
  if (message.lastEventId !== "") lastId = message.lastEventId;
  let parsed: StreamMessage;
  try {
    parsed = JSON.parse(message.data) as StreamMessage;
  } catch {
    return;
  }
  for (const listener of listeners) listener(parsed);
}

/**
 * Listens to what happens, as long as the page is open. The browser itself goes on after a loss from the last id; where
 * it gives up (an answer that is no stream), the page begins again from the same id.
 */
export function startStream(): void {
  if (source !== null) return;
  const opened = new EventSource(lastId === "" ? "/api/stream" : `/api/stream?after=${encodeURIComponent(lastId)}`);
  source = opened;
  opened.onopen = () => {
    failures = 0;
    setConnection("live");
  };
  for (const kind of ["message", "change", "event", "reset"]) opened.addEventListener(kind, take as (event: Event) => void);
  opened.onerror = () => {
    setConnection("reconnecting");
    if (opened.readyState !== EventSource.CLOSED) return;
    source = null;
    failures += 1;
    setTimeout(startStream, Math.min(LONGEST_WAIT_MS, 500 * 2 ** failures));
  };
}

/** @returns a function that stops listening */
export function listenToStream(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useConnection(): Connection {
  const [shown, setShown] = useState(connection);
  useEffect(() => {
    watchers.add(setShown);
    setShown(connection);
    return () => {
      watchers.delete(setShown);
    };
  }, []);
  return shown;
}

/**
 * Asks again when what happens is about it, at most once in {@link COALESCE_MS}, and never while an answer is awaited:
 * then once more after it.
 */
export function useReloadOn(
  { reload, isLoading }: Pick<Asked<unknown>, "reload" | "isLoading">,
  isAbout: (message: StreamMessage) => boolean,
): void {
  const now = useRef({ reload, isLoading, isAbout });
  now.current = { reload, isLoading, isAbout };
  const isPending = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const plan = useRef(() => {
    if (timer.current !== null) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      if (now.current.isLoading) {
        isPending.current = true;
        return;
      }
      now.current.reload();
    }, COALESCE_MS);
  });
  useEffect(() => {
    const stop = listenToStream((message) => {
      if (message.kind === "reset" || now.current.isAbout(message)) plan.current();
    });
    return () => {
      stop();
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    };
  }, []);
  useEffect(() => {
    if (isLoading || !isPending.current) return;
    isPending.current = false;
    plan.current();
  }, [isLoading]);
}

/** Whether a message is about the task. */
export function isAboutTask(message: StreamMessage, { project, group, task }: TaskRef): boolean {
  return message.kind !== "reset" && message.project === project && message.group === group && message.task === task;
}

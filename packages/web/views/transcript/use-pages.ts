import type { TaskRef, Transcript } from "@okstra/core/dashboard/api";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiFailure, getJson, taskPath } from "../../api-client.ts";

export type TranscriptLine = Transcript["lines"][number];

/** Milliseconds between two questions for what was said since. */
const FOLLOW_MS = 1000;
/** Lines of a page of the server; a shorter page is the newest there is. */
const PAGE = 500;
/** Lines that are asked for without anybody scrolling. */
const FIRST_LINES = 2000;

export interface Pages {
  readonly lines: readonly TranscriptLine[];
  readonly failure: ApiFailure | null;
  /** What was said is all here; more may come while the run goes on. */
  readonly isAtTail: boolean;
  /** The run is over and all of it is here. */
  readonly isEnd: boolean;
  readonly isLoading: boolean;
  /** Asks for the lines up to the next page, or for all there are. */
  readonly wantMore: (all?: boolean) => void;
  readonly retry: () => void;
}

interface State {
  readonly lines: readonly TranscriptLine[];
  readonly next: number;
  readonly isEnd: boolean;
  readonly isAtTail: boolean;
  readonly failure: ApiFailure | null;
}

const EMPTY: State = { lines: [], next: 0, isEnd: false, isAtTail: false, failure: null };

/** A transcript page by page, and what is said while the run goes on, once a second while the page is in sight. */
export function usePages(task: TaskRef, type: string, run: number, worker: string): Pages {
  const path = taskPath(task, `/runs/${encodeURIComponent(type)}/${run}/transcript`);
  const key = `${path} ${worker}`;
  const [state, setState] = useState<State & { readonly key: string }>({ ...EMPTY, key });
  const wanted = useRef(FIRST_LINES);
  const [turn, setTurn] = useState(0);
  const shown = state.key === key ? state : { ...EMPTY, key };
  const known = useRef(shown);
  known.current = shown;
  const [isLoading, setLoading] = useState(true);

  useEffect(() => {
    wanted.current = FIRST_LINES;
  }, [key]);
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const ask = async (): Promise<void> => {
      timer = null;
      const { next, lines, isEnd, isAtTail } = known.current;
      if (isEnd || (!isAtTail && lines.length >= wanted.current)) return setLoading(false);
      if (document.hidden) return wait();
      setLoading(true);
      const query = new URLSearchParams({ ...(worker === "" ? {} : { worker }), after: String(next) });
      let page: Transcript;
      try {
        page = await getJson<Transcript>(`${path}?${query.toString()}`, controller.signal);
      } catch (error) {
        if (controller.signal.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        setLoading(false);
        setState({ ...known.current, key, failure: error });
        return;
      }
      const isShort = page.lines.length < PAGE;
      known.current = {
        key,
        lines: page.lines.length === 0 ? lines : [...lines, ...page.lines],
        next: page.next,
        isEnd: page.isEnd,
        isAtTail: page.isEnd || isShort,
        failure: null,
      };
      setState(known.current);
      if (page.isEnd) setLoading(false);
      else if (isShort) wait();
      else void ask();
    };
    const wait = (): void => {
      setLoading(false);
      timer = setTimeout(() => void ask(), FOLLOW_MS);
    };
    void ask();
    return () => {
      controller.abort();
      if (timer !== null) clearTimeout(timer);
    };
  }, [key, turn]);

  const wantMore = useCallback((all = false) => {
    const { isEnd, isAtTail, lines } = known.current;
    if (isEnd || isAtTail || (!all && wanted.current > lines.length)) return;
    wanted.current = all ? Number.POSITIVE_INFINITY : lines.length + PAGE;
    setTurn((each) => each + 1);
  }, []);
  return { ...shown, isLoading, wantMore, retry: () => setTurn((each) => each + 1) };
}

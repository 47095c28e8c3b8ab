import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { BoardPage } from "./board/board-page.tsx";
import { KEYS, stepFocus, useKeys } from "./keys.ts";
import { Announcements, announce } from "./parts/announce.tsx";
import { Dialog } from "./parts/dialog.tsx";
import { PageHeading } from "./parts/heading.tsx";
import { lazyView } from "./parts/lazy.tsx";
import { Empty } from "./parts/states.tsx";
import { CostView, ScheduleView, TimeView } from "./parts/views.ts";
import { Toasts } from "./parts/toast.tsx";
import { navigate, pageHash, useRoute, type Route } from "./router.ts";
import { useConnection } from "./stream.ts";
import { useTheme } from "./theme.ts";

const TaskRoute = lazyView(async () => (await import("./task/task-page.tsx")).TaskRoute);
const SearchPage = lazyView(async () => (await import("./search/search-page.tsx")).SearchPage);

const LINKS = [
  ["board", "Board"],
  ["schedule", "Schedule"],
  ["time", "Time"],
  ["cost", "Cost"],
] as const;

const TITLES: Readonly<Record<Exclude<Route["page"], "task">, string>> = {
  board: "Board",
  schedule: "Schedule",
  time: "Time",
  cost: "Cost",
  search: "Search",
  lost: "Not found",
};

export function App() {
  const route = useRoute();
  const [isHelping, setHelping] = useState(false);
  const page = route.page;
  const actions = useMemo(
    () => ({
      "g b": () => navigate(pageHash("board")),
      "g s": () => navigate(pageHash("schedule")),
      "g t": () => navigate(pageHash("time")),
      "g c": () => navigate(pageHash("cost")),
      "/": focusSearch,
      "?": () => setHelping(true),
      j: () => stepFocus("[data-step]", 1),
      k: () => stepFocus("[data-step]", -1),
      Escape: () => {
        if (page !== "board") navigate(pageHash("board"));
      },
    }),
    [page],
  );
  useKeys(actions);
  useEffect(() => {
    // The board counts what waits in its title, and a task names itself.
    if (route.page !== "task" && route.page !== "board") document.title = `${TITLES[route.page]} · okstra`;
  }, [route]);

  const skip = (event: Event): void => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return (
    <>
      <a class="skip-link" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header route={route} onHelp={() => setHelping(true)} />
      <main id="main" tabIndex={-1}>
        <Page route={route} />
      </main>
      <Toasts />
      <Announcements />
      {isHelping && (
        <Dialog title="Keys" onClose={() => setHelping(false)}>
          <dl class="keys">
            {KEYS.map(([keys, does]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </>
  );
}

function focusSearch(): void {
  const box = document.querySelector<HTMLInputElement>("input[type=search]");
  box?.focus();
  box?.select();
}

function Page({ route }: { route: Route }) {
  if (route.page === "board") return <BoardPage query={route.query} />;
  if (route.page === "task") return <TaskRoute route={route} />;
  if (route.page === "search") return <SearchPage query={route.query} />;
  if (route.page === "lost")
    return (
      <>
        <PageHeading page="lost">Not found</PageHeading>
        <Empty title="There is no such page.">
          <a href={pageHash("board")}>To the board</a>
        </Empty>
      </>
    );
  return (
    <>
      <div class="page-head">
        <PageHeading page={route.page}>{TITLES[route.page]}</PageHeading>
      </div>
      {route.page === "schedule" && <ScheduleView query={route.query} />}
      {route.page === "time" && <TimeView query={route.query} />}
      {route.page === "cost" && <CostView query={route.query} />}
    </>
  );
}

function Header({ route, onHelp }: { route: Route; onHelp: () => void }) {
  const [theme, turnTheme] = useTheme();
  return (
    <header class="header">
      <a class="brand" href={pageHash("board")}>
        okstra
      </a>
      <nav aria-label="Pages" class="nav">
        {LINKS.map(([page, title]) => (
          <a key={page} href={pageHash(page)} aria-current={route.page === page ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <SearchBox text={route.page === "search" ? (route.query.get("q") ?? "") : ""} isOnPage={route.page === "search"} />
      <div class="header-end">
        <ConnectionSign />
        <button type="button" class="button small" onClick={turnTheme} title="Theme: system, light, dark">
          <span class="visually-hidden">Theme: </span>
          {theme}
        </button>
        <button type="button" class="button small" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          ?
        </button>
      </div>
    </header>
  );
}

/** Typing searches at once where the answers are; elsewhere Enter goes there. */
function SearchBox({ text, isOnPage }: { text: string; isOnPage: boolean }) {
  const box = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => {
    // The address may change by going back; what is being typed is not taken away.
    if (box.current !== null && (document.activeElement !== box.current || !isOnPage)) box.current.value = text;
  }, [text, isOnPage]);
  const read = (): string => box.current?.value.trim() ?? "";
  const cancel = (): void => {
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = null;
  };
  const type = (): void => {
    cancel();
    if (isOnPage) timer.current = setTimeout(() => navigate(pageHash("search", { q: read() }), { replace: true }), 200);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    cancel();
    navigate(pageHash("search", { q: read() }), { replace: isOnPage });
    if (isOnPage) document.querySelector<HTMLElement>("[data-step]")?.focus();
  };
  return (
    <form role="search" class="search-box" onSubmit={submit}>
      <input
        ref={box}
        type="search"
        aria-label="Search tasks and findings"
        placeholder="Search  /"
        maxLength={200}
        autocomplete="off"
        spellcheck={false}
        onInput={type}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
    </form>
  );
}

function ConnectionSign() {
  const connection = useConnection();
  const was = useRef(connection);
  useEffect(() => {
    if (was.current === "live" && connection === "reconnecting") announce("The connection was lost; reconnecting.");
    if (was.current === "reconnecting" && connection === "live") announce("Connected again.");
    was.current = connection;
  }, [connection]);
  const words = { live: "live", connecting: "connecting", reconnecting: "reconnecting …" }[connection];
  return (
    <span
      class={`connection ${connection}`}
      title={connection === "live" ? "Changes are shown as they happen" : "What is shown may be old"}
    >
      <span class="connection-sign" aria-hidden="true" />
      {words}
    </span>
  );
}

import { useEffect, useRef } from "preact/hooks";

/** What the keys do, as the list of keys shows it. */
export const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ["g b", "Board"],
  ["g s", "Schedule"],
  ["g t", "Time"],
  ["g c", "Cost"],
  ["/", "Search"],
  ["j / k", "Next, previous task on the board, or finding in a list"],
  ["arrows", "Between the cards of the board"],
  ["Enter", "Open what has the focus"],
  ["Esc", "Close; from a task back to the board"],
  ["?", "This list"],
];

/** How long the second key of two may take, milliseconds. */
const SECOND_KEY_MS = 1200;

/** Whether what is typed belongs to a field or a dialog. */
function isTaken({ target, ctrlKey, metaKey, altKey, isComposing }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || isComposing) return true;
  if (document.querySelector("dialog[open]") !== null) return true;
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/u.test(target.tagName));
}

/**
 * Does what the keys say: `{ "g b": toBoard, "/": search }`. Keys that are typed into a field, in a dialog or with a
 * modifier are left alone.
 */
export function useKeys(actions: Readonly<Record<string, () => void>>): void {
  const newest = useRef(actions);
  newest.current = actions;
  // Listens once: between the two keys of a pair the page may be rendered anew.
  useEffect(() => {
    let first: { readonly key: string; readonly at: number } | null = null;
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || isTaken(event)) return;
      const { key, timeStamp } = event;
      const pair = first !== null && timeStamp - first.at < SECOND_KEY_MS ? `${first.key} ${key}` : null;
      const action = (pair === null ? undefined : newest.current[pair]) ?? newest.current[key];
      first = { key, at: timeStamp };
      if (action === undefined) return;
      first = null;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** Puts the focus on the next (1) or previous (-1) of the elements, on the first when none of them has it. */
export function stepFocus(selector: string, by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>(selector)].filter((each) => each.offsetParent !== null);
  const at = all.findIndex((each) => each === document.activeElement || each.contains(document.activeElement));
  const next = at === -1 ? 0 : Math.min(all.length - 1, Math.max(0, at + by));
  all[next]?.focus();
  all[next]?.scrollIntoView({ block: "nearest" });
}

import { useRef } from "preact/hooks";
import { showToast } from "./toast.tsx";

/** A command as it is typed in a terminal, to be copied. */
export function Command({ command }: { command: string }) {
  const text = useRef<HTMLElement>(null);
  const copy = (): void => {
    const copied = navigator.clipboard?.writeText(command) ?? Promise.reject(new Error("no clipboard"));
    copied.then(
      () => showToast("Copied."),
      () => {
        if (text.current !== null) getSelection()?.selectAllChildren(text.current);
        showToast("It is marked: copy it with the keys of your system.");
      },
    );
  };
  return (
    <span class="command">
      <code ref={text}>{command}</code>
      <button type="button" class="button small" onClick={copy} aria-label={`Copy the command ${command}`}>
        Copy
      </button>
    </span>
  );
}

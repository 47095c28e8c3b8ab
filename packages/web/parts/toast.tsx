import { useEffect, useState } from "preact/hooks";

interface Toast {
  readonly id: number;
  readonly text: string;
}

/** Milliseconds that a toast stays. */
const STAY_MS = 5000;
let last = 0;
let push: ((toast: Toast) => void) | null = null;

/** Says something short that went well; it is read aloud too. */
export function showToast(text: string): void {
  last += 1;
  push?.({ id: last, text });
}

/** Where toasts appear; once in the page. */
export function Toasts() {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  useEffect(() => {
    const timers = new Set<ReturnType<typeof setTimeout>>();
    push = (toast) => {
      setToasts((all) => [...all.slice(-2), toast]);
      timers.add(setTimeout(() => setToasts((all) => all.filter(({ id }) => id !== toast.id)), STAY_MS));
    };
    return () => {
      push = null;
      for (const timer of timers) clearTimeout(timer);
    };
  }, []);
  return (
    <div class="toasts" role="status">
      {toasts.map(({ id, text }) => (
        <p key={id} class="toast">
          {text}
        </p>
      ))}
    </div>
  );
}

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** How many pages were shown since the page was loaded: the first one leaves the focus where the browser has it. */
let shown = 0;

/** The heading of a page; it gets the focus when the page is gone to. @param page another one is another page */
export function PageHeading({ page, children }: { page: string; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    shown += 1;
    if (shown === 1) return;
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [page]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  );
}

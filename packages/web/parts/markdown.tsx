import { useEffect, useState } from "preact/hooks";
import { Skeleton } from "./states.tsx";

/** Somebody's Markdown; what makes it safe HTML is loaded when it is first needed. */
export function Markdown({ text }: { text: string }) {
  const [shown, setShown] = useState<{ readonly text: string; readonly html: string } | null>(null);
  useEffect(() => {
    let isGone = false;
    void import("./render-markdown.ts").then(({ renderMarkdown }) => {
      if (!isGone) setShown({ text, html: renderMarkdown(text) });
    });
    return () => {
      isGone = true;
    };
  }, [text]);
  if (shown === null) return <Skeleton lines={3} />;
  return <div class="markdown" dangerouslySetInnerHTML={{ __html: shown.html }} />;
}

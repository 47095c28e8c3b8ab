import DOMPurify from "dompurify";
import { Marked } from "marked";

/** HTML within Markdown is shown as the text it is; images are their words. */
const marked = new Marked({
  gfm: true,
  // The page and its sections have the first two levels of headings.
  walkTokens: (token) => {
    if (token.type === "heading") token.depth = Math.min(6, token.depth + 2);
  },
  renderer: {
    html: ({ text }) => escapeHtml(text),
    image: ({ text, href }) => escapeHtml(`[${text || "picture"}: ${href}]`),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

const TAGS = "h3 h4 h5 h6 p br hr blockquote pre code em strong del a ul ol li table thead tbody tr th td".split(" ");
const purify = DOMPurify(window);
purify.addHook("afterSanitizeAttributes", (node) => {
  // A wide table is scrolled within itself, by keys too.
  if (node.tagName === "TABLE") node.setAttribute("tabindex", "0");
  if (node.tagName !== "A") return;
  const href = node.getAttribute("href") ?? "";
  // An address within the page would be one of the dashboard's own.
  if (!/^https?:\/\//iu.test(href)) {
    node.removeAttribute("href");
    return;
  }
  node.setAttribute("rel", "noopener noreferrer nofollow");
  node.setAttribute("target", "_blank");
});

/** @returns HTML without scripts, styles, pictures, forms and addresses other than http and https */
export function renderMarkdown(text: string): string {
  const html = marked.parse(text, { async: false });
  return purify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href", "start"], ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false });
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

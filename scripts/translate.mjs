/** Korean texts of what is generated: the reference of the command line and the table of errors. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TRANSLATIONS = "packages/cli/help/korean.json";

/**
 * @param {"en" | "ko"} language
 * @returns {{ say: (text: string) => string, finish: () => void }} `say` answers the text in that language; `finish` throws an
 *   Error that names every text which had no translation
 */
export function translator(language) {
  const missing = [];
  const texts = language === "en" ? null : JSON.parse(readFileSync(join(ROOT, TRANSLATIONS), "utf8"));
  const say = (text) => {
    if (texts === null) return text;
    if (!Object.hasOwn(texts, text) && !missing.includes(text)) missing.push(text);
    return texts[text] ?? text;
  };
  const finish = () => {
    if (missing.length > 0)
      throw new Error(`${TRANSLATIONS} has no translation of:\n${missing.map((text) => `  ${JSON.stringify(text)}`).join("\n")}`);
  };
  return { say, finish };
}

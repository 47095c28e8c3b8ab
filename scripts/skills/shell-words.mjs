/** Splits what people write as commands into words. No shell: placeholders (`<task>`, `a|b`, `…`) are words like others. */

const SEPARATORS = new Set(["&&", "||", "|", ";", "&", "(", ")", "{", "}"]);
const KEYWORDS = new Set(["if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "exec", "time", "command", "$"]);

/** `>file`, `2>&1`, `>`, `<`; what begins with `<` and goes on is a placeholder. */
const REDIRECTION = /^(?:&?\d*>.*|\d*<)$/u;

/**
 * @param {string} line
 * @returns {string[][]} its simple commands, each as words without quotes, keywords and assignments before the program left out
 */
export function splitCommands(line) {
  // What is substituted is a command of its own, quoted or not.
  const flat = line.replaceAll(/"?\$\(/gu, " ; ").replaceAll(/\)"?(?=[\s;]|$)/gu, " ; ");
  const commands = [[]];
  let isTarget = false;
  for (const word of splitWords(flat)) {
    const command = commands.at(-1);
    if (isTarget || (word.bare && REDIRECTION.test(word.text))) {
      isTarget = !isTarget && /[<>]$/u.test(word.text);
      continue;
    }
    if (word.bare && SEPARATORS.has(word.text)) commands.push([]);
    else if (command.length > 0 || !(word.bare && (KEYWORDS.has(word.text) || /^[A-Za-z_]\w*=/u.test(word.text)))) command.push(word.text);
  }
  return commands.filter((command) => command.length > 0);
}

/** @returns {{ text: string, bare: boolean }[]} up to a comment */
function splitWords(line) {
  const words = [];
  const pattern = /((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s;"'\\]|["'\\])+)|(;)/gu;
  for (const [, raw, semicolon] of line.matchAll(pattern)) {
    if (semicolon !== undefined) words.push({ text: ";", bare: true });
    else if (raw.startsWith("#")) return words;
    else
      words.push({
        text: raw.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/gu, (_, double, single) => double ?? single),
        bare: !/["']/u.test(raw),
      });
  }
  return words;
}

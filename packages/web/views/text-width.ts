/** What a line of code takes, in widths of a letter: a tab goes to the next eighth place, wide letters are two. */
export function measureColumns(text: string): number {
  let columns = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 9) columns += 8 - (columns % 8);
    else columns += unit >= 0x1100 && isWide(unit) ? 2 : 1;
  }
  return columns;
}

/** Of UTF-16: the halves of a surrogate pair are one each, for such letters are wide. */
function isWide(unit: number): boolean {
  return (
    unit <= 0x115f ||
    (unit >= 0x2e80 && unit <= 0xa4cf) ||
    (unit >= 0xac00 && unit <= 0xd7a3) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xfe30 && unit <= 0xfe6f) ||
    (unit >= 0xff00 && unit <= 0xff60)
  );
}

/** Letters of a line that are shown before somebody asks for more: a browser takes long over a line of a million. */
export const LINE_SHOWN = 4000;
const MORE = 40_000;

/** @param asked how often more was asked for */
export function cutLine(text: string, asked: number): { readonly shown: string; readonly rest: number } {
  const most = LINE_SHOWN + asked * MORE;
  return text.length <= most ? { shown: text, rest: 0 } : { shown: text.slice(0, most), rest: text.length - most };
}

/** Text that comes in pieces, told whole: a line at a time at most, never a token at a time. */
export interface MessageText {
  add(text: string): void;
  /** Ends the message: what is not told yet is told. */
  end(): void;
  /** The last message that had any text, whole, up to the limit; its beginning goes first. */
  last(): string;
}

/** The last message that is kept whole, in characters: as much as a result may have. */
const MAX_MESSAGE = 8 * 1024 * 1024;
/** One entry of a transcript has at most so many characters. */
const MAX_ENTRY = 4000;
/** A line without an end is told when it is so long. Its last part waits: a secret may be coming. */
const MAX_LINE = 4 * MAX_ENTRY;

/** @param redact makes secrets unreadable before the text is cut into entries */
export function createMessageText(tell: (text: string) => void, redact: (text: string) => string): MessageText {
  let pieces: string[] = [];
  let length = 0;
  let untold = "";
  let last = "";
  const tellAll = (raw: string): void => {
    const text = redact(raw);
    for (let at = 0; at < text.length; at += MAX_ENTRY) tell(text.slice(at, at + MAX_ENTRY));
  };
  const whole = (): string => {
    const text = pieces.join("");
    return text.length > MAX_MESSAGE ? text.slice(-MAX_MESSAGE) : text;
  };
  return {
    add(text) {
      pieces.push(text);
      length += text.length;
      if (length > 2 * MAX_MESSAGE) {
        pieces = [whole()];
        length = MAX_MESSAGE;
      }
      untold += text;
      const linesEnd = untold.lastIndexOf("\n") + 1;
      if (linesEnd > 0) tellAll(untold.slice(0, linesEnd).replace(/\n+$/, ""));
      untold = untold.slice(linesEnd);
      if (untold.length <= MAX_LINE) return;
      const cut = findCut(untold, redact);
      tellAll(untold.slice(0, cut));
      untold = untold.slice(cut);
    },
    end() {
      if (untold.trim() !== "") tellAll(untold);
      untold = "";
      const text = whole();
      if (text.trim() !== "") last = text;
      pieces = [];
      length = 0;
    },
    last() {
      const text = whole();
      return text.trim() === "" ? last : text;
    },
  };
}

/** Where a long line can be cut so that no secret is cut: the parts then give what the whole gives. */
function findCut(line: string, redact: (text: string) => string): number {
  const whole = redact(line);
  for (let cut = line.length - MAX_ENTRY; cut > 0; cut -= 64) if (redact(line.slice(0, cut)) + redact(line.slice(cut)) === whole) return cut;
  return line.length;
}

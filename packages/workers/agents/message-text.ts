/** Text that comes in pieces, told whole: a line at a time at most, never a token at a time. */
export interface MessageText {
  add(text: string): void;
  /** Ends the message: what is not told yet is told. */
  end(): void;
  /** The last message that had any text, whole, up to the limit; its beginning goes first. */
  last(): string;
}

/** The last message that is kept whole, in characters; a larger result comes through the door. */
const MAX_MESSAGE = 1024 * 1024;
const RECENT_PIECES = 1024;
/** One entry of a transcript has at most so many characters. */
const MAX_ENTRY = 4000;
/** A line without an end is told when it is so long. Its last part waits: a secret may be coming. */
const MAX_LINE = 4 * MAX_ENTRY;

/** @param redact makes secrets unreadable before the text is cut into entries */
export function createMessageText(tell: (text: string) => void, redact: (text: string) => string): MessageText {
  let pieces: string[] = [];
  /** The newest pieces; a message may come by single characters, and each piece has its price. */
  let recent: string[] = [];
  let length = 0;
  let untold = "";
  let last = "";
  const tellAll = (raw: string): void => {
    const text = redact(raw);
    for (let at = 0; at < text.length; at += MAX_ENTRY) tell(text.slice(at, at + MAX_ENTRY));
  };
  const whole = (): string => {
    const text = pieces.join("") + recent.join("");
    return text.length > MAX_MESSAGE ? text.slice(-MAX_MESSAGE) : text;
  };
  return {
    add(text) {
      if (text === "") return;
      recent.push(text);
      length += text.length;
      if (recent.length === RECENT_PIECES || text.length > RECENT_PIECES) {
        pieces.push(recent.join(""));
        recent = [];
      }
      for (let oldest = pieces[0]; oldest !== undefined && length - oldest.length >= MAX_MESSAGE; oldest = pieces[0]) {
        pieces.shift();
        length -= oldest.length;
      }
      untold += text;
      const linesEnd = untold.lastIndexOf("\n") + 1;
      if (linesEnd > 0) tellAll(trimLineEnds(untold.slice(0, linesEnd)));
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
      recent = [];
      length = 0;
    },
    last() {
      const text = whole();
      return text.trim() === "" ? last : text;
    },
  };
}

/** Without the line breaks at its end. No regular expression: one takes the square of the time for what has many of them. */
function trimLineEnds(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "\n") end -= 1;
  return text.slice(0, end);
}

/** Where a long line can be cut so that no secret is cut: the parts then give what the whole gives. */
function findCut(line: string, redact: (text: string) => string): number {
  const whole = redact(line);
  for (let cut = line.length - MAX_ENTRY; cut > 0; cut -= 64)
    if (redact(line.slice(0, cut)) + redact(line.slice(cut)) === whole) return cut;
  return line.length;
}

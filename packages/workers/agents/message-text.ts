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

export function createMessageText(tell: (text: string) => void): MessageText {
  let pieces: string[] = [];
  let length = 0;
  let untold = "";
  let last = "";
  const flush = (): void => {
    for (let at = 0; at < untold.length; at += MAX_ENTRY) tell(untold.slice(at, at + MAX_ENTRY));
    untold = "";
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
      const lineEnd = untold.lastIndexOf("\n");
      if (lineEnd >= 0 || untold.length > MAX_ENTRY) {
        const rest = lineEnd >= 0 && untold.length - lineEnd < MAX_ENTRY ? untold.slice(lineEnd + 1) : "";
        untold = untold.slice(0, untold.length - rest.length).replace(/\n+$/, "");
        flush();
        untold = rest;
      }
    },
    end() {
      if (untold.trim() !== "") flush();
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

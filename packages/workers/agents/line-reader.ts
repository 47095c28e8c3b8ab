/** One line of a program's output may have so many bytes; a longer one ends the conversation. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
/** Room for the beginning of a line that is kept for the next one; what a longer line took is given back. */
const KEPT_BYTES = 256 * 1024;

export class LineTooLongError extends Error {
  constructor() {
    super(`a line of its output has more than ${MAX_LINE_BYTES} bytes`);
  }
}

/**
 * Lines of a byte stream, as text without their ends; what is no UTF-8 becomes replacement characters. Holds at most
 * one line in one piece of memory, so that memory is bounded whatever comes, a byte at a time too.
 * @throws LineTooLongError
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let begun: Uint8Array = new Uint8Array(0);
  let length = 0;
  /** The line that `last` ends. */
  const take = (last: Uint8Array): string => {
    if (length === 0) return decoder.decode(last);
    keep(last);
    const line = decoder.decode(begun.subarray(0, length));
    length = 0;
    if (begun.length > KEPT_BYTES) begun = new Uint8Array(0);
    return line;
  };
  const keep = (part: Uint8Array): void => {
    if (length + part.length > MAX_LINE_BYTES) throw new LineTooLongError();
    if (length + part.length > begun.length) {
      const grown = new Uint8Array(Math.min(MAX_LINE_BYTES, Math.max(length + part.length, 2 * begun.length, 1024)));
      grown.set(begun.subarray(0, length));
      begun = grown;
    }
    begun.set(part, length);
    length += part.length;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      if (length + end - start > MAX_LINE_BYTES) throw new LineTooLongError();
      yield take(chunk.subarray(start, end)).replace(/\r$/, "");
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (length > 0) yield take(new Uint8Array());
}

/** One line of a program's output may have so many bytes; a longer one ends the conversation. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

export class LineTooLongError extends Error {
  constructor() {
    super(`a line of its output has more than ${MAX_LINE_BYTES} bytes`);
  }
}

/**
 * Lines of a byte stream, as text without their ends; what is no UTF-8 becomes replacement characters. Holds at most
 * one line, so that memory is bounded whatever comes.
 * @throws LineTooLongError
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = (last: Uint8Array): string => {
    if (parts.length === 0) return decoder.decode(last);
    const line = new Uint8Array(length + last.length);
    let at = 0;
    for (const part of [...parts, last]) {
      line.set(part, at);
      at += part.length;
    }
    parts = [];
    length = 0;
    return decoder.decode(line);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      if (length + end - start > MAX_LINE_BYTES) throw new LineTooLongError();
      yield take(chunk.subarray(start, end)).replace(/\r$/, "");
      start = end + 1;
    }
    if (start === chunk.length) continue;
    // A copy, so that the end of a line does not keep its whole chunk.
    parts.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > MAX_LINE_BYTES) throw new LineTooLongError();
  }
  if (length > 0) yield take(new Uint8Array());
}

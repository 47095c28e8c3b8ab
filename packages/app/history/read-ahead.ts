/** So much is read at once: most of the time goes into waiting for the disk. */
const AT_ONCE = 8;

/** What is read of each item, in the items' order; a few are read ahead. */
export async function* readAhead<ITEM, RESULT>(
  items: Iterable<ITEM> | AsyncIterable<ITEM>,
  read: (item: ITEM) => Promise<RESULT>,
): AsyncGenerator<readonly [ITEM, RESULT]> {
  const ahead: Promise<readonly [ITEM, RESULT]>[] = [];
  for await (const item of items) {
    const reading = read(item).then((result) => [item, result] as const);
    // It is told when its turn comes, if anybody waits until then.
    reading.catch(() => undefined);
    ahead.push(reading);
    const next = ahead.length < AT_ONCE ? undefined : ahead.shift();
    if (next !== undefined) yield next;
  }
  for (const next of ahead) yield next;
}

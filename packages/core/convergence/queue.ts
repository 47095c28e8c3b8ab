/** A queue that gives the least element first (a binary heap). */
export interface Queue<T> {
  push(element: T): void;
  pop(): T | undefined;
}

/** @param compare negative when the first comes earlier; must order all elements totally for `pop` to be definite */
export function createQueue<T>(compare: (a: T, b: T) => number): Queue<T> {
  const heap: T[] = [];
  const isBefore = (a: number, b: number): boolean => b < heap.length && a < heap.length && compare(heap[a] as T, heap[b] as T) < 0;
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b] as T, heap[a] as T];
  };
  return {
    push(element) {
      heap.push(element);
      for (let at = heap.length - 1, parent = (at - 1) >> 1; at > 0 && isBefore(at, parent); at = parent, parent = (at - 1) >> 1)
        swap(at, parent);
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (heap.length === 0 || last === undefined) return first;
      heap[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const child = isBefore(left + 1, left) ? left + 1 : left;
        if (!isBefore(child, at)) return first;
        swap(at, child);
        at = child;
      }
    },
  };
}

import type { StreamMessage } from "@okstra/core/dashboard/api";

const MOST_MESSAGES = 5000;
const MOST_CHARS = 16 * 1024 * 1024;

interface Numbered {
  readonly number: number;
  readonly message: StreamMessage;
  readonly chars: number;
}

/** The newest messages, numbered from 1 on; an id says of which ring a number is. */
export class FeedRing {
  readonly #epoch: string;
  #messages: Numbered[] = [];
  #chars = 0;
  #last = 0;
  readonly #waiting = new Set<() => void>();

  /** @param epoch differs with every start */
  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** Number of the newest message; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  add(message: StreamMessage): void {
    const chars = JSON.stringify(message).length;
    this.#last += 1;
    this.#messages.push({ number: this.#last, message, chars });
    this.#chars += chars;
    while (this.#messages.length > MOST_MESSAGES || (this.#chars > MOST_CHARS && this.#messages.length > 1))
      this.#chars -= this.#messages.shift()?.chars ?? 0;
    this.wake();
  }

  idOf(number: number): string {
    return `${this.#epoch}-${number}`;
  }

  /** The number in an id; null for one of another ring, and when what came after it is not known any more. */
  find(id: string | null): number | null {
    const number = /^([0-9a-f]+)-(\d{1,15})$/.exec(id ?? "");
    if (number === null || number[1] !== this.#epoch) return null;
    const at = Number(number[2]);
    return at <= this.#last && this.after(at) !== null ? at : null;
  }

  /** Messages after a number, oldest first; null when some of them are gone. */
  after(number: number): readonly Numbered[] | null {
    const first = this.#last - this.#messages.length + 1;
    return number < first - 1 ? null : this.#messages.slice(number - first + 1);
  }

  /** Settles when there is another message, or when {@link wake} is called. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

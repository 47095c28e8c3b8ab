import { connect, type Socket } from "node:net";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** By lower-case name; values of a name that comes twice are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawRequest {
  readonly method?: string;
  /** As it stands in the first line, whatever that is. */
  readonly target: string;
  /** In this order and as often as they stand here; nothing is added but `Connection: close`, and the length of a body. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  readonly version?: string;
}

/** The bytes of a request. */
export function formatRequest({ method = "GET", target, headers = [], body, version = "HTTP/1.1" }: RawRequest, close = true): Buffer {
  const has = (name: string): boolean => headers.some(([each]) => each.toLowerCase() === name);
  const lines = [
    `${method} ${target} ${version}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined || has("content-length") || has("transfer-encoding") ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...(close ? ["Connection: close"] : []),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body ?? "")]);
}

/** Sends one request to a port of 127.0.0.1 and reads its answer. @throws when the connection ends without one */
export async function askRaw(port: number, request: RawRequest): Promise<RawAnswer> {
  const [answer] = await sendRaw(port, formatRequest(request), 1);
  if (answer === undefined) throw new Error(`${request.method ?? "GET"} ${request.target} was not answered`);
  return answer;
}

/**
 * Sends bytes and reads until so many answers are whole, or the connection ends. Answers are told apart by their length
 * or chunks; one without either lasts until the end.
 */
export async function sendRaw(port: number, bytes: Uint8Array | string, count: number): Promise<readonly RawAnswer[]> {
  const socket = connect(port, "127.0.0.1");
  let received = Buffer.alloc(0);
  try {
    return await new Promise<readonly RawAnswer[]>((resolve, reject) => {
      socket.on("data", (part: Buffer) => {
        received = Buffer.concat([received, part]);
        const answers = parseAnswers(received, false);
        if (answers.length >= count) resolve(answers);
      });
      // What was sent may be refused before all of it has gone.
      socket.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "EPIPE" && error.code !== "ECONNRESET") reject(error);
      });
      socket.on("close", () => resolve(parseAnswers(received, true)));
      socket.write(bytes);
    });
  } finally {
    socket.destroy();
  }
}

/** Characters of a text that can be waited for. */
const LONGEST_AWAITED = 256;

/** An open connection whose bytes are read as they come. */
export interface OpenConnection {
  readonly socket: Socket;
  /** Resolves with everything that came so far, as soon as that has a text; rejects when the connection ends before. */
  waitFor(text: string): Promise<string>;
  /** Resolves with everything that came, when the other side has ended the connection. */
  readonly ended: Promise<string>;
  close(): void;
}

/** @param bytes what is sent at once */
export function openRaw(port: number, bytes: Uint8Array | string): OpenConnection {
  const socket = connect(port, "127.0.0.1");
  const parts: string[] = [];
  let isClosed = false;
  const looks = new Set<(recent: string) => void>();
  const tell = (recent: string): void => {
    for (const each of looks) each(recent);
  };
  socket.on("data", (part: Buffer) => {
    const text = part.toString("latin1");
    const before = parts.at(-1) ?? "";
    parts.push(text);
    // Only what is new is looked at: a connection may bring much.
    tell(before.slice(-LONGEST_AWAITED) + text);
  });
  socket.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => {
    socket.on("close", () => {
      isClosed = true;
      tell("");
      resolve(parts.join(""));
    });
  });
  socket.write(bytes);
  return {
    socket,
    ended,
    waitFor: (text) =>
      new Promise((resolve, reject) => {
        const look = (recent: string): void => {
          if (recent.includes(text)) resolve(parts.join(""));
          else if (isClosed) reject(new Error(`the connection ended before ${JSON.stringify(text)}: ${JSON.stringify(parts.join(""))}`));
          else return;
          looks.delete(look);
        };
        looks.add(look);
        look(parts.join(""));
      }),
    close: () => socket.destroy(),
  };
}

function parseAnswers(bytes: Buffer, isEnd: boolean): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  for (;;) {
    const at = rest.indexOf("\r\n\r\n");
    if (at < 0) return answers;
    const [first = "", ...lines] = rest.subarray(0, at).toString("latin1").split("\r\n");
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    const body = readBody(rest.subarray(at + 4), headers, isEnd);
    if (body === null) return answers;
    answers.push({ status: Number(first.split(" ")[1]), headers, body: body.bytes.toString("utf8") });
    rest = body.rest;
  }
}

function readBody(bytes: Buffer, headers: Readonly<Record<string, string>>, isEnd: boolean): { bytes: Buffer; rest: Buffer } | null {
  const length = headers["content-length"];
  if (length !== undefined)
    return bytes.length < Number(length) ? null : { bytes: bytes.subarray(0, Number(length)), rest: bytes.subarray(Number(length)) };
  if (headers["transfer-encoding"] !== "chunked") return isEnd ? { bytes, rest: Buffer.alloc(0) } : null;
  const parts: Buffer[] = [];
  for (let from = 0; ;) {
    const at = bytes.indexOf("\r\n", from);
    if (at < 0) return null;
    const size = Number.parseInt(bytes.subarray(from, at).toString("latin1"), 16);
    const end = at + 2 + size;
    if (bytes.length < end + 2) return null;
    if (size === 0) return { bytes: Buffer.concat(parts), rest: bytes.subarray(end + 2) };
    parts.push(bytes.subarray(at + 2, end));
    from = end + 2;
  }
}

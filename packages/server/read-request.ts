import type { IncomingMessage } from "node:http";
import type * as z from "zod";
import { refuseRequest, type Refusal } from "./refusal.ts";

/** Bytes of a body. */
const MAX_BODY_BYTES = 256 * 1024;

/** What is left of a refused request's body is read and thrown away, so much and so long, so that the refusal arrives. */
const MAX_DRAINED_BYTES = 1024 * 1024;
const DRAIN_MS = 500;

/** What was read, or why it cannot be. */
export type Read<T> = { readonly value: T } | { readonly refusal: Refusal };

/** A query by its schema (422). A name that is given twice is none that is known. */
export function readQuery<S extends z.ZodType>(address: string, schema: S): Read<z.output<S>> {
  const given = new URL(address).searchParams;
  const names = [...given.keys()];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return { refusal: refuseRequest(422, `The query has ${quote(twice)} twice.`) };
  return check("query", Object.fromEntries(given), schema);
}

/**
 * The JSON of a request that a page of this server made on purpose: other sites' forms can send neither the type (415)
 * nor the header (403).
 */
export async function readBody<S extends z.ZodType>(request: IncomingMessage, schema: S): Promise<Read<z.output<S>>> {
  const { headers } = request;
  if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(headers["content-type"] ?? ""))
    return { refusal: refuseRequest(415, "A body is application/json.") };
  if (headers["content-encoding"] !== undefined) return { refusal: refuseRequest(415, "A body is not compressed.") };
  if (headers["x-okstra"] !== "1") return { refusal: refuseRequest(403, "A request that changes something has the header X-Okstra: 1.") };
  const bytes = await readBytes(request);
  if (bytes === "too-large") return { refusal: refuseRequest(413, `A body has ${MAX_BODY_BYTES} bytes at most.`) };
  if (bytes === "cut-off") return { refusal: refuseRequest(400, "The connection ended before the body did.") };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return { refusal: refuseRequest(400, "The body is no JSON in UTF-8.") };
  }
  return check("body", value, schema);
}

async function readBytes(request: IncomingMessage): Promise<Uint8Array | "too-large" | "cut-off"> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return "too-large";
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) resolve("too-large");
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    for (const event of ["error", "close"] as const) request.on(event, () => resolve("cut-off"));
  });
}

/** Resolves when a body has come to its end, or enough of it was thrown away. At once when there is none. */
export async function drain(request: IncomingMessage): Promise<void> {
  if (!hasBody(request) || request.readableEnded || request.destroyed) return;
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    let drained = 0;
    request.on("data", (chunk: Buffer) => {
      drained += chunk.length;
      if (drained > MAX_DRAINED_BYTES) resolve();
    });
    for (const event of ["end", "error", "close"] as const) request.on(event, () => resolve());
    timer = setTimeout(resolve, DRAIN_MS);
  });
  clearTimeout(timer);
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

function check<S extends z.ZodType>(what: string, value: unknown, schema: S): Read<z.output<S>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${quote(issue.path.join("."))}`;
  return { refusal: refuseRequest(422, `The ${what} is not what this address takes${where}: ${issue?.message ?? "it is invalid"}.`) };
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

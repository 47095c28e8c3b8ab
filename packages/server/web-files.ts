import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Store } from "@okstra/core/ports";

/** A file of the page, as it is sent. */
export interface WebFile {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Null: it would not be smaller. */
  readonly br: Uint8Array | null;
  readonly gzip: Uint8Array | null;
  /** Its name has the hash of its content, so that it is asked for once. */
  readonly isHashed: boolean;
}

/** Files of the page by their path in addresses; nothing else is served. */
export type WebFiles = ReadonlyMap<string, WebFile>;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  woff2: "font/woff2",
  json: "application/json; charset=utf-8",
};
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Good enough for loopback, and done before a browser has started. */
const BROTLI_QUALITY = 5;

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/**
 * Reads the built page once. A name never comes from an address: addresses are looked up in what is listed here.
 * @param directory has index.html and assets/; absent: nothing was built, and the map is empty
 */
export async function loadWebFiles(store: Pick<Store, "listDirectory" | "readPart" | "exists">, directory: string): Promise<WebFiles> {
  const assets = `${directory}/assets`;
  const names = (await store.exists(assets)) ? (await store.listDirectory(assets)).filter((name) => /^[A-Za-z0-9][\w.-]*$/.test(name)) : [];
  const wanted = [["/", `${directory}/index.html`] as const, ...names.map((name) => [`/assets/${name}`, `${assets}/${name}`] as const)];
  const loaded = await Promise.all(wanted.map(async ([path, file]) => [path, await loadWebFile(store, file)] as const));
  return new Map(loaded.flatMap(([path, file]) => (file === null ? [] : [[path, file]])));
}

async function loadWebFile(store: Pick<Store, "readPart">, path: string): Promise<WebFile | null> {
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1)];
  if (type === undefined) return null;
  const read = await store.readPart(path, 0, MAX_FILE_BYTES);
  if (read === null || read.size > MAX_FILE_BYTES) return null;
  const [br, zipped] = await Promise.all([
    compressBrotli(read.bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
    compressGzip(read.bytes),
  ]);
  const orNull = (compressed: Uint8Array): Uint8Array | null => (compressed.length < read.bytes.length ? compressed : null);
  return { type, bytes: read.bytes, br: orNull(br), gzip: orNull(zipped), isHashed: /-[A-Z2-7]{8}\.\w+$/.test(path) };
}

/** The form that a browser takes, by its `Accept-Encoding`. */
export function chooseEncoding(file: WebFile, accepted: string | undefined): { bytes: Uint8Array; encoding: "br" | "gzip" | null } {
  const taken = (accepted ?? "").split(",").flatMap((each) => {
    const [name = "", quality = ""] = each.trim().split(/\s*;\s*/);
    return /^q=0(?:\.0*)?$/i.test(quality) ? [] : [name.toLowerCase()];
  });
  if (file.br !== null && taken.includes("br")) return { bytes: file.br, encoding: "br" };
  if (file.gzip !== null && taken.includes("gzip")) return { bytes: file.gzip, encoding: "gzip" };
  return { bytes: file.bytes, encoding: null };
}

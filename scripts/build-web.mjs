/**
 * Bundles the dashboard's page into dist/web/: index.html and assets/ with hashed names, split where the page loads
 * what it shows when it is asked for. The first page has a budget, so that it stays quick to open.
 *
 * usage: node scripts/build-web.mjs
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

/** Bytes, gzipped, of index.html and all that it loads before anything is asked: scripts and style. */
const FIRST_PAGE_BUDGET = 100 * 1024;
const TEMPLATE = "packages/web/index.html";
const ENTRIES = { main: "packages/web/main.tsx", "early-theme": "packages/web/early-theme.ts", style: "packages/web/styles/main.css" };

/**
 * @param {{ root: string, outdir: string }} where `outdir` from the root or absolute
 * @returns {Promise<{ metafile: import("esbuild").Metafile, sources: string[], files: number, bytes: number, firstPageBytes: number }>}
 * `sources` are paths from the root, for the hash of the sources; `firstPageBytes` is gzipped
 * @throws Error when the first page is over its budget; nothing is written then
 */
export async function buildWeb({ root, outdir }) {
  const esbuild = await import("esbuild");
  const { metafile, outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir,
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    charset: "utf8",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const web = resolve(root, outdir);
  const contents = new Map(outputFiles.map((file) => [addressOf(web, file.path), file.contents]));
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({ address: addressOf(web, resolve(root, path)), ...output }));
  const entryOf = (path) => outputs.find(({ entryPoint }) => entryPoint === path)?.address ?? "";
  const main = entryOf(ENTRIES.main);
  const early = entryOf(ENTRIES["early-theme"]);
  const style = entryOf(ENTRIES.style);
  const preloads = staticImportsOf(main, outputs, (path) => addressOf(web, resolve(root, path)));
  const html = fillTemplate(await readFile(join(root, TEMPLATE), "utf8"), { main, early, style, preloads });
  const firstPageBytes = [html, ...[main, early, style, ...preloads].map((address) => contents.get(address) ?? "")].reduce(
    (sum, content) => sum + gzipSync(content).length,
    0,
  );
  if (firstPageBytes > FIRST_PAGE_BUDGET)
    throw new Error(`the dashboard's first page has ${firstPageBytes} bytes gzipped, over its budget of ${FIRST_PAGE_BUDGET}`);

  await mkdir(join(web, "assets"), { recursive: true });
  for (const [address, content] of contents) await replaceFile(join(web, address), content);
  await replaceFile(join(web, "index.html"), html);
  const kept = new Set([...contents.keys()].map((address) => basename(address)));
  for (const name of await readdir(join(web, "assets"))) if (!kept.has(name)) await rm(join(web, "assets", name), { force: true });
  const bytes = [...contents.values()].reduce((sum, content) => sum + content.length, Buffer.byteLength(html));
  const sources = [TEMPLATE, "scripts/build-web.mjs", ...Object.keys(metafile.inputs).filter((path) => !path.includes("node_modules/"))];
  return { metafile, sources: sources.sort(), files: contents.size + 1, bytes, firstPageBytes };
}

/** A file's address in the page: `/assets/main-ABC.js`. */
function addressOf(web, path) {
  return `/${relative(web, path).split(sep).join("/")}`;
}

/** Chunks that an entry imports at once, directly or through another. */
function staticImportsOf(entry, outputs, toAddress) {
  const found = new Set();
  const visit = (address) => {
    for (const { path, kind } of outputs.find((each) => each.address === address)?.imports ?? []) {
      const imported = toAddress(path);
      if (kind !== "import-statement" || found.has(imported)) continue;
      found.add(imported);
      visit(imported);
    }
  };
  visit(entry);
  return [...found].sort();
}

function fillTemplate(template, { main, early, style, preloads }) {
  const links = [
    `<script src="${early}"></script>`,
    `<link rel="stylesheet" href="${style}" />`,
    ...preloads.map((address) => `<link rel="modulepreload" href="${address}" />`),
    `<script type="module" src="${main}"></script>`,
  ];
  if (!template.includes("<!-- assets -->")) throw new Error(`${TEMPLATE} has no <!-- assets -->`);
  return template.replace("<!-- assets -->", links.join("\n    "));
}

async function replaceFile(path, content) {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  try {
    const { files, bytes, firstPageBytes } = await buildWeb({ root, outdir: "dist/web" });
    const kib = (size) => (size / 1024).toFixed(1);
    console.error(`built dist/web/: ${files} files, ${kib(bytes)} KiB; the first page ${kib(firstPageBytes)} KiB gzipped`);
  } catch (error) {
    for (const { location, text } of error.errors ?? []) console.error(`${location?.file ?? ""}:${location?.line ?? ""}: ${text}`);
    if (error.errors === undefined) console.error(error.message);
    process.exitCode = 1;
  }
}

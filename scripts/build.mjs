/**
 * Bundles the command line into dist/: main.mjs, chunks that are loaded when a command needs them, the dashboard's page
 * (web/), and the licence texts of what was bundled. dist/meta.json (not published) says what went in, for the bootstrap and for audits.
 *
 * usage: node scripts/build.mjs [--watch]
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildWeb } from "./build-web.mjs";
import { hashSources, metaPath } from "./sources.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** CommonJS packages inside the bundle call `require` for node's own modules; ES modules have none. */
const REQUIRE_BANNER = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** @type {import("esbuild").BuildOptions} */
const options = {
  absWorkingDir: root,
  entryPoints: { main: "packages/cli/main.ts" },
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  // Names stay readable in the stack of a bug report.
  minifyWhitespace: true,
  minifySyntax: true,
  // A native addon cannot be bundled; it is shipped beside (bundleDependencies).
  external: ["fs-native-extensions"],
  legalComments: "none",
  charset: "utf8",
  metafile: true,
  write: false,
  logLevel: "silent",
};

/** @returns {Promise<{ files: number, bytes: number }>} */
export async function build() {
  const esbuild = await import("esbuild");
  let result = await esbuild.build(options);
  if (needsRequire(result.metafile)) result = await esbuild.build({ ...options, banner: { js: REQUIRE_BANNER } });
  const web = await buildWeb({ root, outdir: "dist/web" });
  await writeResult(result, web);
  const bytes = result.outputFiles.reduce((sum, file) => sum + file.contents.length, 0);
  return { files: result.outputFiles.length + web.files, bytes: bytes + web.bytes };
}

/** True when some bundled module is CommonJS, which may call `require`. @param {import("esbuild").Metafile} meta */
function needsRequire(meta) {
  return Object.values(meta.inputs).some(
    (input) => input.format === "cjs" && input.imports.some((imported) => imported.external && imported.kind === "require-call"),
  );
}

/**
 * Chunks first, then main.mjs by renaming, then chunks of former builds are removed: a process that starts meanwhile
 * sees one whole build or the other.
 * @param {import("esbuild").BuildResult<{ metafile: true, write: false }>} result
 * @param {{ metafile: import("esbuild").Metafile, sources: readonly string[] }} web the dashboard's page, which is in place
 */
async function writeResult(result, web) {
  const chunks = join(dist, "chunks");
  await mkdir(chunks, { recursive: true });
  const kept = new Set();
  const main = result.outputFiles.find((file) => basename(file.path) === "main.mjs");
  for (const file of result.outputFiles) {
    if (file === main) continue;
    kept.add(basename(file.path));
    await replaceFile(file.path, file.contents);
  }
  await replaceFile(join(dist, "NOTICES.txt"), await collectNotices([result.metafile, web.metafile]));
  await replaceFile(join(dist, "main.mjs"), main.contents);
  const skills = await listSkillFiles();
  await replaceFile(join(dist, "BUILD.json"), await describeBuild(result, skills));
  const inputs = [...skills, ...Object.keys(result.metafile.inputs).filter((path) => !path.startsWith("node_modules/")), ...web.sources];
  await replaceFile(metaPath(root), JSON.stringify({ sourceHash: hashSources(root, inputs), sources: inputs.sort(), ...result.metafile }));
  for (const name of await readdir(chunks)) if (!kept.has(name)) await rm(join(chunks, name), { force: true });
}

/** Paths of what `okstra install` lays into other directories. @returns {Promise<string[]>} */
async function listSkillFiles() {
  const below = async (directory) =>
    (await readdir(join(root, directory), { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll("\\", "/"));
  return [...(await below("assets/skills")), ...(await below("assets/.claude-plugin/overrides"))].sort();
}

/**
 * What a package was built from, and the hashes of its files: read by `okstra ensure-installed`.
 * @param {import("esbuild").BuildResult<{ metafile: true, write: false }>} result @param {readonly string[]} skills
 */
async function describeBuild(result, skills) {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
  const files = {};
  for (const path of ["bin/okstra.js", ...skills]) files[path] = sha256(await readFile(join(root, path)));
  for (const { path, contents } of result.outputFiles) files[relative(root, path).replaceAll("\\", "/")] = sha256(contents);
  const head = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" });
  const commit = head.status === 0 ? head.stdout.trim() : null;
  return `${JSON.stringify({ version, commit, files: Object.fromEntries(Object.entries(files).sort()) }, null, 2)}\n`;
}

async function replaceFile(path, contents) {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

/** The licence text of every package that has code in the bundles. @param {readonly import("esbuild").Metafile[]} metafiles */
async function collectNotices(metafiles) {
  const bundled = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap((output) =>
      Object.entries(output.inputs)
        .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
        .map(([path]) => path),
    );
  const folders = new Set(
    bundled.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/u.exec(path)?.[0]).filter((path) => path !== undefined),
  );
  const parts = ["okstra contains code of the packages below.\n"];
  for (const folder of [...folders].sort()) {
    const about = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
    const licence = (await readdir(join(root, folder))).find((name) => /^licen[cs]e/iu.test(name));
    const text =
      licence === undefined ? `License: ${about.license ?? "not stated"}` : (await readFile(join(root, folder, licence), "utf8")).trim();
    parts.push(`${"-".repeat(80)}\n${about.name} ${about.version}\n\n${text}\n`);
  }
  return parts.join("\n");
}

async function watch() {
  const esbuild = await import("esbuild");
  const report = {
    name: "report",
    setup(/** @type {import("esbuild").PluginBuild} */ plugin) {
      plugin.onEnd(async (result) => {
        for (const error of result.errors) console.error(`${error.location?.file ?? ""}:${error.location?.line ?? ""} ${error.text}`);
        if (result.errors.length > 0) return;
        try {
          await writeResult(result, await buildWeb({ root, outdir: "dist/web" }));
        } catch (error) {
          return console.error(error.message);
        }
        console.error(`built ${new Date().toISOString().slice(11, 19)}`);
      });
    },
  };
  const context = await esbuild.context({ ...options, banner: { js: REQUIRE_BANNER }, plugins: [report] });
  await context.watch();
  console.error(`watching; start it with: node ${relative(process.cwd(), join(root, "bin/okstra.js"))}`);
}

/** Builds and says so on stderr, or says what is wrong with the sources. @returns {Promise<boolean>} */
export async function buildAndReport() {
  const startedAt = performance.now();
  try {
    const { files, bytes } = await build();
    console.error(`built dist/: ${files} files, ${Math.round(bytes / 1024)} KiB in ${Math.round(performance.now() - startedAt)} ms`);
    return true;
  } catch (error) {
    if (error.errors === undefined) throw error;
    for (const { location, text } of error.errors) console.error(`${location?.file ?? ""}:${location?.line ?? ""}: ${text}`);
    console.error("the build failed");
    return false;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { bootstrap } = await import("./bootstrap.mjs");
  await bootstrap({ build: false });
  if (process.argv.includes("--watch")) await watch();
  else if (!(await buildAndReport())) process.exitCode = 1;
}

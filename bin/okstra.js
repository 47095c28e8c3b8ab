#!/usr/bin/env node
// The launcher is CommonJS and answers --version itself: an ES-module entry would cost a third more start-up time.
"use strict";

const { existsSync } = require("node:fs");
const { join } = require("node:path");

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
  process.stdout.write(`${require("../package.json").version}\n`);
} else {
  start(join(__dirname, "..", "dist", "main.mjs"));
}

/** Hands over to the bundle; its `main` answers the exit status. */
function start(bundle) {
  if (!existsSync(bundle)) {
    process.stderr.write("okstra is not built; run: npm run build\n");
    process.exitCode = 70;
    return;
  }
  require("node:module").enableCompileCache?.();
  import(require("node:url").pathToFileURL(bundle).href)
    .then(({ main }) => main(argv))
    .then(
      (status) => {
        process.exitCode = status;
      },
      (error) => {
        process.stderr.write(`okstra cannot start: ${String(error?.message ?? error).split("\n")[0]}\n`);
        process.exitCode = 70;
      },
    );
}

/** Installs and builds what is missing, then runs bench/main.mjs. */
import { existsSync } from "node:fs";
import { bootstrap } from "./bootstrap.mjs";

const MAIN = new URL("../bench/main.mjs", import.meta.url);

await bootstrap();
if (existsSync(MAIN)) await import(MAIN.href);
else console.error("bench/main.mjs is not there yet");

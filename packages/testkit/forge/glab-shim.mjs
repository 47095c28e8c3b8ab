/**
 * Answers like `glab api`, as far as okstra uses it: the flags, `--include`, where errors go, the exit status. glab has no
 * setting that leads it to a socket without TLS, so this stands in for it. Where to is in `stand-in.json` of its settings.
 */
import { readFileSync, writeSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";

const VALUE = { type: "string" };
const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    hostname: VALUE,
    method: { ...VALUE, default: "GET" },
    header: { ...VALUE, multiple: true, default: [] },
    input: VALUE,
    include: { type: "boolean" },
  },
});
const [command, endpoint, ...more] = positionals;
if (command !== "api" || endpoint === undefined || more.length > 0 || values.hostname === undefined) fail("accepts 1 arg(s)");
const { socketPath } = JSON.parse(readFileSync(join(process.env.GLAB_CONFIG_DIR ?? "", "stand-in.json"), "utf8"));
const token = process.env.GITLAB_TOKEN;

const headers = { host: values.hostname, ...(token === undefined ? {} : { "private-token": token }) };
for (const header of values.header) {
  const at = header.indexOf(":");
  headers[header.slice(0, at).toLowerCase()] = header.slice(at + 1).trim();
}
const sent = request({ socketPath, method: values.method, path: `/api/v4/${endpoint}`, headers });
sent.on("error", (error) => fail(`${values.method} "https://${values.hostname}/api/v4/${endpoint}": ${error.message}`));
sent.on("response", (response) => {
  const chunks = [];
  response.on("error", () => fail("unexpected EOF"));
  response.on("data", (chunk) => chunks.push(chunk));
  response.on("end", () => {
    const body = Buffer.concat(chunks).toString("utf8");
    if (values.include) {
      const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      process.stdout.write(`HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}\n${lines.join("")}\r\n`);
    }
    const status = response.statusCode ?? 0;
    if (status < 400) return process.stdout.write(body);
    const { message } = JSON.parse(body);
    // glab reads a text here and gives up on a list before it prints the body.
    if (typeof message !== "string") fail("json: cannot unmarshal array into Go struct field .Message of type string");
    process.stdout.write(body, () => fail(`glab: ${message} (HTTP ${status})`));
  });
});
if (values.input === "-") process.stdin.pipe(sent);
else sent.end();

function fail(text) {
  writeSync(2, `${text}\n`);
  process.exit(1);
}

/**
 * A program that answers like `gh api`, as far as okstra uses it, for machines without gh: the flags, `--include`, where
 * errors go, the exit status. The socket to ask at is in `stand-in.json` of its settings.
 */
export const GH_SHIM = `
import { readFileSync, writeSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";

const text = { type: "string" };
const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { hostname: text, method: { ...text, default: "GET" }, header: { ...text, multiple: true, default: [] }, input: text, include: { type: "boolean" } },
});
const [command, endpoint, ...more] = positionals;
if (command !== "api" || endpoint === undefined || more.length > 0 || values.hostname !== "github.com") fail("accepts 1 arg(s)");
if (process.env.GH_TOKEN === undefined) fail("gh auth login", 4);
const { socketPath } = JSON.parse(readFileSync(join(process.env.GH_CONFIG_DIR ?? "", "stand-in.json"), "utf8"));
const headers = { host: "api.github.com", authorization: "token " + process.env.GH_TOKEN };
for (const header of values.header) headers[header.slice(0, header.indexOf(":")).toLowerCase()] = header.slice(header.indexOf(":") + 1).trim();
const sent = request({ socketPath, method: values.method, path: "/" + endpoint, headers });
sent.on("error", (error) => fail(error.message));
sent.on("response", (response) => {
  const chunks = [];
  response.on("error", () => fail("unexpected EOF"));
  response.on("data", (chunk) => chunks.push(chunk));
  response.on("end", () => {
    const lines = Object.entries(response.headers).map(([name, value]) => name + ": " + value + "\\r\\n");
    const status = response.statusCode ?? 0;
    process.stdout.write("HTTP/" + response.httpVersion + " " + status + " " + response.statusMessage + "\\n" + lines.join("") + "\\r\\n" + Buffer.concat(chunks));
    if (status > 299) process.exitCode = 1;
  });
});
if (values.input === "-") process.stdin.pipe(sent);
else sent.end();

function fail(why, status = 1) {
  writeSync(2, why + "\\n");
  process.exit(status);
}
`;

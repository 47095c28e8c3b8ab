import { createHash, createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// eslint-disable-next-line typescript/no-explicit-any -- a forger changes documents of many shapes
type Document = any;

/**
 * A forger who knows how a log is made and has the machine's key: changes events, and computes every hash and seal anew.
 * What catches this one is only what does not follow from the rest. `withKey: false` is one without the key.
 */
export function forgeEvents(
  path: string,
  okstraHome: string,
  change: (events: Document[]) => Document[],
  options: { withKey?: boolean } = {},
): void {
  const events = change(
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
  const key = Buffer.from(readFileSync(join(okstraHome, "seal.key"), "utf8").trim(), "hex");
  const keyId = createHash("sha256").update(key).digest("hex").slice(0, 16);
  let prev = "";
  const lines = events.map(({ seal: old, ...event }, index) => {
    const plain = JSON.stringify({ ...event, seq: index + 1, prev, keyId });
    const seal = options.withKey === false ? (old ?? "0".repeat(64)) : createHmac("sha256", key).update(plain, "utf8").digest("hex");
    const line = JSON.stringify({ ...JSON.parse(plain), seal });
    prev = createHash("sha256").update(line).digest("hex");
    return line;
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
}

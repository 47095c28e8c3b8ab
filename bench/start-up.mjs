import { join } from "node:path";
import { measureLoadedBytes } from "../scripts/loaded-bytes.mjs";
import { interleave, median, must, round } from "./measure.mjs";

/** `okstra --version` and `okstra --help` against an empty node. */
export function measureStartUp(root, rounds) {
  const bin = join(root, "bin/okstra.js");
  const times = interleave(rounds, {
    node: { run: () => must(process.execPath, ["-e", "0"]) },
    version: { run: () => must(process.execPath, [bin, "--version"]) },
    help: { run: () => must(process.execPath, [bin, "--help"]) },
  });
  const node = median(times.node);
  return {
    nodeMs: round(node),
    versionMs: round(median(times.version)),
    versionRatio: round(median(times.version) / node),
    helpMs: round(median(times.help)),
    helpRatio: round(median(times.help) / node),
    versionLoadsBytes: measureLoadedBytes(root, ["--version"]).bytes,
  };
}

import { createHash, randomBytes } from "node:crypto";
import type { Clock, Ids, Sha256 } from "@okstra/core/ports";

export const systemClock: Clock = {
  now: () => new Date().toISOString(),
  monotonicMs: () => performance.now(),
};

export const randomIds: Ids = {
  randomHex: (bytes) => randomBytes(bytes).toString("hex"),
};

export const sha256: Sha256 = (data) => createHash("sha256").update(data).digest("hex");

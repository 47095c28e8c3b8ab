import { createHmac } from "node:crypto";
import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256 } from "../clock.ts";
import { createSealer } from "./seal-key.ts";
import { createStore } from "./store.ts";

let home: TestHome;
let path: string;
beforeEach(() => {
  home = createTestHome();
  path = join(home.okstraHome, "seal.key");
});
afterEach(() => home.remove());

const open = () => createSealer(home.okstraHome, { store: createStore() });

test("the first use makes a private key of 32 bytes, and the seal is the HMAC under it", async () => {
  const { keyId, mac } = await open().seal("a text, 글");
  const text = readFileSync(path, "utf8");
  expect(text).toMatch(/^[0-9a-f]{64}\n$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const key = Buffer.from(text.trim(), "hex");
  expect(mac).toBe(createHmac("sha256", key).update("a text, 글", "utf8").digest("hex"));
  expect(keyId).toBe(sha256(key).slice(0, 16));
});

test("many that make the key at once agree on one", async () => {
  const seals = await Promise.all(Array.from({ length: 12 }, () => open().seal("same")));
  expect(new Set(seals.map(({ keyId, mac }) => `${keyId} ${mac}`)).size).toBe(1);
  expect(await open().seal("same")).toEqual(seals[0]);
});

test("another home has another key", async () => {
  const one = await open().seal("same");
  const other = await createSealer(home.directory("other"), { store: createStore() }).seal("same");
  expect(other.keyId).not.toBe(one.keyId);
  expect(other.mac).not.toBe(one.mac);
});

test("a file that is no key is told and not replaced; once it is mended the same process goes on", async () => {
  home.directory("okstra-home");
  writeFileSync(path, "secret\n");
  chmodSync(path, 0o600);
  const sealer = open();
  await expect(sealer.seal("x")).rejects.toMatchObject({ code: "OKSTRA_CONFIG_INVALID" });
  expect(readFileSync(path, "utf8")).toBe("secret\n");
  writeFileSync(path, `${"ab".repeat(32)}\n`);
  expect((await sealer.seal("x")).keyId).toBe(sha256(Buffer.from("ab".repeat(32), "hex")).slice(0, 16));
});

test("a link in the key's place is not followed", async () => {
  home.directory("okstra-home");
  const elsewhere = join(home.root, "elsewhere");
  writeFileSync(elsewhere, `${"ab".repeat(32)}\n`);
  symlinkSync(elsewhere, path);
  await expect(open().seal("x")).rejects.toMatchObject({ name: "OkstraError" });
});

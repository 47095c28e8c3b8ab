import type { IncomingMessage } from "node:http";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { admit } from "./guard.ts";
import { createSession } from "./session.ts";

const port = 4711;
const session = createSession(port);
const cookie = session.redeem(session.token)!.split(";")[0]!;

function request(target: string, headers: Readonly<Record<string, string>>, method = "GET"): IncomingMessage {
  const rawHeaders = Object.entries(headers).flat();
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { method, url: target, rawHeaders, headers: lower } as unknown as IncomingMessage;
}

const OWN = ["127.0.0.1:4711", "localhost:4711", "[::1]:4711"];

test("case 47: whatever the host is, it is an own one or refused", () => {
  const near = fc
    .constantFrom(...OWN)
    .chain((own) => fc.tuple(fc.string({ maxLength: 6 }), fc.nat(own.length)).map(([more, at]) => own.slice(0, at) + more + own.slice(at)));
  fc.assert(
    fc.property(fc.oneof(near, fc.string(), fc.webAuthority()), (host) => {
      const { kind } = admit(request("/", { Host: host, Cookie: cookie }), { port, session });
      expect(kind).toBe(OWN.includes(host.toLowerCase()) ? "in" : "refused");
    }),
  );
});

test("case 51: a path that is let in means itself, segment by segment", () => {
  const piece = fc.constantFrom("/", ".", "..", "%2e", "%2f", "%5c", "\\", "%00", "%", "a", "assets", ";", "#", "%25", "//", "\u00e9");
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 8 }), (pieces) => {
      const path = `/${pieces.join("")}`.replaceAll("?", "");
      const { kind } = admit(request(path, { Host: OWN[0]!, Cookie: cookie }), { port, session });
      if (kind !== "in") return;
      expect(new URL(`http://x${path}`).pathname).toBe(path);
      for (const segment of path.slice(1).split("/")) expect(decodeURIComponent(segment)).not.toMatch(/^\.{1,2}$|[/\\\u0000-\u001F]/);
    }),
  );
});

test("on port 80 a browser leaves the port out", () => {
  const own = createSession(80);
  const mine = own.redeem(own.token)!.split(";")[0]!;
  const ask = (host: string): string => admit(request("/", { Host: host, Cookie: mine }), { port: 80, session: own }).kind;
  expect([ask("127.0.0.1"), ask("localhost:80"), ask("evil.test")]).toEqual(["in", "in", "refused"]);
});

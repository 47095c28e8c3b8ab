import type { IncomingMessage } from "node:http";
import { hasBody } from "./read-request.ts";
import { refuse, refuseRequest, UNKNOWN_ADDRESS, type Refusal } from "./refusal.ts";
import type { Session } from "./session.ts";

/** What a request is let in as, or why it is not. */
export type Admission =
  | { readonly kind: "in" }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** It brought the token: it gets the cookie, and an address without the token. */
  | { readonly kind: "redeemed"; readonly cookie: string | null };

/** Sites whose pages may ask: the own one, and what a person typed or a program asks. */
const OWN_SITES = new Set(["same-origin", "none"]);

/**
 * Decides before anything of a request is looked at further. The order is: from where (403), in which form (400), by whom
 * (401), then method and address (405, 404). Somebody from elsewhere learns nothing but that.
 */
export function admit(request: IncomingMessage, { port, session }: { port: number; session: Session }): Admission {
  const refused = (refusal: Refusal): Admission => ({ kind: "refused", refusal });
  const foreign = findForeign(request, port);
  if (foreign !== null) return refused(refuse(403, "OKSTRA_DASHBOARD_FOREIGN", foreign));
  const target = request.url ?? "";
  const method = request.method ?? "";
  if (!target.startsWith("/")) return refused(refuseRequest(400, "The address of a request is a path."));
  if (method === "GET" && hasBody(request)) return refused(refuseRequest(400, "GET takes no body."));

  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const query = new URLSearchParams(at < 0 ? "" : target.slice(at + 1));
  const isMember = session.has(request.headers.cookie);
  if (method === "GET" && path === "/" && query.has("token")) {
    const cookie = query.size === 1 ? session.redeem(query.get("token") ?? "") : null;
    if (cookie !== null || isMember) return { kind: "redeemed", cookie };
  }
  if (!isMember)
    return refused(refuse(401, "OKSTRA_DASHBOARD_NO_TOKEN", "This dashboard is opened by the address that its start printed, once."));
  if (method !== "GET" && method !== "POST") return refused(refuseRequest(405, `${method} is not taken here.`, { Allow: "GET, POST" }));
  return isPlainPath(path) ? { kind: "in" } : refused(UNKNOWN_ADDRESS);
}

/** Why a request is not from the dashboard's own page, a typed address or a program of this machine; null when it is. */
function findForeign(request: IncomingMessage, port: number): string | null {
  const hosts = listValues(request, "host");
  const allowed = ["127.0.0.1", "localhost", "[::1]"].flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  const host = hosts[0]?.toLowerCase() ?? "";
  if (hosts.length !== 1 || !allowed.includes(host)) return "The request was made to another host than this dashboard's.";
  const origins = listValues(request, "origin");
  if (origins.some((origin) => origin !== `http://${host}`)) return "The request was made by a page of another site.";
  if (listValues(request, "sec-fetch-site").some((site) => !OWN_SITES.has(site))) return "The request was made by a page of another site.";
  return null;
}

/** Every value that was sent under a name, also where node would keep one. */
function listValues({ rawHeaders }: IncomingMessage, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}

/** A path whose segments mean themselves once they are decoded: nothing climbs, nothing splits, nothing acts. */
function isPlainPath(path: string): boolean {
  if (!/^\/[\w.~!$&'()*+,;=:@%/-]*$/.test(path)) return false;
  return path
    .slice(1)
    .split("/")
    .every((segment) => {
      let plain: string;
      try {
        plain = decodeURIComponent(segment);
      } catch {
        return false;
      }
      return plain !== "." && plain !== ".." && !/[/\\\p{Cc}]/u.test(plain);
    });
}

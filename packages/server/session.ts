import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Bytes of the token and of the cookie's value: 256 bits. */
const SECRET_BYTES = 32;

/**
 * Who may ask. The token opens the dashboard once and is then worth nothing; what goes on is a cookie of another value,
 * so that an address that was seen in a list of processes or in a log does not open it. Both are in memory only.
 */
export interface Session {
  readonly token: string;
  /** @returns the value of `Set-Cookie`; null when it is not the token, or was used before */
  redeem(token: string): string | null;
  /** Whether one of the cookies of a `Cookie` header is this server's. */
  has(cookieHeader: string | undefined): boolean;
}

/** @param port of the server: browsers share cookies between the ports of a host, so that the name has it */
export function createSession(port: number): Session {
  const token = randomBytes(SECRET_BYTES).toString("base64url");
  const value = randomBytes(SECRET_BYTES).toString("base64url");
  const name = `okstra-${port}`;
  let isUsed = false;
  return {
    token,
    redeem(given) {
      if (!isSame(given, token) || isUsed) return null;
      isUsed = true;
      return `${name}=${value}; HttpOnly; SameSite=Strict; Path=/`;
    },
    has(header) {
      // Another server of this host can add a cookie of the same name: each of them counts by itself.
      const values = (header ?? "").split(";").flatMap((each) => {
        const part = each.trim();
        return part.startsWith(`${name}=`) ? [part.slice(name.length + 1)] : [];
      });
      return values.some((each) => isSame(each, value));
    },
  };
}

/** In a time that does not depend on where they differ. */
function isSame(left: string, right: string): boolean {
  return timingSafeEqual(hash(left), hash(right));
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

import type { App } from "../app.ts";

/** Name of the person at the keyboard, as the system gives it; for records, never for a decision. */
export function personOf(app: Pick<App, "surroundings">): string {
  return app.surroundings.env["USER"] ?? app.surroundings.env["LOGNAME"] ?? "unknown";
}

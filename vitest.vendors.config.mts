import { defineConfig } from "vitest/config";

/** Real programs of vendors; see scripts/test-vendors.mjs. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["packages/testkit/vendors/*.suite.ts", "packages/testkit/skills/*.suite.ts"],
    setupFiles: ["packages/testkit/isolate-environment.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});

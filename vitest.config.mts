import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["packages/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "examples/**"],
    setupFiles: ["packages/testkit/isolate-environment.ts"],
    reporters: ["default", "./packages/testkit/line-reporter.ts"],
    pool: "forks",
    // Most tests wait for git and for processes, so every core has one.
    maxWorkers: availableParallelism(),
    // Far above what any test needs: a slow machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
  },
});

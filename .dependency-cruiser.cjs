/**
 * Which way the packages may look (AGENTS.md has the table). Type-only imports count: a type is knowledge too.
 * scripts/check.mjs fails when no module was cruised; packages/testkit/house.test.ts plants a violation of each rule.
 */
const TEST = "[.]test[.]ts$";
const BUILTIN = ["core"];
/** Ways in: each wires the real parts together in its main.ts, open-app.ts and open-index.ts, and nowhere else. */
const WAYS_IN = "cli|mcp|server";

/** Where what ships begins: the ways in, and the dashboard's page. */
const ENTRIES = [`^packages/(${WAYS_IN})/main[.]ts$`, "^packages/web/(main[.]tsx|early-theme[.]ts)$"];

/** The one command that starts the MCP server, and the one that starts the dashboard's. */
const MCP_COMMAND = "^packages/cli/commands/mcp/";
const DASHBOARD_COMMAND = "^packages/cli/commands/dashboard/";

const own = (name) => `^packages/${name}/`;
const otherThan = (...names) => ({ path: "^packages/", pathNot: `^packages/(${names.join("|")})/` });

/** What a package's own code may import of other okstra packages; its tests may use the testkit beside. */
const LOOKS_AT = {
  core: [],
  node: ["core"],
  workers: ["core"],
  app: ["core"],
  mcp: ["app", "core"],
  server: ["app", "core"],
  web: ["core"],
};

const layers = Object.entries(LOOKS_AT).flatMap(([name, allowed]) => {
  const isWayIn = new RegExp(`^(${WAYS_IN})$`, "u").test(name);
  return [
    layer(
      `${name}-layer`,
      { path: own(name), pathNot: isWayIn ? [TEST, `${own(name)}(?:main|open-app|open-index)[.]ts$`] : TEST },
      otherThan(name, ...allowed),
    ),
    layer(
      `${name}-test-layer`,
      { path: `${own(name)}.*${TEST}` },
      otherThan(name, ...allowed, "testkit", ...(isWayIn ? ["node", "workers"] : [])),
    ),
  ];
});

function layer(name, from, to) {
  return { name, severity: "error", comment: "See the table of layers in AGENTS.md.", from, to };
}

module.exports = {
  forbidden: [
    ...layers,
    layer(
      "cli-layer",
      { path: own("cli"), pathNot: [TEST, `${own("cli")}(?:main|open-app|open-index)[.]ts$`, MCP_COMMAND, DASHBOARD_COMMAND] },
      otherThan("cli", "app", "core"),
    ),
    layer("cli-mcp-layer", { path: MCP_COMMAND, pathNot: TEST }, otherThan("cli", "app", "core", "mcp")),
    layer("cli-dashboard-layer", { path: DASHBOARD_COMMAND, pathNot: TEST }, otherThan("cli", "app", "core", "server")),
    layer(
      "cli-main-layer",
      { path: `${own("cli")}(?:main|open-app|open-index)[.]ts$` },
      otherThan("cli", "app", "core", "node", "workers"),
    ),
    {
      name: "only-tests-use-testkit",
      severity: "error",
      from: { path: "^packages/", pathNot: [TEST, own("testkit")] },
      to: { path: own("testkit") },
    },
    {
      name: "no-import-of-tests",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: TEST },
    },
    {
      name: "core-only-zod",
      comment: "core decides and does nothing else: the validator is all it needs.",
      severity: "error",
      from: { path: own("core"), pathNot: TEST },
      to: { pathNot: ["^packages/", "(^|/)node_modules/zod/"] },
    },
    {
      name: "no-builtins-inside",
      comment: "core, workers and app reach the outside through ports; the dashboard's page runs in a browser.",
      severity: "error",
      from: { path: "^packages/(core|workers|app|web)/", pathNot: TEST },
      to: { dependencyTypes: BUILTIN },
    },
    {
      name: "processes-only-in-exec",
      severity: "error",
      from: { path: "^packages/", pathNot: ["^packages/node/exec/", own("testkit"), TEST] },
      to: { path: "^(node:)?child_process$" },
    },
    {
      name: "files-only-in-node",
      severity: "error",
      from: { path: "^packages/", pathNot: ["^packages/node/", own("testkit"), TEST] },
      to: { path: "^(node:)?fs(/promises)?$" },
    },
    {
      name: "agents-decide-nothing",
      comment: "What a person decides (plans, answers, overrides, hand-offs, trust, removals) is out of an agent's reach.",
      severity: "error",
      from: { path: own("mcp"), pathNot: TEST },
      to: {
        path: "^packages/app/(handoff/|task/(answer-questions|decide-plan)|run/override-gate|project/(trust|config|setup)|worktree/(remove|adopt|restore|update|repair|trash))",
      },
    },
    {
      name: "no-relative-import-across-packages",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/", pathNot: "^packages/$1/", dependencyTypesNot: ["aliased", "aliased-workspace"] },
    },
    {
      name: "no-unused-files",
      comment: "Every file of the product is reachable from a way in; what only tests use belongs to the testkit.",
      severity: "error",
      from: { path: ENTRIES },
      to: { path: "^packages/", pathNot: [...ENTRIES, TEST, "[.]d[.]ts$", own("testkit")], reachable: false },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/fixtures/" },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".cjs", ".json"],
    },
  },
};

/**
 * The agents that okstra knows how to start. Facts from the programs' own help and documentation; what was tried
 * against a fake model is in docs/en/workers.md.
 */
export interface AgentPreset {
  readonly name: string;
  readonly kind: "acp" | "claude" | "codex" | "gemini";
  /** Program and arguments that start it; a headless kind's own arguments are its adapter's. */
  readonly command: readonly [string, ...string[]];
  /** Arguments that print the version. */
  readonly versionArgs: readonly string[];
  /** npm package or page that it comes from, for the hint when it is not on PATH. */
  readonly install: string;
  /** Family while nothing else is known; null: only the model that served tells. */
  readonly family: string | null;
  /** Variables that it may see: the vendor's own key and where its settings are, and nothing else. */
  readonly env: readonly string[];
  /** Directories and files of its own below HOME that it must be able to write. */
  readonly stateBelowHome: readonly string[];
  /** Ids of ACP session modes, best first, for read-only phases and for the executor; empty: not known, whatever it starts in. */
  readonly modes: { readonly readOnly: readonly string[]; readonly edit: readonly string[] };
  /** Environment that points it at a model server on loopback with a dummy key; null when that is not known to work. */
  readonly fakeModel: ((options: FakeModelPlace) => Readonly<Record<string, string>>) | null;
  /** Files of settings that go with `fakeModel`: path below its `home` -> text. */
  readonly fakeModelFiles?: (options: FakeModelPlace) => Readonly<Record<string, string>>;
}

export interface FakeModelPlace {
  /** `http://127.0.0.1:<port>`, without a path. */
  readonly baseUrl: string;
  /** Empty directory that is the program's HOME. */
  readonly home: string;
}

const NO_MODES = { readOnly: [], edit: [] } as const;
const DUMMY_KEY = "dummy";

const CLAUDE = {
  install: "npm install --global @anthropic-ai/claude-code",
  family: "anthropic",
  env: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR"],
  stateBelowHome: [".claude", ".claude.json", ".cache/claude", ".cache/claude-cli-nodejs"],
  fakeModel: ({ baseUrl, home }: FakeModelPlace) => ({
    ANTHROPIC_BASE_URL: baseUrl,
    ANTHROPIC_API_KEY: DUMMY_KEY,
    CLAUDE_CONFIG_DIR: `${home}/.claude`,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
  }),
} as const;

const CODEX = {
  install: "npm install --global @openai/codex",
  family: "openai",
  env: ["OPENAI_API_KEY", "CODEX_API_KEY", "OPENAI_BASE_URL", "CODEX_HOME"],
  stateBelowHome: [".codex"],
  fakeModel: ({ home }: FakeModelPlace) => ({ CODEX_HOME: `${home}/.codex`, FAKE_KEY: DUMMY_KEY }),
  fakeModelFiles: ({ baseUrl }: FakeModelPlace) => ({
    ".codex/config.toml": [
      'model_provider = "fake"',
      "[model_providers.fake]",
      'name = "fake"',
      `base_url = "${baseUrl}/v1"`,
      'env_key = "FAKE_KEY"',
      'wire_api = "responses"',
      "[features]",
      "plugins = false",
      "apps = false",
      "[analytics]",
      "enabled = false",
      "",
    ].join("\n"),
  }),
} as const;

const GEMINI = {
  install: "npm install --global @google/gemini-cli",
  family: "google",
  env: ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GEMINI_CLI_HOME"],
  stateBelowHome: [".gemini"],
  fakeModel: ({ baseUrl, home }: FakeModelPlace) => ({
    GOOGLE_GEMINI_BASE_URL: baseUrl,
    GEMINI_API_KEY: DUMMY_KEY,
    GEMINI_CLI_HOME: home,
  }),
  fakeModelFiles: () => ({
    ".gemini/settings.json": `${JSON.stringify({
      security: { auth: { selectedType: "gemini-api-key" } },
      privacy: { usageStatisticsEnabled: false },
      general: { enableAutoUpdate: false, disableAutoUpdate: true },
    })}\n`,
  }),
} as const;

const SESSION_MODES = "https://agentclientprotocol.com/protocol/session-modes";

const AGENTS: readonly AgentPreset[] = [
  { name: "claude", kind: "claude", command: ["claude"], versionArgs: ["--version"], modes: NO_MODES, ...CLAUDE },
  { name: "codex", kind: "codex", command: ["codex"], versionArgs: ["--version"], modes: NO_MODES, ...CODEX },
  { name: "gemini", kind: "gemini", command: ["gemini"], versionArgs: ["--version"], modes: NO_MODES, ...GEMINI },
  {
    ...CLAUDE,
    name: "claude-agent-acp",
    kind: "acp",
    command: ["claude-agent-acp"],
    versionArgs: ["--version"],
    install: "npm install --global @agentclientprotocol/claude-agent-acp",
    modes: { readOnly: ["plan", "default"], edit: ["acceptEdits", "default"] },
  },
  {
    ...CODEX,
    name: "codex-acp",
    kind: "acp",
    command: ["codex-acp"],
    versionArgs: ["--version"],
    install: "npm install --global @agentclientprotocol/codex-acp",
    // Older versions call the second one `auto`.
    modes: { readOnly: ["read-only"], edit: ["workspace-write", "agent", "auto"] },
    fakeModel: (place) => ({ ...CODEX.fakeModel(place), MODEL_PROVIDER: "fake", NO_BROWSER: "1" }),
  },
  {
    ...GEMINI,
    name: "gemini",
    kind: "acp",
    command: ["gemini", "--acp"],
    versionArgs: ["--version"],
    modes: { readOnly: ["plan", "default"], edit: ["autoEdit", "default"] },
  },
  {
    name: "opencode",
    kind: "acp",
    command: ["opencode", "acp"],
    versionArgs: ["--version"],
    install: "npm install --global opencode-ai",
    family: null,
    env: ["OPENCODE_API_KEY", "OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR"],
    stateBelowHome: [".config/opencode", ".local/share/opencode", ".local/state/opencode", ".cache/opencode"],
    modes: { readOnly: ["plan"], edit: ["build"] },
    fakeModel: null,
  },
  {
    name: "qwen",
    kind: "acp",
    command: ["qwen", "--acp"],
    versionArgs: ["--version"],
    install: "npm install --global @qwen-code/qwen-code",
    family: "alibaba",
    env: ["DASHSCOPE_API_KEY", "BAILIAN_CODING_PLAN_API_KEY", "QWEN_HOME"],
    stateBelowHome: [".qwen"],
    modes: { readOnly: ["plan", "default"], edit: ["auto-edit", "default"] },
    fakeModel: null,
  },
  {
    name: "copilot",
    kind: "acp",
    command: ["copilot", "--acp"],
    versionArgs: ["--version"],
    install: "npm install --global @github/copilot",
    family: null,
    // Never GH_TOKEN or GITHUB_TOKEN: with those it could do all that the person may do on GitHub.
    env: ["COPILOT_GITHUB_TOKEN", "COPILOT_HOME"],
    stateBelowHome: [".copilot", ".cache/copilot"],
    modes: { readOnly: [`${SESSION_MODES}#plan`], edit: [`${SESSION_MODES}#agent`] },
    fakeModel: null,
  },
  {
    name: "cline",
    kind: "acp",
    command: ["cline", "--acp"],
    versionArgs: ["--version"],
    install: "npm install --global cline",
    family: null,
    env: ["CLINE_API_KEY", "CLINE_DIR"],
    stateBelowHome: [".cline"],
    modes: { readOnly: ["plan"], edit: ["act"] },
    fakeModel: null,
  },
  {
    name: "goose",
    kind: "acp",
    command: ["goose", "acp"],
    versionArgs: ["--version"],
    install: "https://block.github.io/goose/docs/getting-started/installation",
    family: null,
    env: ["GOOSE_PATH_ROOT"],
    stateBelowHome: [".config/goose", ".local/share/goose", ".local/state/goose"],
    // It asks before it edits in both; the answers are the lane's policy.
    modes: { readOnly: ["approve"], edit: ["approve", "smart_approve"] },
    fakeModel: null,
  },
];

export function listAgents(): readonly AgentPreset[] {
  return AGENTS;
}

/**
 * The row of a worker: of a headless kind the kind's own, whatever the program is called; of `acp` the one with that
 * name, or with that program (a bare name or a path). Null when it is none that is known.
 */
export function findAgent(kind: string, presetOrProgram: string): AgentPreset | null {
  const ofKind = AGENTS.filter((agent) => agent.kind === kind);
  if (kind !== "acp") return ofKind[0] ?? null;
  const program = presetOrProgram.split(/[\\/]/u).at(-1);
  return ofKind.find(({ name }) => name === presetOrProgram) ?? ofKind.find(({ command }) => command[0] === program) ?? null;
}

/** Name under which an agent is a worker without any configuration: its own, and `<name>-acp` where a headless kind has that. */
export function workerNameOf({ kind, name }: AgentPreset): string {
  return kind === "acp" && AGENTS.some((other) => other.kind !== "acp" && other.name === name) ? `${name}-acp` : name;
}

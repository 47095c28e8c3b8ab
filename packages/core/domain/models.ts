/** Which vendor's model a name means. Families are vendors: two models of one vendor are no two opinions. */
export interface ModelTable {
  /** What a person may write -> the model's id. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Model id, or a pattern in which `*` stands for anything -> family; the first that matches counts. */
  readonly families: Readonly<Record<string, string>>;
}

/** Names that the vendors' own programs take, so that they mean the newest model of their kind there. */
const ALIASES: Readonly<Record<string, string>> = {
  opus: "opus",
  sonnet: "sonnet",
  haiku: "haiku",
  opusplan: "opusplan",
};

const FAMILIES: Readonly<Record<string, string>> = {
  opus: "anthropic",
  sonnet: "anthropic",
  haiku: "anthropic",
  opusplan: "anthropic",
  "claude-*": "anthropic",
  "gpt-*": "openai",
  "ft:gpt-*": "openai",
  "chatgpt-*": "openai",
  "codex-*": "openai",
  o1: "openai",
  "o1-*": "openai",
  o3: "openai",
  "o3-*": "openai",
  "o4-*": "openai",
  "gemini-*": "google",
  "gemma*": "google",
  "qwen*": "alibaba",
  "qwq*": "alibaba",
  "grok*": "xai",
  "llama*": "meta",
  "meta-llama*": "meta",
  "mistral*": "mistral",
  "mixtral*": "mistral",
  "codestral*": "mistral",
  "devstral*": "mistral",
  "magistral*": "mistral",
  "deepseek*": "deepseek",
  "kimi*": "moonshot",
  "moonshot*": "moonshot",
  "glm-*": "zhipu",
  "minimax*": "minimax",
  "command-*": "cohere",
  "nova-*": "amazon",
  "phi-*": "microsoft",
  "nemotron*": "nvidia",
  "granite*": "ibm",
  "jamba*": "ai21",
  "ernie*": "baidu",
  "doubao*": "bytedance",
  "hunyuan*": "tencent",
};

/** `us.anthropic.`, `global.amazon.`, `anthropic:`: who serves the model, in front of its own name. */
const PROVIDER =
  /^(?:[a-z]{2,6}\.)?(?:anthropic|openai|google|gemini|meta|mistral|amazon|cohere|deepseek|qwen|xai|moonshot|ollama|openrouter|zai)[.:]/u;

/** The built-in table with the rows of configurations before it, the later ones first. */
export function modelTable(
  ...configs: readonly {
    readonly models?: Readonly<Record<string, string>> | undefined;
    readonly families?: Readonly<Record<string, string>> | undefined;
  }[]
): ModelTable {
  const families: Record<string, string> = {};
  for (const rows of [...configs.toReversed().map((config) => config.families ?? {}), FAMILIES])
    for (const [pattern, family] of Object.entries(rows)) if (!Object.hasOwn(families, pattern)) families[pattern] = family;
  return { aliases: Object.assign({}, ALIASES, ...configs.map((config) => config.models ?? {})) as Record<string, string>, families };
}

/** What a name in a configuration means; null for a name that is neither an alias nor like any id of the table. */
export function resolveModel(name: string, table: ModelTable): { readonly id: string; readonly family: string | null } | null {
  if (Object.hasOwn(table.aliases, name)) {
    const id = table.aliases[name] ?? name;
    return { id, family: familyOfModel(id, table) };
  }
  const family = familyOfModel(name, table);
  return family === null ? null : { id: name, family };
}

/** The vendor of a model's id as an agent says it, a provider's prefix or not; null when no row matches. */
export function familyOfModel(id: string, table: ModelTable): string | null {
  // `sonnet[1m]` is the same model with a longer context.
  const name = id
    .trim()
    .toLowerCase()
    .replace(/\[[^\]]*\]$/u, "");
  const bare = (name.split("/").at(-1) ?? name).replace(PROVIDER, "");
  const rows = Object.entries(table.families).map(([pattern, family]) => ({ wanted: pattern.toLowerCase(), family }));
  // Whoever serves a model may be called like another vendor's model: the model's own name counts first.
  const own = rows.find(({ wanted }) => matchesPattern(wanted.includes("/") ? name : bare, wanted));
  return (own ?? rows.find(({ wanted }) => matchesPattern(name, wanted)))?.family ?? null;
}

/** What an error lists: aliases, then patterns of ids. */
export function knownModelNames(table: ModelTable): string[] {
  return [...new Set([...Object.keys(table.aliases).sort(), ...Object.keys(table.families).sort()])];
}

/** `*` stands for any text. Takes time proportional to both lengths: parts are found from the left. */
export function matchesPattern(text: string, pattern: string): boolean {
  const parts = pattern.split("*");
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return text === pattern;
  if (!text.startsWith(first)) return false;
  const last = rest.pop() ?? "";
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

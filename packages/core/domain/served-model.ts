import { UNKNOWN_FAMILY } from "./agent-use.ts";
import { familyOfModel, type ModelTable } from "./models.ts";

/** Kinds of workers whose answers come from a model that a vendor serves. */
const AGENT_KINDS = ["acp", "claude", "codex", "gemini"];

export function isAgentKind(kind: string): boolean {
  return AGENT_KINDS.includes(kind);
}

/**
 * The family that a lane counts as. For an agent it is the vendor of the model that served; the configured one only
 * stands for a model that no table knows. What nobody said served is `unknown`, whatever was asked for.
 */
export function familyThatServed(
  worker: { readonly kind: string; readonly family: string },
  served: string | null,
  table: ModelTable,
): string {
  if (!isAgentKind(worker.kind)) return worker.family;
  return served === null ? UNKNOWN_FAMILY : (familyOfModel(served, table) ?? worker.family);
}

/** Whether another model answered than was asked for. A dated or prefixed id of the same model is the same. */
export function isSubstituted(asked: string | null, served: string | null): boolean {
  if (asked === null || served === null) return false;
  const [one, other] = [bare(asked), bare(served)];
  // A vendor's alias, such as `sonnet`, is a word of the model's whole name.
  if (/^[a-z]+$/u.test(one) && other.split(/[-.]/u).includes(one)) return false;
  return !(one === other || isVersionOf(one, other) || isVersionOf(other, one));
}

/** The name of a model as it may be written down: the one that was asked for is no secret, nor is a dated form of it. */
export function redactModel(served: string | null, asked: string | null, redact: (text: string) => string): string | null {
  if (served === null) return null;
  return asked !== null && (served === asked || isVersionOf(served, asked)) ? served : redact(served);
}

function bare(id: string): string {
  return (id.toLowerCase().split("/").at(-1) ?? "").replace(/^(?:[a-z]{2}\.)?(?:anthropic|openai|google|meta|mistral)\./u, "");
}

/** `claude-x-1-20260101` of `claude-x-1`: what follows is a date or a revision, not another name. */
function isVersionOf(longer: string, shorter: string): boolean {
  return longer.startsWith(shorter) && /^[-@:](?:\d{6,8}|latest|preview|v?\d+(?::\d+)?)(?:[-@:.\d]*)$/u.test(longer.slice(shorter.length));
}

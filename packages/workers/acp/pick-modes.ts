import type { SessionConfigOption, SessionModeState } from "@agentclientprotocol/sdk";
import type { LaneRequest } from "@okstra/core/ports";

/** What puts a session into the mode that a lane wants. */
export interface PickedModes {
  /** Id of a session mode; null: the agent offers none that fits. */
  readonly modeId: string | null;
  readonly option: { readonly configId: string; readonly value: string } | null;
}

const LOOKS_READ_ONLY = /^(?:plan|read[-_ ]?only|ask|architect|review)(?:[-_ ]mode)?$/i;
const LOOKS_EDIT = /^(?:accept[-_ ]?edits|auto[-_ ]?edit|workspace[-_ ]?write|agent|build|code|auto)(?:[-_ ]mode)?$/i;

/**
 * The session's mode for a lane, as a mode and as a configuration option: an agent that moves from the one to the other
 * offers both. Ids that are known of the agent come first, then ids and names that say what they are.
 */
export function pickModes(
  wanted: LaneRequest["mode"],
  known: readonly string[],
  modes: SessionModeState | null | undefined,
  options: readonly SessionConfigOption[] | null | undefined,
): PickedModes {
  const looks = wanted === "edit" ? LOOKS_EDIT : LOOKS_READ_ONLY;
  const pick = (offered: readonly { readonly id: string; readonly name: string }[]): string | null =>
    known.find((id) => offered.some((each) => each.id === id)) ??
    offered.find(({ id }) => looks.test(id.split(/[#/]/).at(-1) ?? id))?.id ??
    offered.find(({ name }) => looks.test(name))?.id ??
    null;
  const option = options?.find((each) => each.category === "mode") ?? options?.find((each) => each.id === "mode");
  const value = option?.type === "select" ? pick(choicesOf(option).map(({ value: id, name }) => ({ id, name }))) : null;
  return {
    modeId: pick(modes?.availableModes ?? []),
    option: option === undefined || value === null ? null : { configId: option.id, value },
  };
}

/** The choices of an option, those of its groups included. */
export function choicesOf(option: Extract<SessionConfigOption, { type: "select" }>): { readonly value: string; readonly name: string }[] {
  return option.options.flatMap((each) => ("value" in each ? [each] : each.options));
}

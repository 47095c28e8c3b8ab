import type { SourceUrl } from "./source-link.ts";
import type { Language } from "./wording.ts";

/**
 * A report between its data and its formats: what is said, in order, without any markup. Every text in it may
 * be hostile; each renderer neutralises and escapes all of them, so that a section cannot forget to.
 */
export interface ReportDocument {
  readonly lang: Language;
  readonly title: string;
  readonly sections: readonly Section[];
}

export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "strong"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "badge"; readonly text: string; readonly tone: Tone }
  | { readonly kind: "link"; readonly text: string; readonly href: SourceUrl };

export interface Fact {
  readonly label: string;
  readonly value: readonly Inline[];
}

export interface VerdictBlock {
  readonly kind: "verdict";
  readonly tone: Tone;
  readonly verdict: string;
  readonly gate: { readonly tone: Tone; readonly text: string };
  readonly badges: readonly Inline[];
  readonly summary: readonly string[];
  readonly reasonsLabel: string;
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
  readonly override: readonly Fact[];
  readonly facts: readonly Fact[];
}

export interface FindingBlock {
  readonly kind: "finding";
  readonly id: string;
  readonly tone: Tone;
  readonly claim: string;
  readonly badges: readonly Inline[];
  readonly facts: readonly Fact[];
  /** Text of several lines under a label, such as a quote or a command. */
  readonly excerpts: readonly { readonly label: string; readonly text: string }[];
}

export type Block =
  | { readonly kind: "subhead"; readonly text: string }
  | { readonly kind: "paragraph"; readonly content: readonly Inline[] }
  | { readonly kind: "empty"; readonly text: string }
  | { readonly kind: "notice"; readonly tone: Tone; readonly content: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: "steps"; readonly items: readonly { readonly text: string; readonly command: string | null }[] }
  | { readonly kind: "tally"; readonly items: readonly { readonly label: string; readonly count: number; readonly tone: Tone }[] }
  | { readonly kind: "facts"; readonly facts: readonly Fact[] }
  | { readonly kind: "table"; readonly head: readonly string[]; readonly rows: readonly (readonly (readonly Inline[])[])[] }
  | VerdictBlock
  | FindingBlock;

export interface Section {
  /** Level 2, or 3 for the parts of 4.6. */
  readonly level: 2 | 3;
  readonly heading: string;
  readonly blocks: readonly Block[];
}

export const text = (value: string): Inline => ({ kind: "text", text: value });
export const code = (value: string): Inline => ({ kind: "code", text: value });
export const badge = (value: string, tone: Tone): Inline => ({ kind: "badge", text: value, tone });
export const fact = (label: string, ...value: readonly Inline[]): Fact => ({ label, value });

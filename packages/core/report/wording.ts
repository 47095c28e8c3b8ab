import { EN, type Wording } from "./wording-en.ts";
import { KO } from "./wording-ko.ts";

export type { Wording };

export const LANGUAGES = ["en", "ko"] as const;
export type Language = (typeof LANGUAGES)[number];

const WORDINGS: Record<Language, Wording> = { en: EN, ko: KO };

export function wordingFor(lang: Language): Wording {
  return WORDINGS[lang];
}

/** The phrase of a code, or the code itself when this version does not know it. */
export function phraseFor(table: Readonly<Record<string, string>>, code: string): string {
  return Object.hasOwn(table, code) ? (table[code] ?? code) : code;
}

/** A duration in words. @param ms milliseconds */
export function formatDuration(ms: number, words: Wording): string {
  if (ms < 1000) return words.milliseconds(ms);
  if (ms < 59_950) return words.seconds((ms / 1000).toFixed(1));
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return words.minutes(Math.floor(seconds / 60), seconds % 60);
  return words.hours(Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60));
}

/** `2026-11-02 09:30:00 UTC` of an RFC 3339 UTC time; anything else is returned as it is. */
export function formatTime(time: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(time);
  return parts === null ? time : `${parts[1]} ${parts[2]} UTC`;
}

/** The first twelve characters of a commit id. */
export function shortCommit(commit: string, words: Wording): string {
  return commit === "" ? words.noCommit : commit.slice(0, 12);
}

import { countOf } from "../../format.ts";

/** Records that cannot be relied on: they are in no number, and are named. */
export function Damaged({ records }: { records: readonly { readonly name: string; readonly reason: string }[] }) {
  if (records.length === 0) return null;
  return (
    <details class="notice bad-notice">
      <summary>{countOf(records.length, "damaged record")}: in no number here</summary>
      <ul>
        {records.map(({ name, reason }, at) => (
          <li key={at}>
            <code>{name}</code> <span class="words">{reason}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

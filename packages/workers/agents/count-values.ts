const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [34, 92, 44, 91, 123];

/**
 * Whether a text of JSON has more than `most` values. They cost memory by their number, not by their bytes: four
 * megabytes of `[],[],…` are fifty when they are parsed. Reads the text once and allocates nothing.
 */
export function hasMoreValues(json: string, most: number): boolean {
  // A value has at least two characters, its separator included.
  if (json.length <= 2 * most) return false;
  let values = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === COMMA || code === BRACKET || code === BRACE) {
      values += 1;
      if (values > most) return true;
    }
  }
  return false;
}

/** Where the string that begins at a quote ends; the text's end for one that does not. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end >= 0) {
    let escapes = 0;
    while (json.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
    end = json.indexOf('"', end + 1);
  }
  return json.length;
}

/** Controls (C0, DEL, C1), what turns, joins or hides text, and other line ends. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Text as a terminal or a log may have it: whatever a terminal would obey, or a reader could not see, stands there as
 * `\uXXXX`, which JSON reads as the same text. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (found) => (found === '\n' || found === '\t' ? found : escaped(found)));
}

/** The same for what must stay on one line: a cell of a table, a name in a sentence. */
export function visibleLine(text: string): string {
  return text.replaceAll(UNSEEN, escaped);
}

function escaped(found: string): string {
  const units = Array.from({ length: found.length }, (_, at) => found.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

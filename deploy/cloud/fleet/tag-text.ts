/** AWS takes letters, digits, spaces and some signs in a tag, 256 at most. */
export function tagText(text: string): string {
  return text
    .replaceAll('%', 'percent')
    .replaceAll(/[^\p{L}\p{N}\s_.:/=+\-@]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 250);
}

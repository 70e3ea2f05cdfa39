/** Number of places that are highlighted: a browser needs an element for each. */
const MOST_PLACES = 2000;

/**
 * Splits a text at the places where another one occurs, in upper or lower case. The parts with odd indices are these
 * places.
 */
export function splitAt(text: string, wanted: string): string[] {
  if (wanted === "") return [text];
  const parts: string[] = [];
  const pattern = new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(end, match.index), match[0]);
    end = match.index + match[0].length;
    if (parts.length >= 2 * MOST_PLACES) break;
  }
  return [...parts, text.slice(end)];
}

/** A value as JSON for an error message, cut after so many characters. */
export function inShort(value: unknown, longest = 80): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

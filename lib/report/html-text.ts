/** Text as HTML: nothing in it is taken for markup, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replace(/&/gu, '&amp;')
    .replace(/</gu, '&lt;')
    .replace(/>/gu, '&gt;')
    .replace(/"/gu, '&quot;')
    .replace(/'/gu, '&#39;');
}

/** A paragraph for each sentence. */
export function paragraphs(texts: readonly string[]): string {
  return texts.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n');
}

/** A list with an entry for each text; nothing when there is none. */
export function htmlList(texts: readonly string[], name = 'notes'): string {
  if (texts.length === 0) return '';
  return `<ul class="${name}">${texts.map((text) => `<li>${escapeHtml(text)}</li>`).join('\n')}</ul>`;
}

import type { Block, Cell, DocumentPart, ReportDocument, TableBlock } from '../document';
import { count } from '../numbers';

/** A document as Markdown; its pictures lie beside it. */
export function renderMarkdown<Plot>(document: ReportDocument<Plot>): string {
  const { title, asks, parts, reading, sources } = document;
  return `${[
    `# ${escapeMarkdown(title)}`,
    escapeMarkdown(`${asks} Rendered from run files; do not edit.`),
    ...parts.map(partMarkdown),
    '## How to read it',
    markdownList(reading),
    '## What is known of the paper’s',
    markdownList(sources),
  ].join('\n\n')}\n`;
}

function partMarkdown<Plot>({
  title,
  environment,
  sentences: [first = '', ...others],
  blocks,
  runs,
}: DocumentPart<Plot>): string {
  return [
    `## ${escapeMarkdown(title)}`,
    escapeMarkdown(environment),
    [`**${escapeMarkdown(first)}**`, ...others.map(escapeMarkdown)].join(' '),
    ...blocks.flatMap(blockMarkdown),
    `<details><summary>${count(runs.length, 'run')}</summary>\n\n${markdownList(runs.map(({ line }) => line))}\n\n</details>`,
  ].join('\n\n');
}

/** A block as paragraphs of Markdown. */
export function blockMarkdown<Plot>(block: Block<Plot>): string[] {
  switch (block.kind) {
    case 'heading':
      return [`### ${escapeMarkdown(block.text)}`];
    case 'text':
      return [block.strong ? `**${escapeMarkdown(block.text)}**` : escapeMarkdown(block.text)];
    case 'list':
      return block.items.length === 0 ? [] : [markdownList(block.items)];
    case 'table':
      return [
        ...(block.caption === undefined ? [] : [`${escapeMarkdown(block.caption)}:`]),
        markdownTable(block),
      ];
    case 'pictures':
      return [];
    case 'plots':
      return block.file === undefined
        ? []
        : [`![${escapeMarkdown(block.title)}](${block.file}.svg)`];
  }
}

/** The first column is to the left, the others to the right; of a stacked table all are to the left. */
export function markdownTable({ head, rows, stacked = false }: TableBlock): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const text = (cell: string | Cell): string =>
    (typeof cell === 'string' ? [cell] : [cell.text, ...(cell.below ?? [])])
      .map(escapeMarkdown)
      .join(stacked ? '<br>' : ', ');
  const rule = `|${head.map((_, index) => (index === 0 || stacked ? ' --- ' : ' ---: ')).join('|')}|`;
  return [
    line(head.map(escapeMarkdown)),
    rule,
    ...rows.map(({ cells }) => line(cells.map(text))),
  ].join('\n');
}

export function markdownList(items: readonly string[]): string {
  return items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
}

/** A page with these paragraphs between the comments `<!-- NAME -->` and `<!-- /NAME -->`; null for a page without them. */
export function betweenComments(
  page: string,
  name: string,
  paragraphs: readonly string[],
): string | null {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [before, after] = [page.indexOf(begin), page.indexOf(end)];
  if (before < 0 || after < before) return null;
  const block = [
    begin,
    '<!-- prettier-ignore-start -->',
    ...paragraphs,
    '<!-- prettier-ignore-end -->',
  ].join('\n\n');
  return `${page.slice(0, before)}${block}\n\n${page.slice(after)}`;
}

/** Names of methods and data sets may hold what Markdown or HTML would take for its own. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s*\n\s*/gu, ' ')
    .replace(/&/gu, '&amp;')
    .replace(/</gu, '&lt;')
    .replace(/([\\`*_[\]|])/gu, '\\$1');
}

import { escapeMarkdown, markdownList, markdownTable } from '../markdown';
import { plainTable, wrap } from '../terminal';
import { count } from '../words';
import type { Block, Cell, StudyDocument, StudyPart, TableBlock } from './document';

/** A study as Markdown; its plots lie in one file beside it. */
export function renderStudyMarkdown<Plot>(study: StudyDocument<Plot>, plots: string): string {
  const { title, asks, parts, reading, sources } = study;
  return `${[
    `# ${escapeMarkdown(title)}`,
    escapeMarkdown(`${asks} Rendered from run files; do not edit.`),
    ...parts.map(partMarkdown),
    `![${escapeMarkdown(title)}: the plots](${plots})`,
    '## How to read it',
    markdownList(reading),
    '## What is known of the paper’s',
    markdownList(sources),
  ].join('\n\n')}\n`;
}

/** A study for a terminal, at most 100 characters wide but for its tables. */
export function renderStudyTerminal<Plot>({ title, asks, parts }: StudyDocument<Plot>): string {
  return [
    wrap(`${title}. ${asks}`),
    ...parts.map((part) =>
      [
        [part.title, part.environment].map(wrap).join('\n'),
        part.sentences.map(wrap).join('\n'),
        ...part.blocks.flatMap(blockTerminal),
      ].join('\n\n'),
    ),
    wrap(
      'Mean ± standard deviation (seeds) after the last epoch; 95 % by Student’s t over the seeds, from three on; differences on equal seeds, p by paired t-tests, adjusted by Holm within a column.',
    ),
  ].join('\n\n');
}

function partMarkdown<Plot>(part: StudyPart<Plot>): string {
  const runs = part.runs.map(
    ({ name, directory, score }) => `${directory}: ${name}, ${score ?? 'unfinished'}`,
  );
  return [
    `## ${escapeMarkdown(part.title)}`,
    escapeMarkdown(part.environment),
    `**${escapeMarkdown(part.sentences.join(' '))}**`,
    ...part.blocks.flatMap(blockMarkdown),
    `<details><summary>${count(runs.length, 'run')}</summary>\n\n${markdownList(runs)}\n\n</details>`,
  ].join('\n\n');
}

function blockMarkdown<Plot>(block: Block<Plot>): string[] {
  switch (block.kind) {
    case 'heading':
      return [`### ${escapeMarkdown(block.text)}`];
    case 'text':
      return [`**${escapeMarkdown(block.text)}**`];
    case 'list':
      return block.items.length === 0 ? [] : [markdownList(block.items)];
    case 'table':
      return [
        `${escapeMarkdown(block.caption)}:`,
        markdownTable(
          block.head,
          rowsOf(block, (lines) => lines.join(', ')),
        ),
      ];
    case 'pictures':
    case 'plots':
      return [];
  }
}

function blockTerminal<Plot>(block: Block<Plot>): string[] {
  switch (block.kind) {
    case 'heading':
      return [`== ${block.text}`];
    case 'text':
      return [wrap(block.text)];
    case 'table': {
      const shown = block.head.map((head) => block.wide?.has(head) !== true);
      const keep = <Item>(items: readonly Item[]): Item[] =>
        items.filter((_, index) => shown[index]);
      const table = plainTable(keep(block.head).map(narrow));
      table.push(...rowsOf(block, (lines) => lines.join('\n')).map(keep));
      return [`${block.caption}\n${table.toString()}`];
    }
    case 'list':
    case 'pictures':
    case 'plots':
      return [];
  }
}

function rowsOf({ rows }: TableBlock, join: (lines: readonly string[]) => string): string[][] {
  const text = (cell: string | Cell): string =>
    typeof cell === 'string' ? cell : join([cell.text, ...(cell.below ?? [])]);
  return rows.map(({ cells }) => cells.map(text));
}

/** The head of a column in lines of a few words. */
function narrow(head: string): string {
  const lines = [''];
  for (const word of head.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > 14 && line !== '') lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

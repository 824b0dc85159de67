import { styleText } from 'node:util';
import CliTable from 'cli-table3';
import { printable } from '../../errors';
import type { Block, Cell, ReportDocument, TableBlock, Tone } from '../document';

/** How wide text for a terminal may be, in characters. */
const width = 100;
/** Of a column's head, before it goes on in another line. */
const headWidth = 15;

const colours: Readonly<Partial<Record<Tone, 'green' | 'yellow'>>> = {
  good: 'green',
  bad: 'yellow',
};

/** How a document is written for a terminal. */
export interface TerminalOptions {
  /** Colours the verdicts; by default only on a terminal, and never when NO_COLOR is set. */
  readonly color?: boolean;
}

/** A document for a terminal, at most 100 characters wide but for tables that need more. */
export function renderTerminal<Plot>(
  { title, asks, parts, briefly }: ReportDocument<Plot>,
  { color = onTerminal() }: TerminalOptions = {},
): string {
  return [
    wrap(`${title}. ${asks}`),
    ...parts.map((part) =>
      [
        [part.title, part.environment].map(wrap).join('\n'),
        part.sentences.map(wrap).join('\n'),
        ...part.blocks.flatMap((block) => blockText(block, color)),
      ].join('\n\n'),
    ),
    ...briefly.map(wrap),
  ].join('\n\n');
}

/** A block as paragraphs for a terminal. */
export function blockText<Plot>(block: Block<Plot>, color: boolean): string[] {
  switch (block.kind) {
    case 'heading':
      return [`== ${block.text}`];
    case 'text':
      return block.wide ? [] : [wrap(block.text)];
    case 'list':
      return block.wide || block.items.length === 0
        ? []
        : [block.items.map((item) => wrap(`* ${item}`)).join('\n')];
    case 'table': {
      const table = tableText(block, color);
      return [block.caption === undefined ? table : `${block.caption}\n${table}`];
    }
    case 'pictures':
    case 'plots':
      return [];
  }
}

/** Whether standard output takes colours. */
export function onTerminal(): boolean {
  return process.stdout.isTTY && !process.env['NO_COLOR'];
}

function tableText({ head, wide, rows }: TableBlock, color: boolean): string {
  const keep = <Item>(items: readonly Item[]): Item[] =>
    items.filter((_, index) => wide?.has(head[index] ?? '') !== true);
  const table = plainTable(keep(head).map((name) => broken(name, headWidth)));
  table.push(...rows.map(({ cells }) => keep(cells).map((cell) => cellText(cell, color))));
  return table.toString();
}

function cellText(cell: string | Cell, color: boolean): string {
  if (typeof cell === 'string') return printable(cell);
  const { text, short = text, below = [], tone } = cell;
  const paint = tone === undefined ? undefined : colours[tone];
  const shown =
    color && paint !== undefined
      ? styleText(paint, printable(short), { validateStream: false })
      : printable(short);
  return [shown, ...below.map(printable)].join('\n');
}

/** A table without lines. */
function plainTable(head: string[]): CliTable.Table {
  const lines = ['top', 'bottom', 'left', 'right', 'mid'];
  const joints = ['top-mid', 'top-left', 'top-right', 'bottom-mid', 'bottom-left', 'bottom-right'];
  const inner = ['left-mid', 'mid-mid', 'right-mid', 'middle'];
  return new CliTable({
    head,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries([...lines, ...joints, ...inner].map((name) => [name, ''])),
  });
}

/** Text in lines of at most 100 characters, broken between words. */
export function wrap(text: string): string {
  return broken(text, width);
}

function broken(text: string, most: number): string {
  const lines = [''];
  for (const word of printable(text).split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > most) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

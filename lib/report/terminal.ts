import { styleText } from 'node:util';
import CliTable from 'cli-table3';
import type { Gain } from './gain';
import { shortLabelOf } from './methods';
import { footnotes, paperSource, shownRows, whatCanBeCompared } from './statements';
import type { Table1, Table1Group, Table1Pair, Table1Row } from './table1-model';
import type { Verdict } from './verdict';
import {
  environmentInWords,
  gainInWords,
  type GainInWords,
  none,
  pairInWords,
  pInWords,
  range,
  rowInWords,
  settingInWords,
  signed,
  spread,
} from './words';

/** How wide text for a terminal may be, in characters. */
const width = 100;

/** A table without lines. */
export function plainTable(head: string[]): CliTable.Table {
  return new CliTable({
    head,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '',
    },
  });
}

/** Text in lines of at most 100 characters, broken between words. */
export function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

const verdictColors: Partial<Record<Verdict, 'green' | 'yellow'>> = {
  reproduced: 'green',
  differs: 'yellow',
};

/** How a table is written for a terminal. */
export interface TerminalOptions {
  /** Colours the verdicts; by default only on a terminal, and never when NO_COLOR is set. */
  readonly color?: boolean;
}

/** Table 1 as text for a terminal, at most 100 characters wide. */
export function renderTerminal(
  table: Table1,
  { color = process.stdout.isTTY && !process.env['NO_COLOR'] }: TerminalOptions = {},
): string {
  const groups = table.groups.map((group) => groupText(group, color));
  return [
    wrap(`Table 1, ${table.paper.title}`),
    ...groups,
    wrap(paperSource(table)),
    wrap(
      'Mean ± standard deviation (seeds) after the last epoch; 95 % by Student’s t over the seeds, from three on; gains in points, on equal seeds; p by paired t-tests, adjusted by Holm within a column of gains or the table over all pairs.',
    ),
  ].join('\n\n');
}

function groupText(group: Table1Group, color: boolean): string {
  const pairs = group.pairs.map((pair) => pairText(pair, color));
  const notRun = group.pairsNotRun;
  return [
    [settingInWords(group.setting), environmentInWords(group.environment)].map(wrap).join('\n'),
    whatCanBeCompared(group).map(wrap).join('\n'),
    ...pairs,
    ...(group.overPairs.length === 0 ? [] : [overPairsText(group)]),
    ...(notRun.length === 0 ? [] : [wrap(`The paper’s pairs not run here: ${notRun.join(', ')}`)]),
  ].join('\n\n');
}

function pairText(pair: Table1Pair, color: boolean): string {
  const table = plainTable([
    'method',
    'paper',
    'measured',
    'best\nepoch',
    'gain over the\nstudent alone',
    'verdict',
  ]);
  for (const row of shownRows(pair)) {
    const words = rowInWords(row);
    table.push([
      row.shortLabel,
      words.paper,
      words.interval === none ? words.measured : `${words.measured}\n${words.interval}`,
      words.best,
      gainText(words.overStudent),
      verdictText(row.verdict, words.difference, color),
    ]);
  }
  const notes = footnotes(pair).map((note) => wrap(`* ${note}`));
  const bases = basesText(pair);
  return [
    pairInWords(pair),
    table.toString(),
    ...(bases === null ? [] : ['', bases]),
    ...notes,
  ].join('\n');
}

function saysSomething({ measured }: Table1Row, gain: Gain): boolean {
  return (
    measured !== null && [gain.measured, gain.paper, gain.paperRange].some((of) => of !== null)
  );
}

/** Each measured `++` row over its two bases; null where there is nothing to say of any. */
function basesText({ rows }: Table1Pair): string | null {
  const table = plainTable(['++ over its bases', 'gain', '95 %', 'p (Holm)', 'paper']);
  const measured = rows.flatMap((row) =>
    [row.overBase, row.overPublished].flatMap((gain) =>
      gain === null || !saysSomething(row, gain) ? [] : [{ row, gain }],
    ),
  );
  for (const { row, gain } of measured) {
    const words = gainInWords(gain);
    table.push([
      `${row.shortLabel} over ${shortLabelOf(gain.over)}`,
      words.measured,
      words.interval,
      words.p,
      words.paper,
    ]);
  }
  return measured.length === 0 ? null : table.toString();
}

function overPairsText({ overPairs }: Table1Group): string {
  const table = plainTable(['over all pairs', 'pairs', 'mean gain', '95 %', 'p (Holm)', 'won']);
  for (const { method, base, pairs, couples, won, gain, p } of overPairs) {
    table.push([
      `${shortLabelOf(method)} over ${shortLabelOf(base)}`,
      String(pairs.length),
      gain === null ? none : spread(gain, signed),
      range(gain?.interval ?? null, signed),
      pInWords(p),
      `${String(won)} of ${String(couples)}`,
    ]);
  }
  return table.toString();
}

function gainText({ measured, paper }: GainInWords): string {
  if (measured === '') return '';
  if (paper === none) return measured;
  return measured === none ? `paper ${paper}` : `${measured}\npaper ${paper}`;
}

function verdictText(verdict: Verdict, difference: string, color: boolean): string {
  const words = difference === '' ? verdict : `${verdict} (${difference})`;
  const paint = verdictColors[verdict];
  return color && paint !== undefined ? styleText(paint, words, { validateStream: false }) : words;
}

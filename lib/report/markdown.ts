import { shortLabelOf } from './methods';
import {
  conclusionOf,
  footnotes,
  overPairsNote,
  paperSource,
  readingNotes,
  shownRows,
  whatCanBeCompared,
} from './statements';
import type { Table1, Table1Group, Table1Pair } from './table1-model';
import {
  count,
  environmentInWords,
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

/** A table of Markdown; the first column is to the left, the others to the right. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = `|${head.map((_, index) => (index === 0 ? ' --- ' : ' ---: ')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** A list with an entry for each text. */
export function markdownList(items: readonly string[]): string {
  return items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
}

/** Names of methods and data sets may hold what Markdown or HTML would take for its own. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/&/gu, '&amp;')
    .replace(/</gu, '&lt;')
    .replace(/([\\`*_[\]|])/gu, '\\$1');
}

/** The plots that lie beside a rendered table, by file name. */
export interface PlotFiles {
  readonly gains: string;
  readonly curves: string;
}

/** Table 1 as Markdown, with the plots linked by their file names. */
export function renderMarkdown(table: Table1, plots: PlotFiles): string {
  return `${[
    '# Table 1: the paper beside measured runs',
    escapeMarkdown(`${table.paper.title}. Rendered from run files; do not edit.`),
    ...table.groups.map(groupText),
    `![Gains over the student alone, measured and in the paper](${plots.gains})`,
    `![Top-1 by epoch](${plots.curves})`,
    '## How to read it',
    markdownList([...readingNotes, paperSource(table), ...table.paper.notes]),
  ].join('\n\n')}\n`;
}

function groupText(group: Table1Group): string {
  return [
    `## ${escapeMarkdown(settingInWords(group.setting))}`,
    escapeMarkdown(environmentInWords(group.environment)),
    whatCanBeCompared(group)
      .map((sentence, index) =>
        index === 0 ? `**${escapeMarkdown(sentence)}**` : escapeMarkdown(sentence),
      )
      .join(' '),
    ...group.pairs.map(pairText),
    ...(group.overPairs.length === 0 ? [] : [overPairsText(group)]),
    ...(group.pairsNotRun.length === 0
      ? []
      : [`The paper’s pairs not run here: ${group.pairsNotRun.map(escapeMarkdown).join(', ')}.`]),
    `<details><summary>Run directories</summary>\n\n${markdownList(directories(group))}\n\n</details>`,
  ].join('\n\n');
}

function pairText(pair: Table1Pair): string {
  const rows = shownRows(pair).map((row) => {
    const words = rowInWords(row);
    return [
      words.method,
      words.paper,
      words.measured,
      words.interval,
      words.best,
      gainText(words.overStudent),
      words.overStudent.paper,
      gainText(words.overBase),
      gainText(words.overPublished),
      words.overPublished.paper,
      words.difference === '' ? words.verdict : `${words.verdict} (${words.difference})`,
    ];
  });
  const head = [
    'method',
    'paper',
    'measured, last epoch',
    '95 %',
    'best epoch',
    'gain over the student alone',
    'paper’s',
    'gain of ++ over its recipe with ND 0',
    'over its published base',
    'paper’s',
    'verdict',
  ];
  const notes = footnotes(pair);
  return [
    `### ${escapeMarkdown(pairInWords(pair))}`,
    markdownTable(head, rows),
    ...(notes.length === 0 ? [] : [markdownList(notes)]),
  ].join('\n\n');
}

function overPairsText({ overPairs }: Table1Group): string {
  const rows = overPairs.map((comparison) => {
    const { method, base, pairs, runs, baseRuns, couples, won, gain, p } = comparison;
    return [
      `${shortLabelOf(method)} over ${shortLabelOf(base)}`,
      pairs.join(', '),
      `${String(runs)} and ${String(baseRuns)}`,
      gain === null ? none : spread(gain, signed),
      range(gain?.interval ?? null, signed),
      pInWords(p),
      `${String(won)} of ${String(couples)}`,
      conclusionOf(comparison),
    ];
  });
  const head = [
    'over all pairs',
    'pairs',
    'runs',
    'mean gain',
    '95 %',
    'p (Holm)',
    'runs of equal seeds won',
    'what these seeds show',
  ];
  return `${markdownTable(head, rows)}\n\n${overPairsNote}`;
}

function gainText({ measured, interval, p }: GainInWords): string {
  const known = (text: string): boolean => text !== '' && text !== none;
  return [measured, ...(known(interval) ? [interval] : []), ...(known(p) ? [`p ${p}`] : [])].join(
    ', ',
  );
}

function directories(group: Table1Group): string[] {
  return group.pairs.flatMap(({ rows }) =>
    rows.flatMap(({ runs }) =>
      runs.map(({ directory, last, best, bestEpoch, revision, dirty }) => {
        const code = revision === null ? 'unknown revision' : revision.slice(0, 12);
        return `${directory}: ${last.toFixed(2)}, best ${best.toFixed(2)} after ${count(bestEpoch, 'epoch')}, ${code}${dirty === true ? ' with uncommitted changes' : ''}`;
      }),
    ),
  );
}

import { escapeHtml } from './html-text';
import { shortLabelOf } from './methods';
import { conclusionOf, shownRows } from './statements';
import type { Table1Group, Table1Pair, Table1Row } from './table1-model';
import {
  none,
  pInWords,
  pairInWords,
  range,
  rowInWords,
  signed,
  spread,
  type GainInWords,
} from './words';

const columns = {
  paper: 'paper',
  measured: 'measured, last epoch (95 %)',
  best: 'best epoch',
  overStudent: 'gain over the student alone',
  overBase: 'gain of ++ over its recipe with ND\u00a00',
  overPublished: 'gain of ++ over its published base',
  verdict: 'verdict',
} as const;

/** The rows of one pair as an HTML table. */
export function pairTable(pair: Table1Pair): string {
  const head = ['method', ...Object.values(columns)]
    .map((name) => `<th scope="col">${escapeHtml(name)}</th>`)
    .join('');
  return `<table class="rows"><caption>${escapeHtml(pairInWords(pair))}</caption><thead><tr>${head}</tr></thead><tbody>
${shownRows(pair).map(rowHtml).join('\n')}
</tbody></table>`;
}

/** The comparisons over all pairs as an HTML table. */
export function overPairsTable({ overPairs }: Table1Group): string {
  const head = [
    'method over base',
    'pairs',
    'runs',
    'mean gain',
    'runs of equal seeds won',
    'what these seeds show',
  ]
    .map((name) => `<th scope="col">${name}</th>`)
    .join('');
  const body = overPairs.map((comparison) => {
    const { method, base, pairs, runs, baseRuns, couples, won, gain, p } = comparison;
    return `<tr><th scope="row">${escapeHtml(`${shortLabelOf(method)} over ${shortLabelOf(base)}`)}</th>${[
      tableCell('pairs', String(pairs.length), ''),
      tableCell('runs', `${String(runs)} and ${String(baseRuns)}`, ''),
      tableCell(
        'mean gain',
        gain === null ? none : spread(gain, signed),
        range(gain?.interval ?? null, signed),
        p === null ? '' : `p ${pInWords(p)}`,
      ),
      tableCell('runs of equal seeds won', `${String(won)} of ${String(couples)}`, ''),
      tableCell('what these seeds show', conclusionOf(comparison)),
    ].join('')}</tr>`;
  });
  return `<table class="rows"><caption>++ against its bases, over all pairs</caption><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

function rowHtml(row: Table1Row): string {
  const words = rowInWords(row);
  const classes = [
    ...(row.method.endsWith('++') && row.measured !== null ? ['plus'] : []),
    ...(row.measured === null ? ['idle'] : []),
  ].join(' ');
  const verdict = `<span class="verdict ${escapeHtml(row.verdict.split(' ').join('-'))}">${escapeHtml(words.verdict)}</span>${
    words.difference === '' ? '' : `<small>${escapeHtml(words.difference)}</small>`
  }`;
  const tip = row.reasons.length === 0 ? '' : ` title="${escapeHtml(row.reasons.join('; '))}"`;
  return `<tr class="${classes}"><th scope="row">${escapeHtml(words.method)}</th>${[
    tableCell(columns.paper, words.paper, ''),
    tableCell(columns.measured, words.measured, words.interval),
    tableCell(columns.best, words.best, ''),
    gainCell(columns.overStudent, words.overStudent),
    gainCell(columns.overBase, words.overBase),
    gainCell(columns.overPublished, words.overPublished),
    `<td data-label="${columns.verdict}"${tip}><span>${verdict}</span></td>`,
  ].join('')}</tr>`;
}

function gainCell(label: string, { measured, interval, p, paper }: GainInWords): string {
  const named = (name: string, text: string): string =>
    text === none || text === '' ? '' : `${name} ${text}`;
  const below = [interval, named('p', p), named('paper', paper)].filter(
    (text) => text !== '' && text !== none,
  );
  return tableCell(label, measured === none ? '' : measured, ...below);
}

/** A cell; below its text smaller lines, and on a narrow screen its column’s name beside it. */
export function tableCell(label: string, text: string, ...below: string[]): string {
  const small = below
    .filter((line) => line !== '' && line !== none)
    .map((line) => `<small>${escapeHtml(line)}</small>`)
    .join('');
  const empty = (text === '' || text === none) && small === '';
  return `<td data-label="${escapeHtml(label)}"${empty ? ' class="empty"' : ''}><span>${escapeHtml(text)}${small}</span></td>`;
}

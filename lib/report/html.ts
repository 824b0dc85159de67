import type { LineStyle } from './families';
import type { Figure, PairFigures } from './figures';
import { type MarkKind, markLooks } from './interval-panel';
import { shortLabelOf } from './methods';
import { palette } from './plot-style';
import {
  conclusionOf,
  footnotes,
  overPairsNote,
  paperSource,
  readingNotes,
  shownRows,
  whatCanBeCompared,
} from './statements';
import type { Table1, Table1Group, Table1Pair, Table1Row } from './table1-model';
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

/** The page's whole style: no fonts, scripts or pictures from elsewhere. */
export const pageStyle = `
:root { color-scheme: light; --ink: #1c1e21; --soft: #5a6069; --line: #dde1e6; --tint: #f5f7f9; --accent: #0072B2; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.25rem; margin: 40px 0 4px; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 28px 0 8px; overflow-wrap: anywhere; }
p { margin: 6px 0; }
.soft, .facts, .notes { color: var(--soft); font-size: 0.9rem; overflow-wrap: anywhere; }
.compare { border-left: 4px solid var(--accent); background: var(--tint); padding: 10px 16px; margin: 14px 0; }
.compare p:first-child { font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.93rem; }
th, td { text-align: right; padding: 7px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; font-size: 0.82rem; border-bottom: 2px solid var(--line); vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tbody th { font-weight: 600; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
td small { display: block; color: var(--soft); white-space: nowrap; }
td { white-space: nowrap; }
tr.plus { background: #f0f6fb; }
tr.idle { color: var(--soft); }
.verdict { display: inline-block; padding: 0 8px; border-radius: 10px; background: #eceff2; color: #3d434b; font-size: 0.82rem; }
.verdict.reproduced { background: #d5efe6; color: #00573f; }
.verdict.differs { background: #fbe3d3; color: #7a3500; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 16px; margin-top: 16px; align-items: start; }
figure { margin: 0; }
figcaption { font-weight: 600; font-size: 0.93rem; }
.picture img { display: block; max-width: 100%; height: auto; }
.plot svg { max-width: 100%; height: auto; display: block; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 20px; padding: 0; margin: 16px 0 4px; font-size: 0.88rem; }
.legend li { display: flex; align-items: center; gap: 8px; }
.legend svg { width: 34px; height: 14px; }
details { margin: 12px 0; }
summary { cursor: pointer; color: var(--accent); }
ul { padding-left: 20px; margin: 8px 0; }
li { margin: 3px 0; }
code { font: 0.88em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
@media (max-width: 800px) {
  main { padding: 16px 14px 48px; }
  h1 { font-size: 1.4rem; }
  table.rows, .rows tbody, .rows tr, .rows td, .rows th { display: block; width: 100%; }
  .rows thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .rows tr { border: 1px solid var(--line); border-radius: 8px; margin: 10px 0; padding: 6px 12px 8px; }
  .rows tbody th { border: 0; padding: 2px 0; font-size: 1.02rem; text-align: left; }
  .rows td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 2px 0; text-align: right; white-space: normal; }
  .rows td::before { content: attr(data-label); color: var(--soft); text-align: left; flex: 0 1 auto; }
  .rows td.empty { display: none; }
}
@media print { details { display: block; } .plots { break-inside: avoid; } }
`;

/** A plot with its title; those who do not see it are told what it shows. */
export function figureHtml({ title, label, svg }: Figure): string {
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><div class="plot" role="img" aria-label="${escapeHtml(label)}">${svg}</div></figure>`;
}

/** What the lines of plots by epoch are. */
export function linesLegend(
  lines: readonly { readonly label: string; readonly style: LineStyle }[],
): string {
  return legend(
    lines.map(({ label, style: { color, dash } }) => ({
      label,
      sample: `<path d="M0 7H34" stroke="${color}" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/>`,
    })),
  );
}

/** What the marks of plots with intervals are. */
export function marksLegend(marks: ReadonlySet<MarkKind> = new Set()): string {
  const { mean, seed, paper, range } = markLooks;
  const samples: Readonly<Record<MarkKind, string>> = {
    mean: `<path d="M2 7H32" stroke="${palette.blue}" stroke-width="2"/><circle cx="17" cy="7" r="5" fill="${mean.color}"/>`,
    seed: `<circle cx="17" cy="7" r="3.5" fill="${seed.color}"/>`,
    paper: `<path d="M17 0V14" stroke="${paper.color}" stroke-width="3.5"/>`,
    range: `<path d="M3 7H31" stroke="${range.color}" stroke-width="11" opacity="0.45"/>`,
  };
  const labels: Readonly<Record<MarkKind, string>> = {
    mean: 'measured: mean and 95 % interval',
    seed: seed.label,
    paper: paper.label,
    range: range.label,
  };
  return legend(
    (['mean', 'seed', 'paper', 'range'] as const)
      .filter((kind) => marks.has(kind))
      .map((kind) => ({ label: labels[kind], sample: samples[kind] })),
  );
}

function legend(entries: readonly { readonly label: string; readonly sample: string }[]): string {
  const items = entries.map(
    ({ label, sample }) =>
      `<li><span class="plot" aria-hidden="true"><svg viewBox="0 0 34 14">${sample}</svg></span>${escapeHtml(label)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

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

/**
 * Table 1 as one HTML page that needs nothing else: style and plots are inside, no script, nothing
 * is asked of the network.
 *
 * @param figures - by group, then by pair, in the table's order
 */
export function renderHtml(table: Table1, figures: readonly (readonly PairFigures[])[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Table 1: the paper beside measured runs</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<h1>Table 1: the paper beside measured runs</h1>
<p class="soft">${escapeHtml(table.paper.title)} · ${escapeHtml(table.paper.paper)}</p>
${table.groups.map((group, index) => groupHtml(group, figures[index] ?? [])).join('\n')}
<h2>How to read it</h2>
${htmlList(readingNotes)}
<h2>Where the paper’s numbers come from</h2>
${htmlList([paperSource(table), ...table.paper.notes])}
</main>
</body>
</html>
`;
}

function groupHtml(group: Table1Group, figures: readonly PairFigures[]): string {
  return `<section>
<h2>${escapeHtml(settingInWords(group.setting))}</h2>
<p class="facts">${escapeHtml(environmentInWords(group.environment))}</p>
<div class="compare">${paragraphs(whatCanBeCompared(group))}</div>
${group.pairs.map((pair, index) => pairHtml(pair, figures[index])).join('\n')}
${group.overPairs.length === 0 ? '' : overPairsHtml(group)}
${
  group.pairsNotRun.length === 0
    ? ''
    : `<p class="soft">The paper’s pairs not run here: ${escapeHtml(group.pairsNotRun.join(', '))}.</p>`
}
${provenanceHtml(group)}
</section>`;
}

function pairHtml(pair: Table1Pair, figures: PairFigures | undefined): string {
  const name = escapeHtml(pairInWords(pair));
  const drawn = (figures?.bars ?? []).map(figureHtml).join('');
  return `<h3>${name}</h3>
${pairTable(pair)}
${htmlList(footnotes(pair))}
${drawn === '' ? '' : `${marksLegend(figures?.marks)}<div class="plots">${drawn}</div>`}`;
}

function overPairsHtml(group: Table1Group): string {
  return `<h3>++ against its base, over all pairs</h3>
${overPairsTable(group)}
<p class="notes">${escapeHtml(overPairsNote)}</p>`;
}

function provenanceHtml({ environment, pairs, setting }: Table1Group): string {
  const runs = pairs.flatMap(({ rows }) => rows.flatMap((row) => row.runs));
  const facts = [
    `Engine: ${environment.engines.join('; ')}`,
    `Device: ${environment.devices.join('; ')}`,
    `Processor: ${environment.processors.join('; ')}`,
    `Versions: ${environment.versions.join(', ')}`,
    `Data as read, SHA-256: ${setting.dataHash ?? 'not recorded'}`,
  ];
  const directories = runs.map(({ directory, last, best, bestEpoch, revision, dirty }) => {
    const code = `${revision ?? 'unknown revision'}${dirty === true ? ' with uncommitted changes' : ''}`;
    return `<li><code>${escapeHtml(directory)}</code>: ${last.toFixed(2)}, best ${best.toFixed(2)} after ${count(bestEpoch, 'epoch')}; ${escapeHtml(code)}</li>`;
  });
  return `<details><summary>Provenance of these ${count(runs.length, 'run')}</summary>
${htmlList(facts)}
<ul class="notes">${directories.join('\n')}</ul>
</details>`;
}

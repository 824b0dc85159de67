import type { PairFigures } from './figures';
import { figureHtml, marksLegend } from './html-figures';
import { overPairsTable, pairTable } from './html-table';
import { pageStyle } from './html-style';
import { escapeHtml, htmlList, paragraphs } from './html-text';
import {
  footnotes,
  overPairsNote,
  paperSource,
  readingNotes,
  whatCanBeCompared,
} from './statements';
import type { Table1, Table1Group, Table1Pair } from './table1-model';
import { count, environmentInWords, pairInWords, settingInWords } from './words';

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

import { teacherStyle } from './families';
import type { FamilyFigures, PairFigures } from './figures';
import {
  escapeHtml,
  figureHtml,
  htmlList,
  linesLegend,
  marksLegend,
  overPairsTable,
  pairTable,
  paragraphs,
} from './html';
import { provenanceHtml } from './report-runs';
import { reportStyle } from './report-style';
import {
  footnotes,
  overPairsNote,
  paperSource,
  readingNotes,
  whatCanBeCompared,
} from './statements';
import type { DrawnStudy } from './study/document';
import { partHtml } from './study/html-study';
import type { Table1, Table1Group, Table1Pair } from './table1-model';
import { verdicts } from './verdict';
import { environmentInWords, pairInWords, settingInWords } from './words';

/**
 * The whole evidence of table 1 as one HTML page that needs nothing else: tables, plots with
 * intervals, curves by epoch, provenance of each run. Style and drawings are inside; it has no
 * script, and nothing is asked of the network.
 *
 * @param figures - by group, then by pair, in the table's order
 */
export function renderReport(
  table: Table1,
  figures: readonly (readonly PairFigures[])[],
  studies: readonly DrawnStudy[] = [],
): string {
  const title =
    studies.length === 0
      ? 'Table 1: the paper beside measured runs'
      : 'The paper beside measured runs';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${reportStyle}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the tables</a>
<header>
<h1>${title}</h1>
<p class="lead">${escapeHtml(table.paper.title)} · ${escapeHtml(table.paper.paper)}</p>
${overviewHtml(table)}
<nav aria-label="On this page"><ul>
${linksHtml(table, studies)}
</ul></nav>
</header>
<main id="content">
${table.groups.map((group, index) => groupHtml(group, index, figures[index] ?? [])).join('\n')}
${studies.map(studyHtml).join('\n')}${studies.length === 0 ? '' : '\n'}<section id="reading" aria-labelledby="reading-title">
<h2 id="reading-title">How to read it</h2>
${htmlList([...readingNotes, ...plotNotes], 'plain')}
</section>
<section id="sources" aria-labelledby="sources-title">
<h2 id="sources-title">Where the paper’s numbers come from</h2>
${htmlList([paperSource(table), ...table.paper.notes], 'plain')}
</section>
</main>
<footer class="soft"><p>Rendered from the run files alone; the same files give the same page.</p></footer>
</body>
</html>
`;
}

const plotNotes: readonly string[] = [
  'Plots with intervals: the large point is the mean over the seeds, the line Student’s 95 % interval (from three seeds on), small points are single seeds. The paper’s upright bar stands beside an accuracy only where the run has the paper’s own setting, and beside a gain where the paper has this pair; elsewhere a band shows the paper’s gains on its own six pairs.',
  'Plots by epoch: a line is the mean over the seeds, its band goes from the smallest to the largest seed; methods of one family and the student alone share a plot, and all families of a pair share a scale.',
  'Embedding norm: the mean length of the features before the classifier, over the test images; the teacher’s is its own. Cosine: between a test image’s features and the teacher’s mean features of the image’s own class. ND asks for long features (as long as the teacher’s) that point along that mean.',
];

function overviewHtml({ groups }: Table1): string {
  const pairs = groups.flatMap((group) => group.pairs);
  const rows = pairs.flatMap((pair) => pair.rows);
  const runs = new Set(rows.flatMap((row) => row.runs.map(({ directory }) => directory)));
  const open = new Set(rows.flatMap((row) => row.unfinished.map(({ directory }) => directory)));
  const measured = rows.filter((row) => row.measured !== null);
  const counted = verdicts.flatMap((verdict) => {
    const n = measured.filter((row) => row.verdict === verdict).length;
    return n === 0 ? [] : [`${String(n)} ${verdict}`];
  });
  const facts: [string, string][] = [
    [
      'Finished runs',
      `${String(runs.size)}${open.size === 0 ? '' : ` (${String(open.size)} open)`}`,
    ],
    ['Pairs', String(new Set(pairs.map(({ pair }) => pair)).size)],
    ['Measured cells', String(measured.length)],
    ['Against the paper', counted.join(', ')],
  ];
  return `<dl class="figures">${facts
    .map(([term, text]) => `<div><dt>${term}</dt><dd>${escapeHtml(text)}</dd></div>`)
    .join('')}</dl>`;
}

function linksHtml({ groups }: Table1, studies: readonly DrawnStudy[]): string {
  const links: [string, string][] = [
    ...groups.map(({ setting }, index): [string, string] => [
      groupId(index),
      settingInWords(setting),
    ]),
    ...studies.map(({ name, title }): [string, string] => [name, title]),
    ['reading', 'How to read it'],
    ['sources', 'Sources'],
  ];
  return links.map(([id, text]) => `<li><a href="#${id}">${escapeHtml(text)}</a></li>`).join('\n');
}

function groupId(index: number): string {
  return `setting-${String(index + 1)}`;
}

function groupHtml(group: Table1Group, index: number, figures: readonly PairFigures[]): string {
  const id = groupId(index);
  return `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(settingInWords(group.setting))}</h2>
<p class="soft">${escapeHtml(environmentInWords(group.environment))}</p>
<div class="compare">${paragraphs(whatCanBeCompared(group))}</div>
${group.overPairs.length === 0 ? '' : overPairsHtml(group)}
${group.pairs.map((pair, place) => pairHtml(pair, figures[place])).join('\n')}
${
  group.pairsNotRun.length === 0
    ? ''
    : `<p class="soft">The paper’s pairs not run here: ${escapeHtml(group.pairsNotRun.join(', '))}.</p>`
}
<h3>Provenance</h3>
${provenanceHtml(group)}
</section>`;
}

function studyHtml({ name, title, asks, parts, reading, sources }: DrawnStudy): string {
  return `<section id="${name}" aria-labelledby="${name}-title">
<h2 id="${name}-title">${escapeHtml(title)}</h2>
<p class="lead">${escapeHtml(asks)}</p>
${parts.map((part) => `<h3>${escapeHtml(part.title)}</h3>\n${partHtml(part, 4)}`).join('\n')}
<h3>How to read this study</h3>
${htmlList([...reading, ...sources], 'plain')}
</section>`;
}

function overPairsHtml(group: Table1Group): string {
  return `<h3>Does ND help? Each ++ method against its two bases</h3>
${scrollBox('++ against its bases', overPairsTable(group))}
<p class="notes">${escapeHtml(overPairsNote)}</p>`;
}

function pairHtml(pair: Table1Pair, figures: PairFigures | undefined): string {
  const [accuracy = '', overStudent = '', ...overBases] = (figures?.bars ?? []).map(figureHtml);
  const bars = `${accuracy}${overStudent}<div>${overBases.join('')}</div>`;
  return `<h3>${escapeHtml(pairInWords(pair))}</h3>
${scrollBox(`Table of ${pairInWords(pair)}`, pairTable(pair))}
${htmlList(footnotes(pair))}
${
  bars === ''
    ? ''
    : `<h4>Accuracy and gains, with intervals</h4>${marksLegend(figures?.marks)}<div class="plots">${bars}</div>`
}
${(figures?.families ?? []).map(familyHtml).join('\n')}`;
}

function familyHtml({ family, teacher, figures }: FamilyFigures): string {
  return `<h4>${escapeHtml(family.label)}, epoch by epoch</h4>
${linesLegend([
  ...family.series,
  ...(teacher ? [{ label: 'Teacher (norm)', style: teacherStyle }] : []),
])}
<div class="plots">${figures.map(figureHtml).join('')}</div>`;
}

/** A wide table scrolls in a box of its own, which the keyboard can reach, and not the page. */
function scrollBox(label: string, table: string): string {
  return `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(label)}">${table}</div>`;
}

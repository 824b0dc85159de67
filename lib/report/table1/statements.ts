import { nothingFinished, onSeeds } from '../cells';
import { paperMethodOf } from '../methods';
import { listed } from '../numbers';
import { unfinishedInWords } from '../run-record';
import { trainedHere } from '../verdict';
import type { Table1, Table1Group, Table1Pair, Table1Row } from './model';

/** What every rendering of table 1 says about how to read its columns. */
export const readingNotes: readonly string[] = [
  'Measured: top-1 (%) on the test images after the last epoch, mean ± sample standard deviation (number of seeds). The best epoch, which the paper’s code tracks, has its own column and no part in the verdict.',
  '95 %: Student’s interval of the mean over the seeds, of gains over the differences seed by seed. With fewer than three seeds there is none.',
  'Gains are differences on equal seeds, in points of top-1; p is of the paired t-test, two-sided, adjusted by Holm’s method for the comparisons of its column of a pair’s table (of the table over all pairs, for all of it). A gain whose p is 0.05 or more is no clear difference: these seeds show neither a gain nor a loss.',
  'Two bases: the paper made its numbers of KD, DKD, DIST and ReviewKD in other recipes than those of their ++ rows (batch 64, no Nesterov, other weights). So each ++ row stands beside both: its own recipe with the ND weight at 0, where nothing but ND differs and of which the paper prints no number, and the published recipe, which is what the paper’s number and the paper’s gain stand for.',
  'The student alone has two recipes alike: rows in the recipe of the ++ rows are compared with the student in that recipe, rows in a published recipe with the published student. The paper has one student, in the published recipe.',
  'Verdict on the paper’s number, only with the paper’s recipe, data and length: reproduced (the 95 % interval of the mean lies within ±0.5 of it), differs (it lies wholly outside), else inconclusive, as with fewer than three seeds; reduced (shorter schedule, other data or another teacher, which say nothing of the paper’s number); no paper number; not run.',
  'Plots with intervals: the large point is the mean over the seeds, the line Student’s 95 % interval (from three seeds on), small points are single seeds. The paper’s upright bar stands beside an accuracy only where the run has the paper’s own setting, and beside a gain where the paper has this pair; elsewhere a band shows the paper’s gains on its own six pairs.',
  'Plots by epoch: a line is the mean over the seeds, its band goes from the smallest to the largest seed; methods of one family and the student alone share a plot, and all families of a pair share a scale.',
  'Embedding norm: the mean length of the features before the classifier, over the test images; the teacher’s is its own. Cosine: between a test image’s features and the teacher’s mean features of the image’s own class. ND asks for long features (as long as the teacher’s) that point along that mean.',
];

/** The columns and the source in a few sentences. */
export function brieflyOf(table: Table1): string[] {
  return [
    ...sourcesOf(table).slice(0, 1),
    'Mean ± standard deviation (seeds) after the last epoch; 95 % by Student’s t over the seeds, from three on; gains in points, on equal seeds; p by paired t-tests, adjusted by Holm within a column of gains or the table over all pairs.',
  ];
}

/** What can be compared with the paper in a group of runs, and what cannot, in plain sentences. */
export function whatCanBeCompared(group: Table1Group): string[] {
  const rows = group.pairs.flatMap((pair) => pair.rows).filter((row) => row.measured !== null);
  if (rows.length === 0) return [nothingFinished];
  const reduced = rows.filter(({ verdict }) => verdict === 'reduced');
  const foreign = group.pairs
    .filter(({ printed, teacher }) => printed === null && teacher !== null)
    .map(({ pair }) => pair);
  return [
    ...(reduced.length === 0
      ? [
          'These runs have the paper’s data, schedule, batch and recipes, and published teachers as good as the paper’s: their accuracies can be compared with the paper’s.',
        ]
      : [
          `${reduced.length === rows.length ? 'This is not the paper’s setting' : 'Rows marked reduced are not the paper’s setting'}: ${group.reasons.join('; ')}.`,
          'Their accuracies can neither confirm nor contradict the paper’s.',
          'What can be compared is the gain: whether a distilled student beats the same student alone, and a ++ method its base, on the same seeds. Its size may differ with data and schedule.',
        ]),
    ...(foreign.length === 0
      ? []
      : [
          `The paper has no pair ${foreign.join(', ')}: beside its gains stands the range of the paper’s over its own six pairs.`,
        ]),
    ...onSeeds(rows.map(({ method, measured }) => (method === 'teacher' ? null : measured))),
  ];
}

/** What must be said below the rows of a pair: sources' slips, unfinished runs, remarks. */
export function footnotes(pair: Table1Pair): string[] {
  const { rows, printed, remarks } = pair;
  // Those begun have a line of their own.
  const idle = rows.filter((row) => saysNothing(row) && row.unfinished.length === 0);
  const withoutNumber = rows.filter(
    ({ method, measured }) =>
      printed !== null && measured !== null && paperMethodOf(method) === null,
  );
  const names = (of: readonly Table1Row[]): string[] => of.map(({ shortLabel }) => shortLabel);
  return [
    ...listed('Not run', names(idle)),
    ...listed(
      'The paper prints no number of these rows, since its own have the published recipe',
      names(withoutNumber),
    ),
    ...rows.flatMap(({ label, paper }) =>
      paper?.note === undefined ? [] : [`${label}, the paper’s number: ${paper.note}`],
    ),
    ...rows.flatMap(({ label, origin }) =>
      origin === null
        ? []
        : [`${label}: weights ${origin === trainedHere ? origin : `from ${origin}`}.`],
    ),
    ...rows.flatMap(({ label, unfinished }) =>
      unfinished.map((run) => unfinishedInWords(label, run)),
    ),
    ...remarks,
  ];
}

/** What the tables over all pairs say of their numbers. */
export const overPairsNote =
  'Mean gain: of each seed that all these pairs have, the mean of the gains over the pairs; Student’s 95 % interval over the seeds, p of the paired t-test, adjusted by Holm for the comparisons of this table.';

/** Where the paper's numbers come from. */
export function sourcesOf({ paper }: Table1): string[] {
  return [`The paper’s numbers: ${paper.paper}, from ${paper.source}.`, ...paper.notes];
}

/** The rows that say something: measured here, or with a number in the paper. */
export function shownRows({ rows }: Table1Pair): Table1Row[] {
  return rows.filter((row) => !saysNothing(row));
}

/** Whether it would be a line of dashes. */
function saysNothing({ measured, paper }: Table1Row): boolean {
  return measured === null && paper === null;
}

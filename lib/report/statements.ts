import { significance } from '../statistics/summary';
import { paperMethodOf } from './methods';
import type { MethodComparison } from './over-pairs';
import type { Table1, Table1Group, Table1Pair, Table1Row } from './table1-model';
import { trainedHere } from './verdict';
import { count } from './words';

/** What every rendering of table 1 says about how to read its columns. */
export const readingNotes: readonly string[] = [
  'Measured: top-1 (%) on the test images after the last epoch, mean ± sample standard deviation (number of seeds). The best epoch, which the paper’s code tracks, has its own column and no part in the verdict.',
  '95 %: Student’s interval of the mean over the seeds, of gains over the differences seed by seed. With fewer than three seeds there is none.',
  'Gains are differences on equal seeds, in points of top-1; p is of the paired t-test, two-sided, adjusted by Holm’s method for the comparisons of its column of a pair’s table (of the table over all pairs, for all of it). A gain whose p is 0.05 or more is no clear difference: these seeds show neither a gain nor a loss.',
  'Two bases: the paper made its numbers of KD, DKD, DIST and ReviewKD in other recipes than those of their ++ rows (batch 64, no Nesterov, other weights). So each ++ row stands beside both: its own recipe with the ND weight at 0, where nothing but ND differs and of which the paper prints no number, and the published recipe, which is what the paper’s number and the paper’s gain stand for.',
  'The student alone has two recipes alike: rows in the recipe of the ++ rows are compared with the student in that recipe, rows in a published recipe with the published student. The paper has one student, in the published recipe.',
  'Verdict on the paper’s number, only with the paper’s recipe, data and length: reproduced (the 95 % interval of the mean lies within ±0.5 of it), differs (it lies wholly outside), else inconclusive, as with fewer than three seeds; reduced (shorter schedule, other data or another teacher, which say nothing of the paper’s number); no paper number; not run.',
];

/** What can be compared with the paper in a group of runs, and what cannot, in plain sentences. */
export function whatCanBeCompared(group: Table1Group): string[] {
  const rows = group.pairs.flatMap((pair) => pair.rows).filter((row) => row.measured !== null);
  if (rows.length === 0) return ['No run is finished yet: there is nothing to compare.'];
  const reduced = rows.filter(({ verdict }) => verdict === 'reduced');
  const sentences: string[] = [];
  if (reduced.length === 0) {
    sentences.push(
      'These runs have the paper’s data, schedule, batch, recipes and teachers: their accuracies can be compared with the paper’s.',
    );
  } else {
    sentences.push(
      `${reduced.length === rows.length ? 'This is not the paper’s setting' : 'Rows marked reduced are not the paper’s setting'}: ${group.reasons.join('; ')}.`,
      'Their accuracies can neither confirm nor contradict the paper’s.',
      'What can be compared is the gain: whether a distilled student beats the same student alone, and a ++ method its base, on the same seeds. Its size may differ with data and schedule.',
    );
  }
  const foreign = group.pairs.filter(
    ({ printed, teacher }) => printed === null && teacher !== null,
  );
  if (foreign.length > 0) {
    sentences.push(
      `The paper has no pair ${foreign.map(({ pair }) => pair).join(', ')}: beside its gains stands the range of the paper’s over its own six pairs.`,
    );
  }
  const least = Math.min(...rows.flatMap((row) => seedCount(row)));
  if (least === 1) {
    sentences.push(
      'Some of these numbers come from a single seed: nothing is known of their spread.',
    );
  }
  return sentences;
}

/** What must be said below the rows of a pair: sources' slips, unfinished runs, remarks. */
export function footnotes(pair: Table1Pair): string[] {
  const { rows, remarks } = pair;
  const folded = notRunRows(pair).map(({ shortLabel }) => shortLabel);
  const withoutNumber = rows.filter(
    ({ method, measured }) => measured !== null && paperMethodOf(method) === null,
  );
  return [
    ...(folded.length === 0 ? [] : [`Not run: ${folded.join('; ')}.`]),
    ...(pair.printed === null || withoutNumber.length === 0
      ? []
      : [
          `The paper prints no number of these rows, since its own have the published recipe: ${withoutNumber.map(({ shortLabel }) => shortLabel).join('; ')}.`,
        ]),
    ...rows.flatMap(({ label, paper }) =>
      paper?.note === undefined ? [] : [`${label}, the paper’s number: ${paper.note}`],
    ),
    ...rows.flatMap(({ label, origin }) =>
      origin === null
        ? []
        : [`${label}: weights ${origin === trainedHere ? origin : `from ${origin}`}.`],
    ),
    ...rows.flatMap(({ label, unfinished }) =>
      unfinished.map(
        ({ seed, epochs, of, why }) =>
          `${label}, seed ${String(seed)}: ${String(epochs)} of ${count(of, 'epoch')} done${why === null ? '' : ` (${why})`}; it is in no number.`,
      ),
    ),
    ...remarks,
  ];
}

/** What a comparison over all pairs says of the gain's sign. */
export function conclusionOf({ gain, p }: Pick<MethodComparison, 'gain' | 'p'>): string {
  if (gain === null || p === null) return 'fewer than three seeds: no interval';
  if (p >= significance) return 'no clear difference';
  return gain.mean > 0 ? 'a gain' : 'a loss';
}

/** What the tables over all pairs say of their numbers. */
export const overPairsNote =
  'Mean gain: of each seed that all these pairs have, the mean of the gains over the pairs; Student’s 95 % interval over the seeds, p of the paired t-test, adjusted by Holm for the comparisons of this table.';

/** Where the paper's numbers come from. */
export function paperSource({ paper }: Table1): string {
  return `The paper’s numbers: ${paper.paper}, from ${paper.source}.`;
}

/** The rows that say something: measured here, or with a number in the paper. */
export function shownRows({ rows }: Table1Pair): Table1Row[] {
  return rows.filter((row) => !saysNothing(row));
}

/** The rows that would be a line of dashes; those begun have a line of their own below the table. */
function notRunRows({ rows }: Table1Pair): Table1Row[] {
  return rows.filter((row) => saysNothing(row) && row.unfinished.length === 0);
}

function saysNothing({ measured, paper }: Table1Row): boolean {
  return measured === null && paper === null;
}

function seedCount({ method, measured }: Table1Row): number[] {
  return method === 'teacher' || measured === null ? [] : [measured.n];
}

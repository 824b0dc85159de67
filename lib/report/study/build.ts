import { nothingFinished, onSeeds } from '../cells';
import type { Block, DocumentPart, ReportDocument } from '../document';
import { settingInWords } from '../group';
import { type RunEntry, runEntry } from '../run-entries';
import { environmentInWords } from '../run-record';
import { claimScaleOf } from '../verdict';
import { ablation } from './ablation';
import { direction } from './direction';
import type { PairView, StudyDocumentName, StudyGroup, StudyPair, StudyView } from './model';
import type { PublishedMeans } from './published-means';
import { measured, methodNotes, methodTable } from './method-table';
import { norm } from './norm';
import { studyRecords } from './records';
import { table2 } from './table2';
import { teachers } from './teachers';

const views: Readonly<Record<StudyDocumentName, StudyView>> = {
  norm,
  direction,
  ablation,
  teachers,
  table2,
};

/** What every study says of how it is read. */
const reading: readonly string[] = [
  'Top-1 (%) on the test images after the last epoch, mean ± sample standard deviation (number of seeds); below it Student’s 95 % interval of the mean over the seeds, from three seeds on: with fewer there is none.',
  'Gains and differences are taken on equal seeds, so that what a seed does to both runs cancels; p is of the paired t-test, two-sided, from three seeds on. Where a table makes several comparisons its p values are adjusted by Holm’s method, as it says.',
  'Claims: reproduced (the difference is above 0, and its adjusted p below 0.05), contradicted (it is below 0, and its p below 0.05), inconclusive (these runs tell nothing either way), not run. Each is followed by its scale: full (the paper’s data, length and batch), reduced (the paper’s data whole, a schedule that has converged: 40 epochs or more, and the mean top-1 of the last tenth of them within half a point of the tenth before), toy (anything else). These are verdicts on these runs, not on the paper’s.',
];

/** The same in two sentences; those of table 3 too. */
export const briefly: readonly string[] = [
  'Mean ± standard deviation (seeds) after the last epoch; 95 % by Student’s t over the seeds, from three on; differences on equal seeds, p by paired t-tests, adjusted by Holm within a column.',
];

/** A study from its runs' groups: the same groups give the same document. */
export function buildStudy(
  name: StudyDocumentName,
  groups: readonly StudyGroup[],
  published: readonly PublishedMeans[],
): ReportDocument {
  const view = views[name];
  return {
    name,
    title: view.title,
    asks: view.asks,
    overview: [],
    briefly,
    records: studyRecords(groups),
    parts: groups.map((group) => part(group, view, published)),
    reading: [...reading, ...view.reading],
    sources: view.sources,
  };
}

function part(
  group: StudyGroup,
  view: StudyView,
  published: readonly PublishedMeans[],
): DocumentPart {
  const { setting, environment, pairs } = group;
  return {
    title: settingInWords(setting),
    environment: environmentInWords(environment),
    sentences: sentences(group, view),
    blocks: [
      ...pairs.flatMap((pair) => (view.ofPair === undefined ? [] : pairBlocks(pair, view.ofPair))),
      ...(view.groupBlocks?.(group, published) ?? []),
    ],
    runs: entriesOf(group),
    dataHash: setting.dataHash,
  };
}

function pairBlocks(pair: StudyPair, { caption, columns, claims, more }: PairView): Block[] {
  return [
    { kind: 'heading', text: `${pair.teacher} → ${pair.student}` },
    methodTable(pair, `${caption} on ${pair.pair}`, columns(pair)),
    methodNotes([pair]),
    ...(claims?.(pair) ?? []),
    ...(more?.(pair) ?? []),
  ];
}

function sentences({ setting, pairs }: StudyGroup, { comparable }: StudyView): string[] {
  const rows = pairs.flatMap(measured);
  if (rows.length === 0) return [nothingFinished];
  const shorter = `These are runs of ${String(setting.epochs)} epochs on ${setting.dataset}, not the paper’s setting: what they show holds for this setting.`;
  return [
    ...(claimScaleOf(setting, []) === 'full' ? [] : [shorter]),
    comparable ??
      'The paper’s numbers, pair and data set of this study are not known to us: what can be compared is the order of the methods.',
    ...onSeeds(rows.map(({ top1 }) => top1)),
  ];
}

function entriesOf({ pairs, family }: StudyGroup): RunEntry[] {
  const named = [
    ...family.map(({ model, run }) => ({ name: `Teacher ${model}`, run })),
    ...pairs.flatMap(({ pair, rows }) =>
      rows.flatMap(({ label, runs, unfinished }) =>
        [...runs, ...unfinished].map((run) => ({ name: `${pair}, ${label}`, run })),
      ),
    ),
  ];
  const entries = new Map<string, RunEntry>();
  for (const { name, run } of named) {
    // The student alone may stand beside several teachers: the first tells of it.
    if (!entries.has(run.directory)) {
      entries.set(run.directory, runEntry(`${name}, seed ${String(run.seed)}`, run));
    }
  }
  return [...entries.values()];
}

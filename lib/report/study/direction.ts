import { cosineByEpoch, top1ByEpoch } from '../plots/by-epoch';
import type { Block, Drawing } from '../document';
import { spreadOf, stripSpec } from '../plots/strips';
import { type Claim, claimsOn, claimsOver } from './claims';
import { column, knownOf, paperColumn } from './method-table';
import type { StudyPair, StudyRow, StudyView } from './model';
import { termNumber } from './relations';

const paper = paperColumn('motivation', { 'kd+cosine': 'cosine', 'kd+infonce': 'infonce' });

/** Each InfoNCE row by its temperature. */
const infoNce: readonly string[] = [
  'kd+infonce-t0.05',
  'kd+infonce',
  'kd+infonce-t0.5',
  'kd+infonce-t1',
];
const stripsWidth = 182;
/** Of a long run, about so many epochs are drawn. */
const shownEpochs = 8;

/** What the paper claims of the direction. */
export const directionClaims: readonly Claim[] = [
  ...claimsOver('kd+cosine', {
    kd: 'Cosine helps: over KD',
    'kd+infonce-t0.05': 'Cosine is better than InfoNCE (temperature 0.05)',
    'kd+infonce': 'Cosine is better than InfoNCE (temperature 0.1)',
    'kd+infonce-t0.5': 'Cosine is better than InfoNCE (temperature 0.5)',
    'kd+infonce-t1': 'Cosine is better than InfoNCE (temperature 1)',
    'kd+infonce-x10': 'Cosine is better than InfoNCE (temperature 0.1, × 10)',
    'kd+classifier': 'Class means are better than classifier weights, by cosine',
  }),
  ...claimsOver('kd++', {
    'kd+nd-classifier': 'Class means are better than classifier weights, by ND',
  }),
];

/** Features along the class means. */
export const direction: StudyView = {
  title: 'Direction: features along the class means',
  asks: 'Is cosine better than InfoNCE, and are class means a better direction than the weights of the teacher’s classifier? How far do the features of each class turn to its mean?',
  ofPair: {
    caption: 'Direction losses',
    columns: () => [paper, column.overBase, column.overStudent, column.cosine, column.norm],
    claims: (pair) => [claimsOn(pair, 'The paper’s claims', directionClaims)],
    sweep: {
      title: 'Against InfoNCE’s temperature',
      label: 'KD + InfoNCE',
      methods: infoNce,
      x: (row) => termNumber(row, 'directionInfoNce', 'temperature'),
      axis: { title: 'temperature', scale: 'log' },
      against: 'the temperature',
      quantities: ['top1', 'cosine'],
      levels: ['kd+cosine'],
    },
    lines: {
      'Cosine and InfoNCE': ['kd', 'kd+cosine', ...infoNce],
      'Class means and classifier weights': [
        ...['kd', 'kd+cosine', 'kd+classifier', 'kd++', 'kd+nd-classifier'],
      ],
    },
    quantities: [cosineByEpoch, top1ByEpoch],
    more: classBlocks,
  },
  reading: [
    'Cosine: between a test image’s features and the teacher’s mean features of the image’s own class, the mean over the images; by class, the mean over a class’s images.',
    'InfoNCE’s weight is multiplied by its temperature, so that the pull to the own mean begins as cosine’s; the row × 10 has ND’s weight itself.',
  ],
  sources: knownOf('motivation'),
};

/** The cosine of each class, where the runs measured it. */
function classBlocks(pair: StudyPair): Block[] {
  const rows = pair.rows.filter(({ cosineByClass }) => cosineByClass.length > 0);
  if (rows.length === 0) return [];
  const spreads = rows.map(({ label, cosineByClass }) => ({ label, ...spreadOf(cosineByClass) }));
  return [
    {
      kind: 'table',
      caption: `Cosine to the own class mean by class, on ${pair.pair}`,
      head: ['method', 'lowest class', 'tenth percentile', 'median', 'ninetieth percentile'],
      rows: spreads.map(({ label, lowest, tenth, median, ninetieth }) => ({
        cells: [label, ...[lowest, tenth, median, ninetieth].map(digits)],
      })),
    },
    {
      kind: 'plots',
      title: 'By class',
      legend: [],
      plots: [
        {
          title:
            'Cosine to the own class mean: a stroke a class, bar from tenth to ninetieth percentile, median',
          says: spreads.map(({ label, median }) => `${label}, median ${digits(median)}`).join('; '),
          spec: stripSpec(
            rows.map(({ label, cosineByClass }) => ({ label, values: cosineByClass })),
            { width: stripsWidth, axis: 'cosine, by class' },
          ),
        },
      ],
    },
    {
      kind: 'plots',
      title: 'By class, epoch by epoch',
      legend: [],
      plots: rows.map(classesByEpoch),
    },
  ];
}

/** How the classes of one method turn to their means as training goes on. */
function classesByEpoch({ label, cosineByClassByEpoch }: StudyRow): Drawing {
  // The first epochs of a run may be older than the measurement by class.
  const all = cosineByClassByEpoch.flatMap((values, index) =>
    values.length === 0 ? [] : [{ label: `epoch ${String(index + 1)}`, values }],
  );
  const step = Math.max(1, Math.ceil(all.length / shownEpochs));
  // Counted from the last, which is always shown.
  const shown = all.filter((_, index) => (all.length - 1 - index) % step === 0);
  return {
    title: label,
    says: shown
      .map(({ label: epoch, values }) => `${epoch}, median ${digits(spreadOf(values).median)}`)
      .join('; '),
    spec: stripSpec(shown, { width: stripsWidth, axis: 'cosine, by class' }),
  };
}

function digits(value: number): string {
  return value.toFixed(3);
}

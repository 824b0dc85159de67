import { quantile } from 'simple-statistics';
import type { Block } from '../document';
import { type Claim, claimsOn, claimsOver } from './claims';
import { column, knownOf, paperColumn } from './method-table';
import type { StudyPair, StudyView } from './model';

const paper = paperColumn('motivation', { 'kd+cosine': 'cosine', 'kd+infonce': 'infonce' });

/** What the paper claims of the direction. */
export const directionClaims: readonly Claim[] = [
  ...claimsOver('kd+cosine', {
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
  return [
    {
      kind: 'table',
      caption: `Cosine to the own class mean by class, on ${pair.pair}`,
      head: ['method', 'lowest class', 'tenth percentile', 'median', 'ninetieth percentile'],
      rows: rows.map(({ label, cosineByClass }) => ({
        cells: [label, ...spreadOf(cosineByClass).map((value) => value.toFixed(3))],
      })),
    },
  ];
}

/** Deciles by interpolation between order statistics. */
function spreadOf(values: readonly number[]): number[] {
  return quantile([...values], [0, 0.1, 0.5, 0.9]);
}

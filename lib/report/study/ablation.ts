import { outcomeInWords, outcomeOfAll } from '../../statistics/verdicts';
import type { Block } from '../document';
import { type Claim, claimsOn, claimsOver, judgedOn } from './claims';
import { column, knownOf, paperColumn } from './method-table';
import type { StudyPair, StudyView } from './model';

const paper = paperColumn('ablation', {
  kd: 'kd',
  'kd+sifn': 'norm',
  'kd+cosine': 'direction',
  'kd+sifn+cosine': 'norm+direction',
  'kd++': 'nd',
});

/** The order: KD < norm, direction < both apart < ND. */
export const orderClaims: readonly Claim[] = [
  ...claimsOver('kd+sifn', { kd: 'The norm alone helps' }),
  ...claimsOver('kd+cosine', { kd: 'The direction alone helps' }),
  ...claimsOver('kd+sifn+cosine', {
    'kd+sifn': 'Both are better than the norm alone',
    'kd+cosine': 'Both are better than the direction alone',
  }),
  ...claimsOver('kd++', { 'kd+sifn+cosine': 'ND is better than both apart' }),
];

const further = claimsOver('kd++', {
  kd: 'ND helps at all: KD++ over KD',
  'kd+cosine': 'The larger of both norms is better than the student’s always (= cosine)',
  'kd+nd-teacher-norm': 'The larger of both norms is better than the teacher’s always',
  'kd+nd-earlier': 'The last features are a better place than one stage earlier',
  'kd+nd-logits': 'The last features are a better place than the logits',
});

/** What ND is made of. */
export const ablation: StudyView = {
  title: 'Ablation: what ND is made of',
  asks: 'Does each part help, the norm and the direction, and is ND better than both of them apart?',
  ofPair: {
    caption: 'Ablation',
    columns: () => [paper, column.overBase, column.overStudent, column.norm, column.cosine],
    claims: claimBlocks,
  },
  reading: [
    'The order that the paper claims is: KD, then KD with the norm (SIFN) or the direction (cosine) alone, then both as two losses, then ND, which is KD++.',
    'ND with the student’s norm always is the cosine loss itself, so that one row stands for both.',
  ],
  sources: knownOf('ablation'),
};

function claimBlocks(pair: StudyPair): Block[] {
  const all = outcomeOfAll(judgedOn(pair, orderClaims).map(({ outcome }) => outcome));
  return [
    {
      kind: 'text',
      strong: true,
      text: `The order that the paper claims, as a whole: ${outcomeInWords(all, pair.claimScale)}.`,
    },
    claimsOn(pair, 'The paper’s order', orderClaims),
    claimsOn(pair, 'Other claims', further),
  ];
}

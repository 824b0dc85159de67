import { outcomeInWords, outcomeOfAll } from '../../statistics/verdicts';
import { cosineByEpoch, normByEpoch, top1ByEpoch } from '../plots/by-epoch';
import { type Claim, claimed, claimTable, judgeTogether } from './claims';
import {
  cosineColumn,
  gainOverBase,
  gainOverStudent,
  knownOf,
  methodNotes,
  methodTable,
  normColumn,
  paperColumn,
} from './method-table';
import type { StudyPair, StudyView } from './model';
import { barsBlock, linesByEpoch, type LineGroup } from './plots';
import { sweepBlock, termNumber } from './relations';

const paper = paperColumn('ablation', {
  kd: 'kd',
  'kd+sifn': 'norm',
  'kd+cosine': 'direction',
  'kd+sifn+cosine': 'norm+direction',
  'kd++': 'nd',
});

/** The order: KD < norm, direction < both apart < ND. */
const order: readonly Claim[] = [
  { statement: 'The norm alone helps', better: 'kd+sifn', worse: 'kd' },
  { statement: 'The direction alone helps', better: 'kd+cosine', worse: 'kd' },
  { statement: 'Both are better than the norm alone', better: 'kd+sifn+cosine', worse: 'kd+sifn' },
  {
    statement: 'Both are better than the direction alone',
    better: 'kd+sifn+cosine',
    worse: 'kd+cosine',
  },
  { statement: 'ND is better than both apart', better: 'kd++', worse: 'kd+sifn+cosine' },
];

const further: readonly Claim[] = [
  { statement: 'ND helps at all: KD++ over KD', better: 'kd++', worse: 'kd' },
  {
    statement: 'The larger of both norms is better than the student’s always (= cosine)',
    better: 'kd++',
    worse: 'kd+cosine',
  },
  {
    statement: 'The larger of both norms is better than the teacher’s always',
    better: 'kd++',
    worse: 'kd+nd-teacher-norm',
  },
  {
    statement: 'The last features are a better place than one stage earlier',
    better: 'kd++',
    worse: 'kd+nd-earlier',
  },
  {
    statement: 'The last features are a better place than the logits',
    better: 'kd++',
    worse: 'kd+nd-logits',
  },
];

const lines: readonly LineGroup[] = [
  {
    label: 'The order',
    methods: ['kd', 'kd++', 'kd+sifn', 'kd+cosine', 'kd+sifn+cosine'],
  },
  {
    label: 'Other norms in ND',
    methods: ['kd', 'kd++', 'kd+cosine', 'kd+nd-teacher-norm', 'kd+nd-detached'],
  },
  { label: 'Other places', methods: ['kd', 'kd++', 'kd+nd-earlier', 'kd+nd-logits'] },
  { label: 'Other weights', methods: ['kd', 'kd++', 'kd+nd-x0.5', 'kd+nd-x2', 'kd+nd-x4'] },
];

/** What ND is made of. */
export const ablation: StudyView = {
  title: 'Ablation: what ND is made of',
  asks: 'Does each part help, the norm and the direction, and is ND better than both of them apart?',
  numbersKnown: false,
  pairBlocks,
  reading: [
    'The order that the paper claims is: KD, then KD with the norm (SIFN) or the direction (cosine) alone, then both as two losses, then ND, which is KD++.',
    'ND with the student’s norm always is the cosine loss itself, so that one row stands for both.',
  ],
  sources: knownOf('ablation'),
};

function pairBlocks(pair: StudyPair): ReturnType<NonNullable<StudyView['pairBlocks']>> {
  const judged = judgeTogether(order.map((claim) => claimed(pair, claim)));
  const all = outcomeOfAll(judged.map(({ outcome }) => outcome));
  return [
    methodTable(pair, `Ablation on ${pair.pair}`, [
      paper,
      gainOverBase,
      gainOverStudent,
      normColumn,
      cosineColumn,
    ]),
    methodNotes(pair),
    {
      kind: 'text',
      strong: true,
      text: `The order that the paper claims, as a whole: ${outcomeInWords(all, pair.claimScale)}.`,
    },
    claimTable(`The paper’s order on ${pair.pair}`, judged, pair.claimScale),
    claimTable(
      `Other claims on ${pair.pair}`,
      judgeTogether(further.map((claim) => claimed(pair, claim))),
      pair.claimScale,
    ),
    barsBlock(pair),
    ...sweepBlock(pair, {
      title: 'Against ND’s weight',
      label: 'KD + ND',
      methods: ['kd', 'kd+nd-x0.5', 'kd++', 'kd+nd-x2', 'kd+nd-x4'],
      x: (row) => (row.method === 'kd' ? 0 : termNumber(row, 'normDirection', 'weight')),
      axis: { title: 'weight of ND (0: KD alone)', scale: 'linear' },
      quantities: [
        { title: 'Top-1 against ND’s weight', axis: 'top-1 (%)', of: ({ top1 }) => top1 },
        {
          title: 'Norm against ND’s weight',
          axis: 'mean norm',
          of: ({ studentNorm }) => studentNorm,
          ofTeacher: ({ teacherNorm }) => teacherNorm,
        },
      ],
      levels: [],
    }),
    ...linesByEpoch(pair, lines, [top1ByEpoch, normByEpoch, cosineByEpoch]),
  ];
}

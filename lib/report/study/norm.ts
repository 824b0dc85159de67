import { bySeedOf, summarise } from '../../statistics/summary';
import { type Trend, trendOf } from '../../statistics/trend';
import { formatPercent, toFixed2 } from '../numbers';
import { type Claim, claimsOn, claimsOver } from './claims';
import type { Block } from '../document';
import { column, knownOf, paperColumn } from './method-table';
import { type FamilyMember, rowOf, type StudyView } from './model';
import type { PublishedMeans } from './published-means';

const paper = paperColumn('motivation', { 'kd+norm': 'l2', 'kd+sifn': 'sifn' });

/** What the paper claims of the norm. */
export const normClaims: readonly Claim[] = [
  ...claimsOver('kd+sifn', {
    'kd+norm': 'SIFN is better than the naive norm loss',
    'kd+feature': 'SIFN is better than the naive feature loss',
  }),
  ...claimsOver(
    'kd+sifn',
    { kd: 'SIFN makes the features longer than KD does' },
    ({ studentNorm }) => studentNorm,
  ),
  shorter('kd', 'under KD'),
  shorter('student', 'trained alone'),
];

/** Longer features. */
export const norm: StudyView = {
  title: 'Norm: longer features',
  asks: 'Do longer features help, and is it better to let them grow step by step (SIFN) than to pull them to the teacher’s length at once? Have larger networks longer features?',
  ofPair: {
    caption: 'Norm losses',
    columns: () => [paper, column.overBase, column.overStudent, column.norm, column.cosine],
    claims: (pair) => [claimsOn(pair, 'The paper’s claims', normClaims)],
  },
  groupBlocks: ({ family }, published) => [...familyBlocks(family), ...publishedBlocks(published)],
  reading: [
    'Norm: the mean length of the features before the classifier, over the test images; the teacher’s is its own.',
    'With the previous norm held constant, SIFN’s gradient depends on weight times r alone: its rows by r are as well rows by its weight.',
  ],
  sources: knownOf('motivation'),
};

/** By the teacher's norm, as KD's runs know it, minus the student's, seed by seed. */
function shorter(method: string, how: string): Claim {
  return (pair) => {
    const { studentNorm = null } = rowOf(pair, method) ?? {};
    const { teacherNorm = null } = rowOf(pair, 'kd') ?? {};
    const missing = [...bySeedOf(studentNorm)].flatMap(([seed, norm]) =>
      teacherNorm === null ? [] : [[seed, teacherNorm - norm] as const],
    );
    return {
      statement: `A student’s features are shorter than its teacher’s, ${how}`,
      worse: method,
      difference: summarise(new Map(missing)),
    };
  };
}

/** How the norm of networks that were each trained once rises with their size; null for fewer than three. */
export function normTrend(family: readonly FamilyMember[]): Trend | null {
  return trendOf(
    family.map(({ parameters, norm: own }) => ({ parameters, values: new Map([[0, own]]) })),
  );
}

function familyBlocks(family: readonly FamilyMember[]): Block[] {
  if (family.length < 2) return [];
  const trend = normTrend(family);
  return [
    { kind: 'heading', text: 'Have larger networks longer features?' },
    {
      kind: 'table',
      caption: 'Norms of the networks that were trained here as teachers',
      head: ['network', 'parameters', 'top-1, last epoch', 'mean norm'],
      rows: family.map((member) => ({
        cells: [
          member.model,
          member.parameters.toLocaleString('en'),
          toFixed2(member.top1),
          toFixed2(member.norm),
        ],
      })),
    },
    {
      kind: 'text',
      strong: true,
      text:
        trend === null
          ? 'Fewer than three networks: no trend.'
          : `Of ${String(trend.sizes)} networks, each trained once: the norm changes by ${toFixed2(trend.slope.mean)} for ten times the parameters; rank correlation ${toFixed2(trend.rank)}, and ${formatPercent(trend.permutation)} of all orders of ${String(trend.sizes)} sizes rise as steeply.`,
    },
  ];
}

function publishedBlocks(published: readonly PublishedMeans[]): Block[] {
  if (published.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: 'Norms of published class means',
      head: ['teacher', 'classes', 'dimension', 'mean norm of a class mean', 'smallest … largest'],
      rows: published.map((means) => ({
        cells: [
          means.teacher,
          String(means.classes),
          String(means.dimension),
          toFixed2(means.mean),
          `${toFixed2(means.smallest)} … ${toFixed2(means.largest)}`,
        ],
      })),
    },
    {
      kind: 'text',
      strong: true,
      text: 'The mean of a class is shorter than the mean length of its features, and networks of other widths are not compared by it.',
    },
  ];
}

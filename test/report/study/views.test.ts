import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { gainCells } from '../../../lib/report/cells';
import type { GroupSetting } from '../../../lib/report/group';
import { buildStudy } from '../../../lib/report/study/build';
import { readPublishedMeans } from '../../../lib/report/study/published-means';
import { imageNetNumber } from '../../../lib/report/study/table2';
import { summarise } from '../../../lib/statistics/summary';
import { studyMethods } from '../../../reproduce/recipes/studies';
import { withFolder } from '../../support/folder';
import { documentOf, groupsOf, namedMethods, tableOf, type StudyRun } from './made-up-study';

/** One seed of each method with a top-1 that no other two have the same difference of. */
function onceEach(top1: Readonly<Record<string, number>>): StudyRun[] {
  return Object.entries(top1).map(([method, value]) => ({ method, top1: value }));
}

/** Claims and their differences. */
function claims(rows: readonly Readonly<Record<string, string>>[]): [string, string][] {
  return rows.map(({ claim = '', difference = '' }) => [claim, difference]);
}

describe('the claims of a study', () => {
  it('ablation: each takes its own two rows from each other', () => {
    const document = documentOf(
      'ablation',
      onceEach({
        ...{ kd: 10, 'kd+sifn': 11, 'kd+cosine': 13, 'kd+sifn+cosine': 17, 'kd++': 25 },
        ...{ 'kd+nd-teacher-norm': 20, 'kd+nd-earlier': 18, 'kd+nd-logits': 23 },
        'kd+nd-detached': 24,
      }),
      studyMethods.ablation,
    );
    expect(claims(tableOf(document, /order/))).to.deep.equal([
      ['The norm alone helps', '+1.00 (1)'],
      ['The direction alone helps', '+3.00 (1)'],
      ['Both are better than the norm alone', '+6.00 (1)'],
      ['Both are better than the direction alone', '+4.00 (1)'],
      ['ND is better than both apart', '+8.00 (1)'],
    ]);
    expect(claims(tableOf(document, /Other claims/))).to.deep.equal([
      ['ND helps at all: KD++ over KD', '+15.00 (1)'],
      [
        'The larger of both norms is better than the student’s always (= cosine)',
        // 25 − 13
        '+12.00 (1)',
      ],
      ['The larger of both norms is better than the teacher’s always', '+5.00 (1)'],
      ['The last features are a better place than one stage earlier', '+7.00 (1)'],
      ['The last features are a better place than the logits', '+2.00 (1)'],
    ]);
  });

  it('norm: each takes its own two rows from each other', () => {
    const document = documentOf(
      'norm',
      [
        { method: 'kd', top1: 10, last: { studentNorm: 5, teacherNorm: 9 } },
        { method: 'kd+sifn', top1: 12, last: { studentNorm: 7.5, teacherNorm: 9 } },
        { method: 'student', top1: 8, last: { studentNorm: 8, teacherNorm: null } },
        ...onceEach({ 'kd+norm': 9, 'kd+feature': 15 }),
      ],
      studyMethods.norm,
    );
    expect(claims(tableOf(document, /claims/))).to.deep.equal([
      ['SIFN is better than the naive norm loss', '+3.00 (1)'],
      ['SIFN is better than the naive feature loss', '−3.00 (1)'],
      // 7.5 − 5
      ['SIFN makes the features longer than KD does', '+2.50 (1)'],
      // 9 − 5
      ['A student’s features are shorter than its teacher’s, under KD', '+4.00 (1)'],
      // 9 − 8
      ['A student’s features are shorter than its teacher’s, trained alone', '+1.00 (1)'],
    ]);
  });

  it('direction: each takes its own two rows from each other', () => {
    const document = documentOf(
      'direction',
      onceEach({
        ...{ kd: 10, 'kd+cosine': 20, 'kd+classifier': 4, 'kd++': 30, 'kd+nd-classifier': 27 },
        ...{ 'kd+infonce-t0.05': 19, 'kd+infonce': 18, 'kd+infonce-t0.5': 13 },
        ...{ 'kd+infonce-t1': 5, 'kd+infonce-x10': 26 },
      }),
      studyMethods.direction,
    );
    expect(claims(tableOf(document, /claims/))).to.deep.equal([
      ['Cosine is better than InfoNCE (temperature 0.05)', '+1.00 (1)'],
      ['Cosine is better than InfoNCE (temperature 0.1)', '+2.00 (1)'],
      ['Cosine is better than InfoNCE (temperature 0.5)', '+7.00 (1)'],
      ['Cosine is better than InfoNCE (temperature 1)', '+15.00 (1)'],
      ['Cosine is better than InfoNCE (temperature 0.1, × 10)', '−6.00 (1)'],
      ['Class means are better than classifier weights, by cosine', '+16.00 (1)'],
      ['Class means are better than classifier weights, by ND', '+3.00 (1)'],
    ]);
  });
});

describe('a study’s table of methods', () => {
  it('has accuracy, gains, norm and cosine of each, the norm as a share of the teacher’s', () => {
    const last = (cosineToClassMean: number): NonNullable<StudyRun['last']> => ({
      ...{ studentNorm: 9, teacherNorm: 12, cosineToClassMean },
    });
    const document = documentOf(
      'norm',
      [
        { method: 'kd', top1: 50, last: last(0.5) },
        { method: 'student', top1: 40 },
        { method: 'kd+sifn', seed: 1, top1: 53, first: { testTop1: 58 }, last: last(0.5) },
        { method: 'kd+sifn', seed: 2, top1: 55, last: last(0.75) },
      ],
      studyMethods.norm,
    );
    const row = tableOf(document, /Norm losses/).find(
      ({ method }) => method === 'KD + SIFN, r = 1',
    );
    expect(row).to.deep.equal({
      method: 'KD + SIFN, r = 1',
      'top-1, last epoch': '54.00 ± 1.41 (2)',
      // (58 + 55) / 2
      'best epoch': '56.50',
      paper: 'not known',
      'gain over its base, same seeds': '+3.00 (1)',
      'gain over the student alone': '+13.00 (1)',
      'student’s norm': '9.00 ± 0.00 (2)',
      // Deviations ±0.125: √(0.03125 / 1).
      'cosine to the own class mean': '0.625 ± 0.177',
    });
    expect(JSON.stringify(document.parts[0]?.blocks[1])).to.contain('0.75 of the teacher’s');
    expect(document.parts[0]?.sentences.join()).to.contain('single seed');
  });
});

describe('the p values of a column of gains', () => {
  it('stand below their own gains, adjusted for the others', () => {
    const gain = (...values: number[]): ReturnType<typeof summarise> =>
      summarise(new Map(values.map((value, seed) => [seed, value])));
    // t² = 75 and 18.75: p = 2 (1 − √(75 / 77)) and 1 − √(18.75 / 20.75).
    expect(gainCells([gain(2, 2.5, 3), null, gain(0.6, 1, 1.4), gain(5)])).to.deep.equal([
      { text: '+2.50 ± 0.50 (3)', below: ['+1.26 … +3.74', 'p 0.026'] },
      '–',
      { text: '+1.00 ± 0.40 (3)', below: ['+0.01 … +1.99', 'p 0.049'] },
      '+5.00 (1)',
    ]);
  });
});

describe('the cosines of a study by class', () => {
  it('have the lowest class, the deciles and the median in their columns', () => {
    // 0, 0.1, … 1.
    const cosineByClass = Array.from({ length: 11 }, (_, label) => label / 10);
    const document = documentOf(
      'direction',
      [
        { method: 'kd', top1: 50, last: { cosineByClass } },
        { method: 'kd+cosine', top1: 51 },
      ],
      studyMethods.direction,
    );
    expect(tableOf(document, /by class/)).to.deep.equal([
      {
        method: 'KD',
        'lowest class': '0.000',
        'tenth percentile': '0.100',
        median: '0.500',
        'ninetieth percentile': '0.900',
      },
    ]);
  });
});

describe('what is said first of a study', () => {
  const said = (changes: Partial<GroupSetting>): string => {
    const [group] = groupsOf([{ method: 'kd+sifn', top1: 50 }], studyMethods.norm);
    if (group === undefined) throw new Error('no group');
    const paper = { dataset: 'cifar100', scale: 'paper', epochs: 240, batchSize: 128 } as const;
    const setting = { ...group.setting, ...paper, ...changes };
    return buildStudy('norm', [{ ...group, setting }], []).parts[0]?.sentences.join(' ') ?? '';
  };

  it('is that another scale, length, batch or data set is not the paper’s setting', () => {
    for (const other of [
      ...(['quick', 'short', 'reduced'] as const).map((scale) => ({ scale })),
      ...[{ epochs: 40 }, { batchSize: 64 }, { dataset: 'cifar100-first20' }],
    ]) {
      expect(said(other), JSON.stringify(other)).to.contain('not the paper’s setting');
    }
    expect(said({ epochs: 40 })).to.contain('These are runs of 40 epochs on cifar100');
    expect(said({})).to.not.contain('not the paper’s setting');
  });
});

describe('the paper’s ImageNet number of a row', () => {
  for (const [pair, method, number] of [
    // Its main table's, not the mean of five trials (71.99, 72.08).
    ['resnet34:resnet18', 'kd++', 71.98],
    ['resnet34:resnet18', 'dkd++', 72.07],
    ['resnet34:resnet18', 'crd', 71.17],
    // Printed for the published recipe, and for no other.
    ['resnet34:resnet18', 'kd', null],
    ['resnet34:resnet18', 'kd-published', 70.66],
    ['resnet34:resnet18', 'reviewkd', null],
    ['resnet34:resnet18', 'reviewkd-published', 71.62],
    ['resnet34:resnet18', 'student', null],
    ['resnet34:resnet18', 'student-published', 69.76],
    ['resnet50:resnet18', 'kd', 71.35],
    ['resnet152:resnet18', 'reviewkd++', 71.86],
    ['vit_small_patch16_224:resnet18', 'kd++', 71.46],
    ['regnety_160:deit_base_distilled_patch16_224', 'deit', 83.35],
    ['regnety_160:deit_base_distilled_patch16_224', 'deit-published', 83.4],
    ['regnety_160:deit_base_distilled_patch16_224', 'deit++', 83.6],
    ['resnet20:resnet8', 'kd', null],
  ] as const) {
    it(`of ${method} on ${pair} is ${String(number)}`, () => {
      expect(imageNetNumber(pair, method)).to.equal(number);
    });
  }

  it('stands beside the measured one, and so does its gain over the printed base', () => {
    const pair = 'resnet34:resnet18';
    const document = documentOf(
      'table2',
      onceEach({ kd: 60, 'kd++': 61, dkd: 62, 'dkd++': 62.5 }).map((run) => ({ ...run, pair })),
      namedMethods('kd', 'kd++', 'dkd', 'dkd++'),
    );
    const columns = ['method', 'paper, on ImageNet', 'gain over its base, same seeds'];
    expect(
      tableOf(document, /Table 2/).map((row) =>
        [...columns, 'the paper’s gain over it'].map((name) => row[name]),
      ),
    ).to.deep.equal([
      ['kd', '–', '', ''],
      // 71.98 − 70.66
      ['kd++', '71.98', '+1.00 (1)', '+1.32'],
      ['dkd', '–', '', ''],
      // 72.07 − 71.70
      ['dkd++', '72.07', '+0.50 (1)', '+0.37'],
    ]);
  });
});

describe('students under growing teachers', () => {
  const sizes = { resnet14: 1e5, resnet20: 1e6, resnet56: 1e7 };
  // Given in no order; KD++ gains two points for ten times the size, KD half a point.
  const runs = (
    [
      ['resnet56', 2],
      ['resnet14', 0],
      ['resnet20', 1],
    ] as const
  ).flatMap(([teacher, step]): StudyRun[] => {
    const provenance = {
      teacherParameters: sizes[teacher],
      // Falls as the teacher grows: never to be taken for its size.
      ...{ parameters: 78_042 - step, teacherTop1: 60 + step },
    };
    const pair = `${teacher}:resnet8`;
    return [
      { method: 'kd', top1: 50 + 0.5 * step, pair, provenance },
      { method: 'kd++', top1: 51 + 2 * step, pair, provenance },
    ];
  });
  let document: ReturnType<typeof documentOf>;
  beforeEach(() => {
    document = documentOf('teachers', runs, studyMethods.teachers);
  });

  it('stand in the order of the teachers’ sizes', () => {
    const [itself, kd, plus] = tableOf(document, /^Top-1 of resnet8/);
    expect(Object.keys(itself ?? {})).to.deep.equal([
      ...['method', 'resnet14 (0.10 M)', 'resnet20 (1.00 M)', 'resnet56 (10.00 M)'],
    ]);
    expect(Object.values(itself ?? {})).to.deep.equal([
      'Teacher itself',
      '60.00',
      '61.00',
      '62.00',
    ]);
    expect(Object.values(kd ?? {})).to.deep.equal(['KD', '50.00 (1)', '50.50 (1)', '51.00 (1)']);
    expect(Object.values(plus ?? {}).slice(1)).to.deep.equal([
      ...['51.00 (1)', '53.00 (1)', '55.00 (1)'],
    ]);
  });

  it('rise by their slopes, and with ND by so much more', () => {
    const rows = tableOf(document, /learn more from larger teachers/);
    expect(
      rows.map((row) =>
        Object.values(row)
          .slice(0, 6)
          .map((text) => text.replace(/ \(ND\)/g, '')),
      ),
    ).to.deep.equal([
      ['KD: rises with the teacher’s size', '+0.50 (1)', '–', '–', '+1.00', '16.7 %'],
      ['KD++: rises with the teacher’s size', '+2.00 (1)', '–', '–', '+1.00', '16.7 %'],
      ['KD++ rises more than KD', '+1.50 (1)', '–', '–', '', ''],
    ]);
  });

  it('have as not run what ran under none of them, and each pair’s unfinished runs', () => {
    const more = documentOf(
      'teachers',
      [
        ...runs,
        { method: 'dkd', top1: 50, pair: 'resnet56:resnet8' },
        { method: 'dkd++', top1: 50, pair: 'resnet56:resnet8', finished: false },
      ],
      studyMethods.teachers,
    );
    const notes = (more.parts[0]?.blocks ?? []).flatMap((block) =>
      block.kind === 'list' ? block.items : [],
    );
    const [idle = ''] = notes.filter((note) => note.startsWith('Not run'));
    expect(idle).to.contain('ReviewKD').and.not.match(/\bDKD/);
    expect(notes.join(' ')).to.contain('DKD++ on resnet56:resnet8, seed 1: 1 of 2 epochs done');
  });

  it('stand beside the paper’s, by teacher in its order', () => {
    const [kd] = tableOf(document, /^The paper, on ImageNet/);
    expect(Object.values(kd ?? {}).slice(1, 5)).to.deep.equal([
      ...['70.67', '71.35', '71.09', '71.13'],
    ]);
    // Ranks 1, 4, 2, 3 by size: 1 − 6 · (0 + 4 + 1 + 1) / (4 · 15).
    expect(kd?.['rank correlation']).to.equal('+0.40');
  });
});

describe('published class means', () => {
  const folder = withFolder();

  it('are told by the norms of the classes: mean, smallest and largest', () => {
    const path = join(folder(), 'means');
    mkdirSync(path);
    const norms = { 0: [3, 4], 1: [6, 8], 2: [5, 12] };
    writeFileSync(join(path, 'resnet56.json'), JSON.stringify(norms));
    // 5, 10 and 13.
    expect(readPublishedMeans(path)).to.deep.equal([
      { teacher: 'resnet56', classes: 3, dimension: 2, mean: 28 / 3, smallest: 5, largest: 13 },
    ]);
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { buildGlance } from '../../../lib/report/claims/glance';
import type { ClaimSources } from '../../../lib/report/claims/candidates';
import type { Drawing, PlotsBlock } from '../../../lib/report/document';
import { drawAll } from '../../../lib/report/draw';
import { epochsPicture } from '../../../lib/report/plots/by-epoch';
import { sizesPicture } from '../../../lib/report/plots/by-size';
import {
  headlineOf,
  intervalsPicture,
  type PicturedComparison,
  signed,
} from '../../../lib/report/plots/intervals';
import { styleAt } from '../../../lib/report/plots/style';
import { buildTable1 } from '../../../lib/report/table1/build';
import { linesOf, renderPicture } from '../../../lib/report/writers/picture';
import { summarise, type Summary } from '../../../lib/statistics/summary';
import { reportOf } from '../../../reproduce/grid/report';
import { studyMethods } from '../../../reproduce/recipes/studies';
import { startChromium } from '../../support/chromium';
import { ofCommittedResults } from '../../support/committed-results';
import { madeUpRun } from '../../support/made-up-runs';
import { noRuns } from '../../support/table1-report';
import { groupsOf, type StudyRun } from '../study/made-up-study';

const results = join(__dirname, '..', '..', '..', 'results');
const words = { title: 'A title', subtitle: 'A subtitle', file: 'claims/some' };

/** Values of the seeds 1, 2, … */
function over(...values: number[]): Summary {
  const summary = summarise(new Map(values.map((value, index) => [index + 1, value])));
  return summary ?? expect.fail('no values');
}

/** The pictures by their files, of some runs and no others. */
function picturesOf(sources: Partial<ClaimSources>): ReadonlyMap<string, PlotsBlock> {
  return new Map(
    buildGlance({ ...noRuns, ...sources }).pictures.map(({ block }) => [
      (block.file ?? '').replace('claims/', ''),
      block,
    ]),
  );
}

function table1Of(
  ...rows: (readonly [method: string, ...top1: number[]])[]
): ClaimSources['table1'] {
  const runs = rows.flatMap(([method, ...ends]) =>
    ends.map((end, index) =>
      madeUpRun({ config: { method, seed: index + 1 }, top1: [end - 20, end] }),
    ),
  );
  return buildTable1({ study: 'table1', runs, root: 'results' });
}

/** A run for each value, of the seeds 1, 2, … */
function seeds(method: string, top1: readonly number[], more: Partial<StudyRun> = {}): StudyRun[] {
  return top1.map((value, index) => ({ method, seed: index + 1, top1: value, ...more }));
}

/** All rows of the data in a plot that have these fields, each once. */
function dataOf(spec: Drawing['spec'], ...fields: string[]): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (fields.every((field) => field in value)) found.push({ ...value });
    Object.values(value).forEach(walk);
  };
  walk(spec);
  return [...new Map(found.map((row) => [JSON.stringify(row), row])).values()];
}

describe('the headline of a difference', () => {
  // With s = 1 and n = 3: ± 4.30265 / √3 = 2.484; with s = 0.5 half of it.
  for (const [label, values, unit, expected] of [
    ['KD++ over KD', [1.5, 2, 2.5], 'points', 'ND adds 2.0 points to KD, 95 % 0.8 … 3.2, n = 3'],
    // An interval that holds 0 shows neither.
    ['KD++ over KD', [1, 2, 3], 'points', 'KD++: 2.0 points above KD, 95 % −0.5 … +4.5, n = 3'],
    ['KD++ over KD', [-2], 'points', 'KD++: 2.0 points below KD, n = 1, so no interval'],
    [
      'DKD++ over DKD',
      [-1.5, -2, -2.5],
      'points of AP',
      'ND takes 2.0 points of AP from DKD, 95 % −3.2 … −0.8, n = 3',
    ],
    [
      'cosine over InfoNCE, τ = 0.1',
      [0.25, 0.35],
      'points',
      'Cosine: 0.3 points above InfoNCE, τ = 0.1, n = 2, so no interval',
    ],
    ['SIFN over KD', [-1], 'points', 'SIFN: 1.0 points below KD, n = 1, so no interval'],
    ['a slope', [-1], 'points', 'A slope: −1.0 points, n = 1, so no interval'],
  ] as const) {
    it(`of ${label}, ${values.join(' ')}, is “${expected}”`, () => {
      expect(headlineOf(label, over(...values), unit)).to.equal(expected);
    });
  }
});

describe('the pictures of claims', () => {
  it('C1 has each ++ row over its base, the paper’s range beside it, and the first in its title', () => {
    const pictures = picturesOf({
      table1: table1Of(
        ...([
          ['kd', 50, 52, 54],
          ['kd++', 51.5, 54, 56.5],
          ['dkd', 60],
          ['dkd++', 59],
        ] as const),
      ),
    });
    const picture = pictures.get('c1-nd-over-base');
    // 1.5, 2 and 2.5.
    expect(picture?.title).to.equal('ND adds 2.0 points to KD, 95 % 0.8 … 3.2, n = 3 (toy)');
    const [plot] = picture?.plots ?? [];
    expect(plot?.title).to.match(/^C1: ND improves every method.* Inconclusive \(toy\): /u);
    expect(plot?.title).to.include('Fashion-MNIST, resnet20 → resnet8, 2 epochs');
    expect(plot?.says).to.equal(
      'KD++ over KD +2.0 (+0.8 … +3.2), n = 3; DKD++ over DKD −1.0, n = 1',
    );
    // 72.53 − 70.66 is the first of the paper's pairs; 1.05 and 2.45 are its ends, of DKD 0.19 and 0.84.
    const paper = dataOf(plot?.spec ?? null, 'low', 'high', 'text');
    expect(paper.map(({ text }) => text)).to.deep.equal(['paper 1.05 … 2.45', 'paper 0.19 … 0.84']);
    expect(paper[0]).to.include({ low: 1.05 });
    const dots = dataOf(plot?.spec ?? null, 'value', 'y').map(({ value }) => value);
    expect(dots).to.include.members([1.5, 2, 2.5]).and.not.include(-1);
    // What was not run has no row, and a claim without any run says so.
    expect(JSON.stringify(plot?.spec)).not.to.include('DIST');
    expect(pictures.get('c2-sifn-over-naive')?.title).to.equal(
      'Not run: SIFN is better than the naive norm loss',
    );
  });

  it('C3 and C4 tell of their main comparison, C7 of means and weights, without KD on both sides', () => {
    const directions = seeds('kd', [40]).concat(
      seeds('kd+cosine', [50]),
      seeds('kd+infonce-t0.05', [49]),
      seeds('kd+infonce', [48]),
      seeds('kd+classifier', [46]),
    );
    const parts = seeds('kd', [40]).concat(
      seeds('kd+sifn', [41]),
      seeds('kd+cosine', [42]),
      seeds('kd+sifn+cosine', [45]),
      seeds('kd++', [52]),
    );
    const pictures = picturesOf({
      direction: groupsOf(directions, studyMethods.direction),
      ablation: groupsOf(parts, studyMethods.ablation),
    });
    expect(pictures.get('c3-cosine-over-infonce')?.title).to.match(
      // 50 − 48.
      /^Cosine: 2\.0 points above InfoNCE, τ = 0\.1, n = 1/u,
    );
    expect(pictures.get('c3-cosine-over-infonce')?.plots[0]?.says).to.equal(
      'cosine over InfoNCE, τ = 0.1 +2.0, n = 1; cosine over InfoNCE, τ = 0.05 +1.0, n = 1',
    );
    // 52 − 45.
    expect(pictures.get('c4-nd-over-parts')?.title).to.match(
      /^ND: 7\.0 points above SIFN \+ cosine/u,
    );
    expect(pictures.get('c7-means-over-weights')?.title).to.match(
      /^Class means: 4\.0 points above classifier weights, by cosine, n = 1/u,
    );
  });

  it('C4 has another picture of ND’s weights, from the recipes, where there are two', () => {
    const recipe = (weight: number): StudyRun['recipe'] => ({
      training: {
        method: {
          terms: [
            { loss: 'kd', weight: 1 },
            { loss: 'normDirection', weight },
          ],
        },
      },
    });
    const weighted = (method: string, weight: number, ...top1: number[]) =>
      seeds(method, top1, { recipe: recipe(weight) });
    const one = [
      ...seeds('kd', [50, 51, 52]),
      ...weighted('kd++', 2, 51, 52.5, 54),
      ...weighted('kd+nd-detached', 2, 90, 91, 92),
      ...seeds('kd+cosine', [50]),
      ...seeds('kd+sifn+cosine', [50]),
    ];
    const picturesWith = (...more: StudyRun[]) =>
      picturesOf({ ablation: groupsOf([...one, ...more], studyMethods.ablation) });
    expect(picturesWith().has('nd-weight')).to.equal(false);
    const picture = picturesWith(
      ...weighted('kd+nd-x4', 8, 48, 49),
      ...weighted('kd+nd-x0.25', 0.5, 50.5, 51.5, 52.5),
    ).get('nd-weight');
    // KD++: 1, 1.5 and 2 over KD, s = 0.5; at 8 twice −2, at 0.5 three times 0.5.
    expect(picture?.title).to.equal(
      'ND’s weight, points over KD: +0.5 at 0.5, +1.5 at 2, −2.0 at 8, n = 2 or 3 (toy)',
    );
    expect(picture?.plots[0]?.says).to.equal(
      'weight 0.5 +0.5 (+0.5 … +0.5), n = 3; weight 2 (KD++) +1.5 (+0.3 … +2.7), n = 3; weight 8 −2.0, n = 2',
    );
  });

  it('C5 has a student under each teacher by size, its slope in the title', () => {
    const sizes = { resnet20: 1e7, resnet14: 1e6, resnet8: 1e5 };
    const runs = Object.entries(sizes).flatMap(([teacher, teacherParameters], index) => {
      const more = {
        pair: `${teacher}:resnet8`,
        provenance: { teacherParameters, teacherTop1: 60 + index },
      };
      // For ten times the size KD++ gains 2 points with each seed, KD none.
      return [
        ...seeds('kd', [50, 51, 52], more),
        ...seeds('kd++', [58 - 2 * index, 58.5 - 2 * index, 59 - 2 * index], more),
      ];
    });
    const pictures = picturesOf({ teachers: groupsOf(runs, studyMethods.teachers) });
    const picture = pictures.get('c5-larger-teachers');
    expect(picture?.title).to.match(
      /^Under a teacher of ten times the size KD\+\+ gains 2\.0 points, 95 % 2\.0 … 2\.0, n = 3 \(toy\)$/u,
    );
    expect(picture?.plots[0]?.says).to.equal(
      'KD: resnet8 51.0, resnet14 51.0, resnet20 51.0; KD++: resnet8 54.5, resnet14 56.5, resnet20 58.5',
    );
    expect(JSON.stringify(picture?.plots[0]?.spec)).to.include(
      '"facts":["0.10 M","itself 62.0 %"]',
    );
  });

  it('C5 shows the method that its first comparison is of', () => {
    const sizes = { resnet20: 1e7, resnet14: 1e6, resnet8: 1e5 };
    const runs = Object.entries(sizes).flatMap(([teacher, teacherParameters], index) => {
      const more = { pair: `${teacher}:resnet8`, provenance: { teacherParameters } };
      const own = seeds('dkd++', [58 - index, 58.5 - index, 59 - index], more);
      return [...seeds('dkd', [50, 51, 52], more), ...own];
    });
    const picture = picturesOf({ teachers: groupsOf(runs, studyMethods.teachers) }).get(
      'c5-larger-teachers',
    );
    expect(picture?.title).to.match(/^Under a teacher of ten times the size DKD\+\+ gains 1\.0/u);
    expect(picture?.plots[0]?.says).to.match(/^DKD: resnet8 51\.0.*; DKD\+\+: resnet8 56\.5/u);
  });

  it('C6 has the networks’ norms by size, and the student’s beside its teacher’s', () => {
    const teachers = ['resnet20', 'resnet14', 'resnet8'].map((pair, index) => ({
      ...{ method: 'teacher', pair, top1: 70, provenance: { parameters: 10 ** (7 - index) } },
      // 8, 7 and 6: one longer for ten times the size.
      last: { studentNorm: 8 - index },
    }));
    const students = seeds('kd', [50, 50, 50]).map((run, index) => ({
      ...run,
      // 8 − 5.5, 8 − 5 and 8 − 4.5: 3 ± 1.24.
      last: { studentNorm: 5.5 - index / 2, teacherNorm: 8 },
    }));
    const other = { method: 'kd', pair: 'resnet14:resnet8', top1: 50 };
    const third = { method: 'kd', pair: 'resnet8:resnet8', top1: 50 };
    const drawn = (...runs: StudyRun[]) =>
      picturesOf({ norm: groupsOf(runs, studyMethods.norm) }).get('c6-longer-features');
    const picture = drawn(...teachers, ...students, other, third);
    expect(picture?.title).to.equal(
      'Features: 1.0 longer for ten times the parameters, 3.0 shorter in a student under KD than in its teacher, 95 % 1.8 … 4.2, n = 3 (toy)',
    );
    expect(picture?.plots[0]?.says).to.equal(
      'norm: resnet8 6.00, resnet14 7.00, resnet20 8.00, resnet8 5.00',
    );
    // 8 − 7.5, 8 − 8 and 8 − 8.5, of a student that is not among the teachers.
    const alone = seeds('student', [50, 50, 50]).map((run, index) => ({
      ...run,
      last: { studentNorm: 7.5 + index / 2, teacherNorm: null },
    }));
    const beside = drawn(...teachers.slice(0, 1), ...students, ...alone);
    expect(beside?.title).to.equal(
      'Features: 3.0 shorter in a student under KD than in its teacher, 95 % 1.8 … 4.2, n = 3, neither shorter nor longer in one alone, 95 % −1.2 … +1.2, n = 3 (toy)',
    );
    expect(beside?.plots[0]?.says).to.equal('norm: resnet20 8.00, resnet8 8.00, resnet8 5.00');
    // 10.5, 11 and 11.5 beside 8: the interval is of what the title names.
    const long = students.map((run, index) => ({
      ...run,
      last: { studentNorm: 10.5 + index / 2, teacherNorm: 8 },
    }));
    expect(drawn(...long)?.title).to.equal(
      'Features: 3.0 longer in a student under KD than in its teacher, 95 % 1.8 … 4.2, n = 3 (toy)',
    );
  });

  it('C9 has the paper’s numbers, and what was measured in its own setting beside them', () => {
    const run = (method: string, top1: number, seed: number) =>
      madeUpRun({
        config: {
          ...{ pair: 'resnet56:resnet20', teacher: 'resnet56', student: 'resnet20', method, seed },
          ...{ dataset: 'cifar100', scale: 'paper' as const, epochs: 240 },
        },
        provenance: { teacherSource: 'cifar_teachers.tar', teacherTop1: 72.34 },
        top1: Array.from({ length: 240 }, () => top1),
      });
    const none = picturesOf({}).get('c9-printed-numbers');
    expect(none?.title).to.equal('None of the paper’s numbers of R56 → R20 was run');
    expect(dataOf(none?.plots[0]?.spec ?? null, 'text', 'low').map(({ low }) => low)).to.deep.equal(
      [
        // The student, ReviewKD, KD, DIST, DKD and their ++ rows.
        ...[69.06, 71.89, 70.66, 71.78, 71.97, 72.53, 72.52, 72.16, 72.05],
      ],
    );
    // 72.53 is the paper's KD++, 72.16 its DKD++.
    const runs = [72.4, 72.5, 72.6].flatMap((top1, index) => [
      run('kd++', top1, index + 1),
      run('dkd++', top1 - 5, index + 1),
    ]);
    const some = picturesOf({ table1: buildTable1({ study: '', runs, root: '' }) }).get(
      'c9-printed-numbers',
    );
    expect(some?.title).to.equal(
      '1 of 2 numbers of R56 → R20 shown to lie within half a point of the paper’s (full)',
    );
    const table1 = buildTable1({ study: '', runs: runs.slice(0, 1), root: '' });
    expect(picturesOf({ table1 }).get('c9-printed-numbers')?.title).to.equal(
      'KD++ of R56 → R20: 0.1 points below the paper’s number, n = 1, so no interval (full)',
    );
    expect(some?.plots[0]?.says).to.include('KD++ 72.50 (72.25 … 72.75), n = 3');
  });

  it('are of the runs that the claims are judged on: the stronger scale', () => {
    const curves = (scale: 'short' | 'paper', gain: number) =>
      [1, 2, 3].flatMap((seed) =>
        (['kd', 'kd++'] as const).map((method) =>
          madeUpRun({
            config: {
              method,
              seed,
              scale,
              dataset: 'cifar100',
              epochs: scale === 'paper' ? 240 : 2,
            },
            top1: Array.from({ length: scale === 'paper' ? 240 : 2 }, () =>
              method === 'kd' ? 50 : 50 + gain + 0.1 * seed,
            ),
          }),
        ),
      );
    const runs = [...curves('short', 5), ...curves('paper', 1)];
    const pictures = picturesOf({ table1: buildTable1({ study: '', runs, root: '' }) });
    expect(pictures.get('c1-nd-over-base')?.title).to.match(/^ND adds 1\.2 points.*\(full\)$/u);
    expect(pictures.get('curves')?.title).to.match(/^KD\+\+ ends at 51\.2 %, .*\(full\)$/u);
  });
});

describe('curves by epoch', () => {
  const runs = [
    madeUpRun({ config: { epochs: 3 }, top1: [10, 20, 30] }),
    madeUpRun({ config: { epochs: 3, seed: 2 }, top1: [20, 40, 50] }),
    // Cut off.
    madeUpRun({ config: { epochs: 3, seed: 3 }, top1: [90] }),
  ];
  const curvesOf = (...own: typeof runs) => {
    const pair = buildTable1({ study: '', runs: own, root: '' }).groups[0]?.pairs[0];
    return pair?.curves.length ? pair.curves : (pair?.underWay ?? []);
  };
  const panels = (...own: typeof runs): readonly Drawing[] =>
    epochsPicture([{ label: 'KD', style: styleAt(0), curves: curvesOf(...own) }], words).plots;

  it('are the mean over the finished seeds in a band from the smallest to the largest', () => {
    const [top1, norm, cosine] = panels(...runs);
    expect(dataOf(top1?.spec ?? null, 'value', 'low')).to.deep.equal([
      { label: 'KD', epoch: 1, value: 15, low: 10, high: 20 },
      { label: 'KD', epoch: 2, value: 30, low: 20, high: 40 },
      { label: 'KD', epoch: 3, value: 40, low: 30, high: 50 },
    ]);
    expect(dataOf(norm?.spec ?? null, 'value', 'low')).to.deep.include.members([
      { label: 'KD', epoch: 3, value: 7, low: 7, high: 7 },
      { label: 'teacher', epoch: 3, value: 9, low: 9, high: 9 },
    ]);
    expect(top1?.says).to.equal('A subtitle. After the last epoch: KD 40.0');
    expect(cosine?.says).to.equal('After the last epoch: KD 0.80');
  });

  it('end where the first of unfinished seeds ends', () => {
    const [top1] = panels(
      madeUpRun({ config: { epochs: 9 }, top1: [10, 20] }),
      madeUpRun({ config: { epochs: 9, seed: 2 }, top1: [20] }),
    );
    expect(dataOf(top1?.spec ?? null, 'value', 'low')).to.deep.equal([
      { label: 'KD', epoch: 1, value: 15, low: 10, high: 20 },
    ]);
  });
});

describe('a title', () => {
  it('is broken between words, and not within a number and what belongs to it', () => {
    const look = { size: 18, isBold: true };
    const lines = linesOf('ND adds 2.0 points to KD, 95 % 0.8 … 3.2, n = 3 (toy)', 200, look);
    expect(lines.map((line) => line.replaceAll('\u00a0', ' '))).to.deep.equal([
      ...['ND adds 2.0 points', 'to KD,', '95 % 0.8 … 3.2,', 'n = 3 (toy)'],
    ]);
    expect(linesOf('a b', 1000, look)).to.deep.equal(['a b']);
  });
});

describe('the committed pictures', function () {
  // All committed runs are read for them.
  this.timeout(120_000);
  const folder = join(results, 'claims');
  const started: { browser?: Browser; page?: Page } = {};

  before(async function () {
    if (!existsSync(join(results, 'runs'))) return this.skip();
    started.browser = await startChromium(this);
    started.page = await started.browser.newPage();
  });

  after(async () => {
    await started.browser?.close();
  });

  it('are what the committed runs give, and no others', async () => {
    const drawn: Record<string, string> = {};
    const { pictures } = await ofCommittedResults((folder) => reportOf(folder).glance());
    for (const { block } of pictures) {
      const svg = renderPicture({ ...block, plots: await drawAll(block.plots) });
      drawn[`${(block.file ?? '').replace('claims/', '')}.svg`] = svg;
    }
    expect(readdirSync(folder).sort()).to.deep.equal(Object.keys(drawn).sort());
    for (const [name, svg] of Object.entries(drawn)) {
      expect(readFileSync(join(folder, name), 'utf8') === svg, name).to.equal(true);
    }
  });

  it('are at most 900 × 500, with no text over another or cut off', async () => {
    for (const name of readdirSync(folder)) {
      const svg = readFileSync(join(folder, name), 'utf8');
      expect(await faultsOf(svg, started.page), name).to.deep.equal([]);
    }
  });

  it('would be so with many rows, long names, close ends and numbers at the edges', async () => {
    const rows = [
      'A short one',
      'A far longer name over another one',
      'B',
      'C',
      'D',
      'E',
      'F',
      'G',
    ].map((label, index): PicturedComparison => ({
      label,
      paper: index % 2 === 0 ? { low: -9, high: index } : 9,
      difference: over(index, index + 0.1, index + 3),
    }));
    const look = { axis: 'points of top-1', format: signed, zero: true };
    const ends = [50, 50.1, 50.05, 1].map((end, index) => ({
      ...{ label: `KD${'+'.repeat(index)}`, style: styleAt(index) },
      curves: [1, 2].flatMap((seed) =>
        buildTable1({
          study: '',
          runs: [madeUpRun({ config: { epochs: 2, seed }, top1: [40, end] })],
          root: '',
        }).groups.flatMap(({ pairs }) => pairs.flatMap(({ curves }) => curves)),
      ),
    }));
    const sizes = ['resnet14', 'resnet20', 'resnet32', 'resnet44', 'resnet56'].map((name) => ({
      name,
      facts: ['0.17 M', 'itself 66.1 %'],
    }));
    const series = ['KD', 'KD++'].map((label, own) => ({
      ...{ label, style: styleAt(own) },
      values: sizes.map((_, index) => over(60 + own + index, 61 + own + index, 62 + own)),
    }));
    const title = `${words.title} ${'with more than a few words '.repeat(4)}`.trim();
    for (const block of [
      intervalsPicture(rows, look, { ...words, title }),
      epochsPicture(ends, { ...words, title }),
      sizesPicture({ axis: 'top-1 (%)', digits: 1, sizes, series }, { ...words, title }),
    ]) {
      const svg = renderPicture({ ...block, plots: await drawAll(block.plots) });
      expect(await faultsOf(svg, started.page)).to.deep.equal([]);
    }
  });
});

/** What is wrong with a picture as a browser shows it. */
async function faultsOf(svg: string, page: Page | undefined): Promise<string[]> {
  if (page === undefined) return expect.fail('no browser');
  await page.setContent(`<body style="margin:0">${svg}</body>`);
  return page.evaluate<string[]>(`(() => {
      const faults = [];
      const frame = document.querySelector('svg').getBoundingClientRect();
      if (frame.width > 900 || frame.height > 500) faults.push(frame.width + ' × ' + frame.height);
      const texts = [...document.querySelectorAll('svg text')]
        .map((text) => ({ words: text.textContent, box: text.getBoundingClientRect() }))
        .filter(({ words }) => words.trim() !== '');
      if (texts.length === 0) faults.push('no text');
      texts.forEach(({ words, box }, index) => {
        const inside = box.left >= frame.left && box.right <= frame.right &&
          box.top >= frame.top && box.bottom <= frame.bottom;
        if (!inside) faults.push('cut off: ' + words);
        for (const other of texts.slice(index + 1)) {
          const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
          const high = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
          if (wide > 0.5 && high > 0.5) faults.push(words + ' over ' + other.words);
        }
      });
      return faults;
    })()`);
}

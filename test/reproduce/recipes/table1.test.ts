import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { LossTerm } from '../../../lib/distill/terms';
import { paperTable } from '../../../lib/paper';
import type { RunConfig } from '../../../lib/runs/schema';
import { type Pair, pairName } from '../../../lib/runs/grid';
import { planRuns } from '../../../lib/runs/plan';
import { classifierRuns } from '../../../lib/runs/store';
import {
  fallbackNotes,
  isPaperRecipe,
  paperPairs,
  table1Methods,
  table1Recipe,
  table1TeacherRecipe,
} from '../../../reproduce/recipes/table1';
import { type GridOptions, gridSettings } from '../../../reproduce/grid/settings';
import { table1Study } from '../../../reproduce/table1';
import { madeUpConfig } from '../../support/made-up-runs';

function pairOf(name: string): Pair {
  const [teacher = '', student = ''] = name.split(':');
  return { teacher, student };
}

function terms(pair: string, method: string): readonly LossTerm[] {
  return table1Recipe(pairOf(pair), method).method.terms;
}

describe('the cells of table 1', () => {
  const { rows, pairs } = paperTable('table1');

  it('are the paper’s six pairs by fifteen rows, four of them and the student alone in two recipes', () => {
    const settings = gridSettings(table1Study, { scale: 'paper', results: '', resume: true });
    const cells = settings.cells.map((cell) => `${pairName(cell)} ${cell.method} ${cell.seed}`);
    // Fourteen rows but the teacher's, five of them twice; seeds 1, 2 and 3.
    expect(new Set(cells).size).to.equal(6 * (14 + 5) * 3);
    for (const { pair } of pairs) {
      for (const { method } of rows.filter((row) => row.method !== 'teacher')) {
        expect(cells).to.include(`${pair} ${method} 3`);
      }
    }
    settings.cells.forEach((cell) => expect(settings.recipeOf(cell).epochs).to.equal(240));
  });

  it('are the paper’s setting on all of CIFAR-100, over 240 epochs, in their own batches', () => {
    const isPaper = (more: Partial<GridOptions>, dataset = 'cifar100'): boolean =>
      gridSettings(table1Study, {
        ...{ scale: 'paper', results: '', resume: true, ...more },
      }).paper.isSetting(dataset);
    expect(isPaper({})).to.equal(true);
    expect(isPaper({ methods: 'teacher' })).to.equal(true);
    expect(isPaper({ epochs: '5' })).to.equal(false);
    expect(isPaper({ methods: 'kd++', batch: '64' })).to.equal(false);
    expect(isPaper({}, 'cifar100-first20')).to.equal(false);
    expect(isPaper({ scale: 'reduced' })).to.equal(false);
  });

  it('are explained on a page that names each pair’s column, and by commands that run', () => {
    const file = join(__dirname, '..', '..', '..', 'docs', 'table1.md');
    const page = readFileSync(file, 'utf8').replaceAll('`', '').replace(/ +/g, ' ');
    for (const { pair, printed } of pairs) expect(page).to.include(`| ${pair} | ${printed} |`);
    const commands = [...page.matchAll(/^npm run reproduce:table1 -- (.*?)(?: +#.*)?$/gm)];
    // The whole grid; three rows; no row but the teacher's, which is asked for in the grid all the same.
    const sizes = commands.map(([, args = '']) => {
      const [, pairsOf] = / --pairs (\S+)/.exec(args) ?? [];
      const [, methods] = / --methods (\S+)/.exec(args) ?? [];
      const options = { scale: 'paper', results: '', resume: true };
      return gridSettings(table1Study, {
        ...options,
        ...(pairsOf === undefined ? {} : { pairs: pairsOf }),
        ...(methods === undefined ? {} : { methods }),
      }).cells.length;
    });
    expect(sizes).to.eql([342, 9, 3]);
  });

  it('of a teacher run it alone, once for all seeds', () => {
    const pairs = 'resnet32x4:ShuffleV1,resnet32x4:ShuffleV2';
    const settings = gridSettings(table1Study, {
      ...{ scale: 'paper', pairs, methods: 'teacher', results: '', resume: true },
    });
    const runs = planRuns({
      store: classifierRuns,
      ...{ study: 'none', resultsRoot: 'none', teacherSeed: 0, givenTeachers: new Set<string>() },
      cells: settings.cells,
      recipeOf: settings.recipeOf,
      teacherRecipeOf: settings.teacherRecipeOf,
    });
    expect(runs.map(({ pair, method, seed }) => [pair, method, seed])).to.eql([
      ['resnet32x4', 'teacher', 0],
    ]);
  });
});

describe('the recipes of table 1', () => {
  it('are in the table’s order, the published one before the one with ND 0', () => {
    expect(table1Methods()).to.eql(
      [
        'student-published,student,fitnet,rkd,pkt,ofd,crd,reviewkd-published,reviewkd,kd-published,kd',
        'dist-published,dist,dkd-published,dkd,kd++,dist++,dkd++,reviewkd++',
      ].flatMap((line) => line.split(',')),
    );
  });

  // Weights and rates of the released scripts at fc6f3f9. They show no rate for resnet8x4 (0.1 is their
  // default) nor for MobileNetV2 (0.02 is what they give the ShuffleNets).
  type Values = Readonly<Record<string, string | number>>;
  const warm = { warmUpEpochs: 20 };
  const kd = (weight: number): Values => ({ loss: 'kd', weight, temperature: 4, ...warm });
  const dist = (weight: number): Values => ({
    ...{ loss: 'dist', weight, beta: 1, gamma: 1, temperature: 4 },
    ...warm,
  });
  const dkd = (alpha: number, beta: number): Values => ({
    ...{ loss: 'dkd', weight: 1, alpha, beta, temperature: 4 },
    ...warm,
  });
  const review = (weight: number): Values => ({ loss: 'reviewKd', weight, ...warm });
  const plusPlus: [pair: string, row: string, rate: number, term: Values, nd: number][] = [
    ['resnet56:resnet20', 'kd++', 0.1, kd(1), 2],
    ['resnet56:resnet20', 'dist++', 0.1, dist(2), 1],
    ['resnet56:resnet20', 'dkd++', 0.1, dkd(2.5, 4), 3.5],
    ['resnet56:resnet20', 'reviewkd++', 0.1, review(1.2), 1],
    ['wrn_40_2:wrn_40_1', 'kd++', 0.1, kd(1), 1.5],
    ['wrn_40_2:wrn_40_1', 'dist++', 0.1, dist(2.5), 3],
    ['wrn_40_2:wrn_40_1', 'dkd++', 0.1, dkd(1, 6), 1],
    ['wrn_40_2:wrn_40_1', 'reviewkd++', 0.1, review(5), 4],
    ['resnet32x4:resnet8x4', 'kd++', 0.1, kd(3.5), 2],
    ['resnet32x4:resnet8x4', 'dist++', 0.1, dist(1.5), 4],
    ['resnet32x4:resnet8x4', 'dkd++', 0.1, dkd(2, 8), 0.5],
    ['resnet32x4:resnet8x4', 'reviewkd++', 0.1, review(8), 1],
    ['ResNet50:MobileNetV2', 'kd++', 0.02, kd(3), 0.5],
    ['ResNet50:MobileNetV2', 'dist++', 0.02, dist(7), 1],
    ['ResNet50:MobileNetV2', 'dkd++', 0.02, dkd(0.5, 8), 1],
    ['ResNet50:MobileNetV2', 'reviewkd++', 0.02, review(6), 2],
    ['resnet32x4:ShuffleV1', 'kd++', 0.02, kd(2.5), 1.5],
    ['resnet32x4:ShuffleV1', 'dist++', 0.02, dist(2.5), 3],
    ['resnet32x4:ShuffleV1', 'dkd++', 0.02, dkd(0.5, 8), 4],
    ['resnet32x4:ShuffleV1', 'reviewkd++', 0.02, review(7), 1],
    ['resnet32x4:ShuffleV2', 'kd++', 0.02, kd(4), 0.5],
    ['resnet32x4:ShuffleV2', 'dist++', 0.02, dist(3), 4],
    ['resnet32x4:ShuffleV2', 'dkd++', 0.02, dkd(0.5, 6), 0.5],
    ['resnet32x4:ShuffleV2', 'reviewkd++', 0.02, review(8), 1.5],
  ];
  // Their ResNets' classifier begins at N(0, 0.01²), the wide ResNets' with a bias of 0. What wraps a student
  // with an adapter sets all biases of linear layers to 0, and ReviewKD wraps each student.
  const wrapped = { student: 'fan-in-weight', adapter: 'fan-in-weight' };
  const startOf = (pair: string, row: string): object => {
    if (/:resnet/.test(pair)) {
      return { student: row === 'reviewkd++' ? 'small-normal' : 'normal' };
    }
    return pair === 'ResNet50:MobileNetV2' ? { adapter: 'fan-in-weight' } : wrapped;
  };
  for (const [pair, row, learningRate, term, nd] of plusPlus) {
    it(`are those of the released scripts: ${row} of ${pair}`, () => {
      expect(table1Recipe(pairOf(pair), row)).to.eql({
        student: pair.replace(/.*:/, ''),
        method: {
          name: row,
          terms: [{ loss: 'crossEntropy', weight: 1 }, term, { loss: 'normDirection', weight: nd }],
        },
        epochs: 240,
        batchSize: 128,
        learningRate,
        schedule: { kind: 'step', milestones: [150, 180, 210], factor: 0.1 },
        optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
        augmentation: 'pad-crop-flip',
        // Of networks that the choice changes alone.
        ...(pair === 'wrn_40_2:wrn_40_1' ? { repeatedNorms: false } : {}),
        linearStart: startOf(pair, row),
        // Two GPUs.
        imagesPerReplica: 64,
      });
      const published = table1Recipe(pairOf(pair), row.replace('++', '-published'));
      expect(published).to.not.have.any.keys('repeatedNorms', 'linearStart', 'imagesPerReplica');
    });
  }

  it('let a student alone begin as the released networks, which nothing wraps', () => {
    const starts = paperPairs.map((pair) => table1Recipe(pairOf(pair), 'student').linearStart);
    const [normal, wide, own] = [{ student: 'normal' }, { student: 'fan-in-weight' }, undefined];
    expect(starts).to.deep.equal([normal, wide, normal, own, own, own]);
  });

  it('of a ++ row and of its base differ in the ND term alone', () => {
    for (const pair of paperPairs) {
      for (const base of ['kd', 'dkd', 'dist', 'reviewkd']) {
        const plus = table1Recipe(pairOf(pair), `${base}++`);
        const without = plus.method.terms.filter(({ loss }) => loss !== 'normDirection');
        expect(plus.method.terms).to.have.length(without.length + 1);
        expect(table1Recipe(pairOf(pair), base)).to.eql({
          ...plus,
          method: { name: base, terms: without },
        });
      }
    }
  });

  const light = ['MobileNetV2', 'ShuffleV1', 'ShuffleV2'];
  it('as published take batches of 64 without Nesterov, and ReviewKD’s the ++ rows’ 128 with it', () => {
    const older = ['fitnet', 'rkd', 'pkt', 'ofd', 'crd'];
    const plain = ['student', 'kd', 'dkd', 'dist'].map((row) => `${row}-published`);
    for (const pair of paperPairs.map(pairOf)) {
      const isLight = light.includes(pair.student);
      for (const method of [...older, ...plain]) {
        const { batchSize, optimiser, learningRate, epochs, schedule } = table1Recipe(pair, method);
        expect(optimiser).to.eql({ momentum: 0.9, weightDecay: 5e-4, nesterov: false });
        expect([batchSize, learningRate, epochs]).to.eql([64, isLight ? 0.01 : 0.05, 240]);
        expect(schedule).to.eql({ kind: 'step', milestones: [150, 180, 210], factor: 0.1 });
      }
      for (const method of ['student', 'kd++', 'reviewkd-published']) {
        const { batchSize, optimiser, learningRate } = table1Recipe(pair, method);
        expect(optimiser).to.include({ nesterov: true });
        expect([batchSize, learningRate]).to.eql([128, isLight ? 0.02 : 0.1]);
      }
    }
  });

  it('as published have the weights that their authors give', () => {
    const weights: [string, number, number][] = [
      // pair, DKD's beta, ReviewKD's weight
      ['resnet56:resnet20', 2, 0.6],
      ['wrn_40_2:wrn_40_1', 6, 5],
      ['resnet32x4:resnet8x4', 8, 5],
      ['ResNet50:MobileNetV2', 8, 8],
      ['resnet32x4:ShuffleV1', 8, 5],
      ['resnet32x4:ShuffleV2', 8, 8],
    ];
    for (const [pair, beta, reviewKd] of weights) {
      expect(terms(pair, 'kd-published')).to.eql([
        { loss: 'crossEntropy', weight: 0.1 },
        { loss: 'kd', weight: 0.9, temperature: 4 },
      ]);
      expect(terms(pair, 'dist-published')).to.eql([
        { loss: 'crossEntropy', weight: 1 },
        { loss: 'dist', weight: 2, beta: 1, gamma: 1, temperature: 4 },
      ]);
      expect(terms(pair, 'dkd-published')[1]).to.eql({
        ...{ loss: 'dkd', weight: 1, alpha: 1, beta, temperature: 4 },
        warmUpEpochs: 20,
      });
      expect(terms(pair, 'reviewkd-published')[1]).to.eql({
        ...{ loss: 'reviewKd', weight: reviewKd },
        warmUpEpochs: 20,
      });
      const older = ['fitnet', 'rkd', 'pkt', 'ofd', 'crd'];
      expect(older.map((method) => terms(pair, method)[1]?.weight)).to.eql([
        100, 1, 30_000, 0.001, 0.8,
      ]);
    }
  });

  it('of a pair that the paper does not have are those of resnet56 → resnet20, and the notes say so', () => {
    const pair = { teacher: 'wrn_16_2', student: 'resnet8' };
    const borrowed = table1Recipe(pair, 'dkd++');
    expect(borrowed).to.eql({
      ...table1Recipe(pairOf('resnet56:resnet20'), 'dkd++'),
      student: 'resnet8',
    });
    expect(fallbackNotes([pair, pairOf('resnet56:resnet20')], ['kd', 'dkd++'])).to.eql([
      `${pairName(pair)} takes the recipes of resnet56:resnet20 for kd, dkd++.`,
    ]);
  });
});

describe('the scales of table 1', () => {
  // Of KD++: data, epochs, milestones, KD's warm-up, batch, rate; of the teacher: epochs, batch, rate.
  const scales: [string, readonly unknown[], readonly unknown[]][] = [
    ['quick', ['fashion-mnist', 3, [2, 3], 20 * (3 / 240), 128, 0.02], [4, 128, 0.05]],
    ['short', ['cifar100', 20, [13, 15, 18], 20 * (20 / 240), 128, 0.1], [20, 64, 0.05]],
    ['reduced', ['cifar100', 40, [25, 30, 35], 20 * (40 / 240), 128, 0.1], [40, 64, 0.05]],
    ['paper', ['cifar100', 240, [150, 180, 210], 20, 128, 0.1], [240, 64, 0.05]],
  ];
  for (const [scale, student, teacher] of scales) {
    it(`${scale} keeps the paper’s rate and batch, but for the quick one’s own`, () => {
      const settings = gridSettings(table1Study, {
        ...{ scale, pairs: 'resnet56:resnet20', methods: 'kd++', results: '', resume: true },
      });
      const [cell] = settings.cells;
      if (cell === undefined) throw new Error('no cell');
      const { epochs, schedule, method, batchSize, learningRate } = settings.recipeOf(cell);
      if (schedule.kind !== 'step') throw new Error('no steps');
      expect([
        ...[settings.data, epochs, schedule.milestones, method.terms[1]?.warmUpEpochs],
        ...[batchSize, learningRate],
      ]).to.eql(student);
      const trained = settings.teacherRecipeOf('resnet56');
      expect([trained.epochs, trained.batchSize, trained.learningRate]).to.eql(teacher);
    });
  }
});

describe('whether a run has the paper’s recipe', () => {
  const runOf = (pair: string, method: string, change = {}): RunConfig => {
    const { teacher, student } = pairOf(pair);
    const training =
      method === 'teacher'
        ? table1TeacherRecipe(teacher)
        : table1Recipe({ teacher, student }, method);
    return madeUpConfig({
      ...{ pair: method === 'teacher' ? teacher : pair, method },
      student: training.student,
      recipe: { training: { ...training, ...change } },
    });
  };

  it('is so for the ++ rows, the published recipes, the older rows and the teacher', () => {
    for (const method of ['kd++', 'kd-published', 'student-published', 'crd', 'teacher']) {
      expect(isPaperRecipe(runOf('wrn_40_2:wrn_40_1', method)), method).to.equal(true);
    }
  });

  it('is not for the bases with ND 0, another pair, or a recipe with a change', () => {
    for (const method of ['kd', 'dkd', 'dist', 'reviewkd', 'student']) {
      expect(isPaperRecipe(runOf('wrn_40_2:wrn_40_1', method)), method).to.equal(false);
    }
    expect(isPaperRecipe(runOf('resnet20:resnet8', 'kd++'))).to.equal(false);
    expect(isPaperRecipe(runOf('wrn_40_2:wrn_40_1', 'kd++', { learningRate: 0.05 }))).to.equal(
      false,
    );
    expect(isPaperRecipe(runOf('wrn_40_2:wrn_40_1', 'teacher', { epochs: 4 }))).to.equal(false);
  });
});

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { hashJson } from '../../../lib/records';
import { imageNetNumber } from '../../../lib/report/study/table2';
import { paperTable } from '../../../lib/paper';
import { readRuns, studyNames } from '../../../lib/runs/store';
import { parsePairs } from '../../../lib/runs/grid';
import type { TrainingRecipe } from '../../../lib/train/recipe';
import { type GridOptions, gridSettings } from '../../../reproduce/grid/settings';
import { olderRecipe } from '../../../reproduce/recipes/older';
import {
  fallbackNotes,
  hasTable2Cell,
  imageNetTables,
  paperPairs,
  table2Methods,
  table2Recipe,
  table2TeacherRecipe,
} from '../../../reproduce/recipes/table2';
import { table2Study } from '../../../reproduce/table2';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';
import { writePhotoFolder } from '../../support/photo-folder';

const options = (more: Partial<GridOptions> = {}): GridOptions => ({
  scale: 'quick',
  results: 'none',
  resume: true,
  ...more,
});

const recipeOf = (pair: string, method: string): TrainingRecipe => {
  const [parsed] = parsePairs(pair);
  if (parsed === undefined) throw new Error('no pair');
  return table2Recipe(parsed, method);
};

/** A term of a recipe without its name. */
const term = (pair: string, method: string, loss: string): Record<string, unknown> | undefined => {
  const found = recipeOf(pair, method).method.terms.find((candidate) => candidate.loss === loss);
  return found === undefined ? undefined : { ...found, loss: undefined };
};

const sgd = { momentum: 0.9, weightDecay: 1e-4, nesterov: true };
const deit = 'regnety_160:deit_base_distilled_patch16_224';

describe('the recipes of table 2', () => {
  it('stand for every number that the paper prints of a student', () => {
    for (const name of imageNetTables) {
      for (const { method, values } of paperTable(name).rows) {
        if (method === 'teacher' || method === 'deit++ without nd') continue;
        for (const [pair, value] of Object.entries(values)) {
          const [parsed] = parsePairs(pair);
          if (parsed === undefined) throw new Error('no pair');
          // The mean of five trials replaces the single runs of the main table.
          if (name === 'scalable-teachers' && pair === 'resnet34:resnet18') continue;
          expect(hasTable2Cell(parsed, method), `${method} of ${pair}`).to.equal(true);
          const shown = [`${method}-published`, method].map((id) => imageNetNumber(pair, id));
          expect(shown, `${method} of ${pair} as it is shown`).to.include(value);
        }
      }
    }
  });

  it('are those of the released scripts', () => {
    const weights: Record<string, readonly number[]> = {
      // KD and ND; DKD’s α, β and ND; ReviewKD and ND.
      'resnet34:resnet18': [2.5, 1, 0.8, 0.5, 1, 1, 3],
      'resnet50:resnet18': [4, 1, 0.6, 0.5, 2, 3, 2],
      'resnet101:resnet18': [3.5, 4, 0.8, 0.5, 1, 3, 1],
      'resnet152:resnet18': [4, 2, 1, 1, 1, 3, 1],
      'resnet50:mobilenet_v1': [4, 1, 0.8, 1, 1, 8, 4],
      'vit_small_patch16_224:resnet18': [1.5, 1, 1, 1, 2],
      'vit_base_patch16_224:resnet18': [2, 1, 1.4, 0.5, 2],
    };
    for (const [pair, [kd, kdNd, alpha, beta, dkdNd, review, reviewNd]] of Object.entries(
      weights,
    )) {
      expect(term(pair, 'kd++', 'kd')).to.include({ weight: kd, temperature: 1, warmUpEpochs: 5 });
      // In the released code ND warms up with DKD alone.
      expect(term(pair, 'kd++', 'normDirection')).to.eql({ weight: kdNd, loss: undefined });
      expect(term(pair, 'dkd++', 'dkd')).to.include({
        alpha,
        beta,
        temperature: 1,
        warmUpEpochs: 5,
      });
      expect(term(pair, 'dkd++', 'normDirection')).to.include({ weight: dkdNd, warmUpEpochs: 5 });
      if (review !== undefined) {
        expect(term(pair, 'reviewkd++', 'reviewKd')).to.include({
          ...{ weight: review, teacherStages: 'after ReLU' },
          ...(pair === 'resnet50:mobilenet_v1'
            ? { studentStages: 'before ReLU', mostMiddleChannels: 256 }
            : {}),
        });
        expect(term(pair, 'reviewkd++', 'normDirection')).to.include({ weight: reviewNd });
      }
      const recipe = recipeOf(pair, 'kd++');
      const { optimiser, epochs, batchSize, learningRate, schedule, augmentation } = recipe;
      expect(recipe.imagesPerReplica).to.equal(64);
      expect(recipe.linearStart).to.eql({ student: 'normal', adapter: 'normal' });
      expect(optimiser).to.eql(sgd);
      expect([epochs, batchSize, learningRate]).to.eql([100, 512, 0.2]);
      expect(schedule).to.eql({ kind: 'step', milestones: [30, 60, 90], factor: 0.1 });
      expect(augmentation).to.equal('resized-crop-flip');
    }
  });

  it('of DeiT++ are AdamW, a cosine by step, mixed images and ND over mixed class means', () => {
    const { method, ...recipe } = recipeOf(deit, 'deit++');
    expect(recipe).to.eql({
      student: 'deit_base_distilled_patch16_224',
      epochs: 300,
      batchSize: 2048,
      microBatch: 256,
      imagesPerReplica: 256,
      linearStart: { student: 'normal', adapter: 'normal' },
      learningRate: 8e-4,
      schedule: {
        kind: 'cosine',
        minimum: 1e-6,
        warmUpEpochs: 20,
        over: 'epochs after the warm-up',
        by: 'step',
      },
      optimiser: { kind: 'adamw', betas: [0.9, 0.95], weightDecay: 0.3, undecayed: [] },
      augmentation: 'deit-by-256',
      lastBatch: 'left out',
      evaluation: 'bicubic',
      dropPath: 0.1,
    });
    expect(method.terms).to.eql([
      { loss: 'softCrossEntropy', weight: 1, smoothing: 0.1 },
      { loss: 'tokenDistillation', weight: 0.5, kind: 'hard', temperature: 1, warmUpEpochs: 5 },
      { loss: 'mixedNormDirection', weight: 1.5, smoothing: 0.1 },
    ]);
    expect(recipeOf(deit, 'deit').method.terms).to.eql(method.terms.slice(0, 2));
  });

  it('give every ++ row a base that is the same without ND', () => {
    for (const pair of paperPairs) {
      const [parsed] = parsePairs(pair);
      if (parsed === undefined) throw new Error('no pair');
      for (const plus of table2Methods().filter((method) => method.endsWith('++'))) {
        if (!hasTable2Cell(parsed, plus)) continue;
        const base = plus.slice(0, -2);
        const without = table2Recipe(parsed, plus).method.terms.filter(
          ({ loss }) => !loss.toLowerCase().endsWith('normdirection'),
        );
        const expected = { ...table2Recipe(parsed, plus), method: { name: base, terms: without } };
        expect(table2Recipe(parsed, base), `${base} of ${pair}`).to.eql(expected);
      }
    }
  });

  it('lend those of R34-R18, or DeiT’s rows, to pairs that the paper does not have', () => {
    const small = 'regnety_002:deit_tiny_distilled_patch16_224';
    const student = 'deit_tiny_distilled_patch16_224';
    expect(recipeOf(small, 'deit++')).to.eql({ ...recipeOf(deit, 'deit++'), student });
    expect(recipeOf(small, 'kd++')).to.eql({ ...recipeOf('resnet34:resnet18', 'kd++'), student });
    expect(fallbackNotes(parsePairs(small), ['kd++', 'deit', 'deit++'])).to.eql([
      `${small} takes the recipes of resnet34:resnet18 for kd++.`,
      `${small} takes the recipes of ${deit} for deit, deit++.`,
    ]);
  });

  it('train teachers as torchvision does', () => {
    expect(table2TeacherRecipe('resnet152')).to.deep.include({
      epochs: 90,
      batchSize: 256,
      learningRate: 0.1,
      optimiser: { ...sgd, nesterov: false },
    });
  });
});

describe('the grid of table 2', () => {
  const folder = withFolder();

  it('runs on embedded images as they are augmented, the learning rate going with the batch', () => {
    const settings = gridSettings(table2Study, options());
    expect(settings.cells.map(({ method }) => method)).to.eql(['student', 'kd', 'kd++']);
    const [cell] = settings.cells;
    if (cell === undefined) throw new Error('no cell');
    const { augmentation, batchSize, learningRate } = settings.recipeOf(cell);
    expect([augmentation, batchSize]).to.eql(['pad-crop-flip', 80]);
    expect(learningRate).to.be.closeTo((0.2 * 80) / 512, 1e-12);
    expect(settings.dataLabel).to.equal('fashion-mnist[train=80/class,test=20/class]');
  });

  it('at the paper’s scale has the rows that each pair has, in the recipes’ own lengths', () => {
    const settings = gridSettings(table2Study, options({ scale: 'paper', microBatch: '64' }));
    expect(settings.dataLabel).to.equal('imagenet-224px');
    const of = (pair: string): string[] =>
      settings.cells
        .filter(({ teacher, student }) => `${teacher}:${student}` === pair)
        .map(({ method }) => method);
    expect(of('resnet101:resnet18')).to.not.include.members(['crd', 'srrl']);
    expect(of('resnet34:resnet18')).to.include.members(['crd', 'srrl', 'crd++', 'srrl++']);
    expect(of(deit)).to.have.members(['student', 'deit-published', 'deit', 'deit++']);
    const lengths = settings.cells.map((cell) => settings.recipeOf(cell));
    expect(new Set(lengths.map(({ epochs }) => epochs))).to.eql(new Set([90, 100, 300]));
    expect(new Set(lengths.map(({ microBatch }) => microBatch))).to.eql(new Set([64]));
  });

  it('refuses a method that no named pair has, and each line of a manifest that names such a cell', async () => {
    const pairs = 'resnet34:resnet18';
    const named = await faultOf(() =>
      gridSettings(table2Study, options({ pairs, methods: 'deit++' })),
    );
    expect([named.kind, named.found]).to.eql(['option', `deit++ of ${pairs}`]);
    expect(
      gridSettings(table2Study, options({ pairs, methods: 'kd,deit++' })).cells,
    ).to.have.length(1);
    const manifest = join(folder(), 'cells.csv');
    writeFileSync(manifest, `pair,method,seed\n${pairs},kd,1\n${pairs},deit++,1\n`);
    const listed = await faultOf(() => gridSettings(table2Study, options({ manifest })));
    expect(listed.found).to.equal(`deit++ of ${pairs}`);
  });

  it('is the paper’s setting at its size, lengths and batches, and on no other data', () => {
    const isPaper = (more: Partial<GridOptions>, dataset = 'imagenet'): boolean =>
      gridSettings(table2Study, options({ scale: 'paper', ...more })).paper.isSetting(dataset);
    expect(isPaper({})).to.equal(true);
    expect(isPaper({ methods: 'deit++', pairs: deit, epochs: '300' })).to.equal(true);
    expect(isPaper({ methods: 'kd++', epochs: '99' })).to.equal(false);
    expect(isPaper({ batch: '256' })).to.equal(false);
    expect(isPaper({ scale: 'short', data: 'imagenet' })).to.equal(false);
    expect(isPaper({}, 'imagenet-64px')).to.equal(false);
    expect(isPaper({}, 'imagenet[train=10/class]')).to.equal(false);
  });

  it('records ImageNet in another size as other data, in the folder of its size', async () => {
    await writePhotoFolder(join(folder(), 'imagenet'), { train: 1, val: 1 });
    for (const [size, name] of [
      ['224', 'imagenet'],
      ['64', 'imagenet-64px'],
    ] as const) {
      const settings = gridSettings(
        table2Study,
        options({ scale: 'paper', data: 'imagenet', dataDir: folder(), size }),
      );
      const task = await settings.openTask(() => undefined);
      await task.dispose?.();
      expect([task.dataset, settings.dataLabel]).to.eql([name, `imagenet-${size}px`]);
    }
  });

  it('names a folder by its own name, wherever it lies', () => {
    for (const place of ['photos', '/somewhere/else/photos', '../photos/']) {
      const { dataLabel } = gridSettings(table2Study, options({ data: `folder:${place}` }));
      expect(dataLabel).to.equal('folder:photos-32px');
    }
  });

  it('gives the committed runs the recipes that they were trained with, all but the teachers’ older ones', function () {
    const results = join(__dirname, '..', '..', '..', 'results');
    // A package without its results has none to check.
    if (!existsSync(join(results, 'runs'))) this.skip();
    const runs = studyNames(results, 'table2-').flatMap((study) => readRuns(results, study));
    expect(runs).to.not.be.empty;
    const older = new Set<string>();
    for (const { config } of runs) {
      const { method, student, pair, epochs, batchSize, scale, dataset, recipe } = config;
      const isTeacher = method === 'teacher';
      const settings = gridSettings(
        table2Study,
        options({
          ...{ scale, data: dataset, epochs: String(epochs), teacherEpochs: String(epochs) },
          ...{ batch: String(batchSize), pairs: isTeacher ? `${student}:${student}` : pair },
          ...{ methods: method, seeds: '1' },
        }),
      );
      const [cell] = settings.cells;
      if (cell === undefined) throw new Error('no cell');
      const now = isTeacher ? settings.teacherRecipeOf(student) : settings.recipeOf(cell);
      if (hashJson(recipe['training']) === hashJson(now)) continue;
      expect(recipe['training'], `${method} of ${pair}`).to.eql(olderRecipe(now));
      older.add(method);
    }
    expect([...older].sort()).to.eql([
      'dkd',
      'dkd++',
      'kd',
      'kd++',
      'reviewkd',
      'reviewkd++',
      'student',
    ]);
  });

  it('asks for data at the short scale, and refuses names and numbers that cannot be', async () => {
    const refused = (more: Partial<GridOptions>): Promise<{ where?: string; what: string }> =>
      faultOf(() => gridSettings(table2Study, options(more)));
    expect(await refused({ scale: 'short' })).to.include({ where: '--data' });
    // Of table 1 and the studies alone.
    expect(await refused({ scale: 'reduced' })).to.include({ where: '--scale' });
    expect((await refused({ data: 'imagenett' })).what).to.include("'imagenett'");
    expect(await refused({ microBatch: '0' })).to.include({ where: '--micro-batch' });
    expect(await refused({ trainImages: 'all' })).to.include({ where: '--train-images' });
    expect(await refused({ data: 'folder:photos', cache: '-3' })).to.include({ where: '--cache' });
    const onEmbedded = await refused({ skipCorrupt: true });
    expect(onEmbedded.what).to.equal('this option is for folders of images');
    expect(onEmbedded.where).to.equal('--skip-corrupt');
  });
});

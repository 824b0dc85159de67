import { expect } from 'chai';
import type { ImageDataset } from '../../lib/data/source';
import {
  crossEntropy,
  dkd,
  kd,
  type LossTerm,
  warmUp,
  warmUpFactor,
} from '../../lib/distill/terms';
import {
  checkRecipe,
  requireRecipeFits,
  scaledToEpochs,
  type TrainingRecipe,
} from '../../lib/train/recipe';
import {
  learningRateAt,
  learningRateOf,
  rateAtIteration,
  type Schedule,
} from '../../lib/train/schedule';
import { faultOf } from '../support/faults';
import { knownDataset, type KnownImage } from '../support/known-network';
import { numbered } from '../support/known-run';

const recipe: TrainingRecipe = {
  student: 'resnet8',
  method: { name: 'kd', terms: [crossEntropy(), warmUp(20, kd())] },
  epochs: 240,
  batchSize: 128,
  learningRate: 0.1,
  schedule: { kind: 'step', milestones: [150, 180, 210], factor: 0.1 },
  optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
  augmentation: 'pad-crop-flip',
};

describe('schedules', () => {
  it('multiplies the learning rate at each milestone, the first epoch being 0', () => {
    const at = (epoch: number): number =>
      learningRateAt(recipe.schedule, { base: 0.1, epoch, epochs: 240 });
    expect([0, 149].map(at)).to.deep.equal([0.1, 0.1]);
    expect(at(150)).to.be.closeTo(0.01, 1e-12);
    expect(at(239)).to.be.closeTo(0.0001, 1e-12);
  });

  it('follows half a cosine down to 0', () => {
    const at = (epoch: number): number =>
      learningRateAt({ kind: 'cosine' }, { base: 2, epoch, epochs: 100 });
    expect(at(0)).to.equal(2);
    expect(at(50)).to.be.closeTo(1, 1e-12);
    expect(at(100)).to.be.closeTo(0, 1e-12);
  });

  it('rises in a line before a cosine over all epochs, as timm’s CosineLRScheduler', () => {
    const schedule: Schedule = {
      kind: 'cosine',
      minimum: 1e-5,
      warmUpEpochs: 5,
      warmUpFrom: 1e-6,
    };
    const at = (epoch: number): number =>
      learningRateAt(schedule, { base: 0.5, epoch, epochs: 100 });
    // CosineLRScheduler(t_initial=100, lr_min=1e-5, warmup_t=5, warmup_lr_init=1e-6) of timm 1.0.22.
    const expected = [
      [0, 1e-6],
      [3, 0.3000004],
      [5, 0.49692214670708146],
      [50, 0.250005],
      [99, 0.00013335744136892865],
    ] as const;
    for (const [epoch, rate] of expected) expect(at(epoch)).to.be.closeTo(rate, 1e-12);
  });

  it('changes within an epoch and spans what the warm-up leaves, as the paper’s DeiT code', () => {
    const schedule: Schedule = {
      kind: 'cosine',
      warmUpEpochs: 20,
      over: 'epochs after the warm-up',
      by: 'step',
    };
    const at = (epoch: number, batch: number): number =>
      learningRateOf({ schedule, learningRate: 8, epochs: 220 }, { epoch, batch, batches: 4 });
    // 10.5 of 20 epochs of warm-up; the whole at its end; a quarter and a half of the 200 epochs after it.
    expect(at(10, 2)).to.be.closeTo((8 * 10.5) / 20, 1e-12);
    expect(at(20, 0)).to.equal(8);
    expect(at(70, 0)).to.be.closeTo(4 * (1 + Math.SQRT1_2), 1e-12);
    expect(at(120, 0)).to.be.closeTo(4, 1e-12);
    expect(scaledToEpochs({ ...recipe, epochs: 220, schedule }, 22).schedule).to.include({
      warmUpEpochs: 2,
    });
  });

  it('warms a term up from 0 in the first epoch', () => {
    const term = warmUp(20, kd());
    expect([0, 5, 20, 100].map((epoch) => warmUpFactor(term, epoch))).to.deep.equal([
      0, 0.25, 1, 1,
    ]);
    expect(warmUpFactor(kd(), 0)).to.equal(1);
  });

  it('shrinks milestones and warm-ups with the epochs', () => {
    const short = scaledToEpochs(recipe, 24);
    expect(short.epochs).to.equal(24);
    expect(short.schedule).to.deep.equal({ kind: 'step', milestones: [15, 18, 21], factor: 0.1 });
    expect(short.method.terms[1]?.warmUpEpochs).to.equal(2);
    expect(short.method.terms[0]).to.deep.equal(crossEntropy());
    expect(scaledToEpochs(recipe, 240)).to.equal(recipe);
    // A single epoch is the first phase's: table 2's first milestone, 30 of 100, would round to 0.
    const schedule: Schedule = { kind: 'step', milestones: [30, 60, 90], factor: 0.1 };
    const single = scaledToEpochs({ ...recipe, epochs: 100, schedule }, 1);
    expect(learningRateOf(single, { epoch: 0, batch: 0, batches: 1 })).to.equal(
      recipe.learningRate,
    );
  });

  it('rounds milestones to the nearest epoch, of which each counts once', () => {
    const milestones = scaledToEpochs(recipe, 4).schedule;
    // 150, 180 and 210 of 240: 2.5, 3 and 3.5 of 4.
    expect(milestones).to.deep.equal({ kind: 'step', milestones: [3, 4], factor: 0.1 });
  });

  const refused: [string, Partial<Record<keyof TrainingRecipe, unknown>>][] = [
    ['batchSize', { batchSize: 1 }],
    ['learningRate', { learningRate: -1 }],
    ['learningRate', { learningRate: 0 }],
    ['epochs', { epochs: 1.5 }],
    ['epochs', { epochs: 0 }],
    ['microBatch', { microBatch: 1 }],
    ['clipNorm', { clipNorm: 0 }],
    ['weightAverage.decay', { weightAverage: { decay: 1 } }],
    ['weightAverage.decay', { weightAverage: { decay: -0.1 } }],
    ['dropPath', { dropPath: 1 }],
    ['optimiser.momentum', { optimiser: { momentum: 1, weightDecay: 0, nesterov: true } }],
    ['optimiser.weightDecay', { optimiser: { momentum: 0.9, weightDecay: -5e-4, nesterov: true } }],
    ['optimiser.betas.1', { optimiser: { kind: 'adamw', betas: [0.9, 1], weightDecay: 0 } }],
    ['dropPath', { dropPath: -0.1 }],
    ['precision', { precision: 'f16' }],
  ];
  for (const [field, changes] of refused) {
    it(`refuses ${JSON.stringify(changes)}, naming the field`, async () => {
      const { where, kind } = await faultOf(() =>
        checkRecipe({ ...recipe, ...changes } as TrainingRecipe),
      );
      expect({ where, kind }).to.deep.equal({ where: field, kind: 'option' });
    });
  }

  it('refuses a field that it does not have, suggesting the closest', async () => {
    const { where, message } = await faultOf(() =>
      checkRecipe({ ...recipe, ...{ bachSize: 4 } } as TrainingRecipe),
    );
    expect(where).to.equal(`method ${recipe.method.name}`);
    expect(message).to.match(/'bachSize'.*Did you mean 'batchSize'/);
  });

  it('takes the least of each that can be trained', () => {
    const least = { epochs: 1, batchSize: 2, microBatch: 2, dropPath: 0 };
    checkRecipe({ ...recipe, ...least, weightAverage: { decay: 0 }, precision: 'bf16' });
  });
});

describe('a recipe on a data set', () => {
  const images = (count: number): KnownImage[] => numbered(count);
  const data = (classes: number): ImageDataset => knownDataset(images(4), images(1), { classes });
  const small = { ...recipe, batchSize: 4 };
  const withTerm = (term: LossTerm): TrainingRecipe => ({
    ...small,
    method: { name: 'm', terms: [crossEntropy(), term] },
  });

  const misfits: [string, TrainingRecipe, ImageDataset, string][] = [
    ['a batch larger than the data', { ...small, batchSize: 5 }, data(3), 'batch is larger'],
    ['a recipe that cannot be trained', { ...small, epochs: 0 }, data(3), 'cannot be trained'],
    ['DKD of two classes', withTerm(dkd()), data(2), "'dkd' needs at least 3 classes"],
    ['KD of one class', withTerm(kd()), data(1), 'needs at least 2 classes'],
    ['an augmentation of folders', { ...small, augmentation: 'deit' }, data(3), "'deit'"],
  ];
  for (const [title, misfit, dataset, what] of misfits) {
    it(`is refused: ${title}`, async () => {
      expect((await faultOf(() => requireRecipeFits(misfit, dataset))).what).to.include(what);
    });
  }

  it('fits with as many images and classes as it needs', () => {
    requireRecipeFits(withTerm(dkd()), data(3));
    requireRecipeFits(withTerm(kd()), data(2));
  });
});

describe('the learning rate of a detector', () => {
  const schedule = { base: 0.02, milestones: [60_000, 80_000] };

  it('warms up over 1000 iterations from a thousandth', () => {
    expect(rateAtIteration(schedule, 0)).to.be.closeTo(0.00002, 1e-12);
    expect(rateAtIteration(schedule, 500)).to.be.closeTo(0.02 * (0.001 * 0.5 + 0.5), 1e-12);
    expect(rateAtIteration(schedule, 1000)).to.equal(0.02);
  });

  it('falls to a tenth at each milestone', () => {
    expect(rateAtIteration(schedule, 59_999)).to.equal(0.02);
    expect(rateAtIteration(schedule, 60_000)).to.be.closeTo(0.002, 1e-12);
    expect(rateAtIteration(schedule, 89_999)).to.be.closeTo(0.0002, 1e-12);
  });

  it('has a warm-up and a factor of its own where they are given', () => {
    const own = { ...schedule, factor: 0.5, warmUp: { iterations: 50, factor: 0.01 } };
    expect(rateAtIteration(own, 10)).to.be.closeTo(0.02 * (0.01 * 0.8 + 0.2), 1e-12);
    expect(rateAtIteration(own, 80_000)).to.be.closeTo(0.005, 1e-12);
  });
});

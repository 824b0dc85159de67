import { expect } from 'chai';
import { crossEntropy, kd, warmUp, warmUpFactor } from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import { checkRecipe, scaledToEpochs, type TrainingRecipe } from '../../lib/train/recipe';
import { learningRateAt, learningRateOf, type Schedule } from '../../lib/train/schedule';

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
  });

  it('refuses a recipe that cannot be trained, naming the field', () => {
    expect(() => checkRecipe({ ...recipe, batchSize: 1 })).to.throw(LabError, 'batchSize');
    expect(() => checkRecipe({ ...recipe, learningRate: -1 })).to.throw(LabError, 'learningRate');
    expect(() => checkRecipe({ ...recipe, epochs: 1.5 })).to.throw(LabError, 'epochs');
  });
});

import { expect } from 'chai';
import { crossEntropy, kd, warmUp, warmUpFactor } from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import { checkRecipe, scaledToEpochs, type TrainingRecipe } from '../../lib/train/recipe';
import { learningRateAt } from '../../lib/train/schedule';

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

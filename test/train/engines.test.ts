import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { crossEntropy, dist, dkd, kd, normDirection } from '../../lib/distill/terms';
import { random } from '../../lib/engine/random';
import { createModel } from '../../lib/models/registry';
import { createLearner } from '../../lib/train/learner';
import { engines, withEngine } from '../support/engine';

/** Losses of two steps, whose second depends on every gradient of the first. */
function twoSteps(): number[] {
  const student = createModel('resnet8', { classes: 4, seed: 1 });
  const teacher = createModel('resnet8', { classes: 4, seed: 2 });
  const draw = random(3, 'images');
  const classMeans = Float32Array.from({ length: 4 * 64 }, () => draw.uniform());
  const learner = createLearner({
    student,
    teacher: { model: teacher, classMeans },
    method: { name: 'all', terms: [crossEntropy(), kd(), dkd(), dist(), normDirection()] },
    optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
    seed: 1,
    samples: 4,
  });
  const images = tf.tensor4d(
    Float32Array.from({ length: 4 * 8 * 8 * 3 }, () => draw.normal()),
    [4, 8, 8, 3],
  );
  const labels = tf.tensor1d([0, 1, 2, 3], 'int32');
  const indices = Int32Array.from({ length: 4 }, (_, index) => index);
  const totals = [0, 1].map(
    (epoch) =>
      learner.step(
        { images, labels, indices },
        { epoch, learningRate: 0.01, random: random(1, epoch) },
      ).total,
  );
  learner.dispose();
  for (const item of [student, teacher, images, labels]) item.dispose();
  return totals;
}

describe('training on the two engines', () => {
  const found = new Map<string, number[]>();
  for (const engine of engines) {
    describe(engine, () => {
      withEngine(engine);
      it('takes two steps', () => {
        const totals = twoSteps();
        expect(totals.every(Number.isFinite)).to.equal(true);
        found.set(engine, totals);
      });
    });
  }

  describe('together', () => {
    it('gives the same losses within float32', () => {
      const [plain = [], native = []] = engines.map((engine) => found.get(engine));
      expect(plain).to.have.length(2);
      plain.forEach((total, step) => {
        expect(native[step], `step ${step}`).to.be.closeTo(total, 1e-3 * Math.abs(total));
      });
    });
  });
});

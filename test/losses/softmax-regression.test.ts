import { expect } from 'chai';
import { softmaxRegressionLoss } from '../../lib/losses/features';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

const row = (...values: number[]) => matrix([values]);

for (const engine of engines) {
  describe(`softmax regression (${engine})`, () => {
    withEngine(engine);

    it('adds the mean squared gaps of the features and of the logits', () => {
      // Features (3, 1) against (1, 2): (4 + 1) / 2. Logits (1, 0, 0) against (4, 0, 0): 9 / 3.
      const teacher = { feature: row(1, 2), logits: row(4, 0, 0) };
      const ofFeature = lossAt(
        (feature) => softmaxRegressionLoss({ feature, logits: row(1, 0, 0) }, teacher),
        [[3, 1]],
      );
      expect(ofFeature.value).to.be.closeTo(5 / 2 + 9 / 3, 1e-6);
      expectClose(ofFeature.gradient, [2, -1], 1e-6);
      const ofLogits = lossAt(
        (logits) => softmaxRegressionLoss({ feature: row(3, 1), logits }, teacher),
        [[1, 0, 0]],
      );
      expectClose(ofLogits.gradient, [(2 / 3) * -3, 0, 0], 1e-6);
    });
  });
}

describe('softmax regression refuses', () => {
  withEngine('plain');

  it('features or logits of two shapes', async () => {
    const one = { feature: row(1, 2), logits: row(1, 2, 3) };
    const feature = await faultOf(() => softmaxRegressionLoss(one, { ...one, feature: row(1) }));
    expect(feature.found).to.equal('student feature [1, 2], teacher feature [1, 1]');
    const logits = await faultOf(() => softmaxRegressionLoss(one, { ...one, logits: row(1, 2) }));
    expect(logits.found).to.equal('logits of the student feature [1, 3], teacher logits [1, 2]');
  });
});

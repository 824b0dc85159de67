import { expect } from 'chai';
import { crossEntropyLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { labelsOf, lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

for (const engine of engines) {
  describe(`cross entropy (${engine})`, () => {
    withEngine(engine);

    it('is −log of the probability of the label, with gradient softmax − one-hot', () => {
      // softmax(0, ln 3) = (1/4, 3/4)
      const { value, gradient } = lossAt(
        (logits) => crossEntropyLoss(logits, labelsOf(0)),
        [[0, Math.log(3)]],
      );
      expect(value).to.be.closeTo(Math.log(4), 1e-6);
      expectClose(gradient, [1 / 4 - 1, 3 / 4], 1e-6);
    });

    it('takes the mean over the batch', () => {
      const { value, gradient } = lossAt(
        (logits) => crossEntropyLoss(logits, labelsOf(0, 1)),
        [
          [0, Math.log(3)],
          [0, 0],
        ],
      );
      expect(value).to.be.closeTo((Math.log(4) + Math.log(2)) / 2, 1e-6);
      expectClose(gradient, [-3 / 8, 3 / 8, 1 / 4, -1 / 4], 1e-6);
    });

    it('stays finite at logits whose exponentials overflow', () => {
      const { value, gradient } = lossAt(
        (logits) => crossEntropyLoss(logits, labelsOf(1)),
        [[500, 0]],
      );
      expect(value).to.be.closeTo(500, 1e-3);
      expectClose(gradient, [1, -1], 1e-6);
    });

    it('of a single class is 0', () => {
      const { value, gradient } = lossAt(
        (logits) => crossEntropyLoss(logits, labelsOf(0, 0)),
        [[2], [-1]],
      );
      expect(value).to.equal(0);
      expectClose(gradient, [0, 0]);
    });
  });
}

describe('cross entropy refuses', () => {
  withEngine('plain');

  it('labels of another batch, quoting both shapes', async () => {
    const fault = await faultOf(() => crossEntropyLoss(matrix([[1, 2]]), labelsOf(0, 1)));
    expect(fault.found).to.equal('labels [2], logits [1, 2]');
  });

  it('labels that are not class indices', async () => {
    const fault = await faultOf(() => crossEntropyLoss(matrix([[1, 2]]), labelsOf(0).toFloat()));
    expect(fault.what).to.equal('labels must be class indices');
    expect(fault.found).to.equal('float32');
  });
});

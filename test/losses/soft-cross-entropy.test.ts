import { expect } from 'chai';
import { smoothedLabels, softCrossEntropyLoss } from '../../lib/losses/cross-entropy';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { labelsOf, lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

const { log } = Math;
/** softmax(0, ln 3) = (1/4, 3/4) */
const quarter = [0, log(3)];

for (const engine of engines) {
  describe(`soft cross entropy (${engine})`, () => {
    withEngine(engine);

    for (const { title, logits, targets, value, gradient } of [
      {
        title: 'is −Σ y · log p, with gradient p − y',
        logits: [quarter],
        targets: [[0.4, 0.6]],
        value: -(0.4 * log(1 / 4) + 0.6 * log(3 / 4)),
        gradient: [1 / 4 - 0.4, 3 / 4 - 0.6],
      },
      {
        title: 'weighs a row by what its targets sum to',
        logits: [quarter],
        targets: [[0, 2]],
        value: -2 * log(3 / 4),
        gradient: [2 * (1 / 4), 2 * (3 / 4) - 2],
      },
      {
        title: 'takes the mean over the batch',
        logits: [quarter, [0, 0]],
        targets: [
          [0, 1],
          [0.5, 1.5],
        ],
        value: (-log(3 / 4) + 2 * log(2)) / 2,
        gradient: [1 / 8, -1 / 8, 1 / 4, -1 / 4],
      },
    ]) {
      it(title, () => {
        const found = lossAt((x) => softCrossEntropyLoss(x, matrix(targets)), logits);
        expect(found.value).to.be.closeTo(value, 1e-6);
        expectClose(found.gradient, gradient, 1e-6);
      });
    }

    it('smooths labels: a share of them is spread over all classes', () => {
      // 0.2 / 4 everywhere, and the other 0.8 at the label.
      expectClose(
        smoothedLabels(labelsOf(1, 3), 4, 0.2),
        [0.05, 0.85, 0.05, 0.05, 0.05, 0.05, 0.05, 0.85],
        1e-7,
      );
      expectClose(smoothedLabels(labelsOf(1), 3, 0), [0, 1, 0], 0);
      expectClose(smoothedLabels(labelsOf(1), 4, 1), [0.25, 0.25, 0.25, 0.25], 0);
    });
  });
}

describe('soft cross entropy refuses', () => {
  withEngine('plain');

  it('targets of other classes, quoting both shapes', async () => {
    const fault = await faultOf(() => softCrossEntropyLoss(matrix([[1, 2]]), matrix([[1]])));
    expect(fault.where).to.equal('soft cross entropy');
    expect(fault.found).to.equal('logits [1, 2], targets [1, 1]');
  });
});

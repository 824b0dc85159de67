import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { directionCosineLoss, normDirectionLoss } from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { labelsOf, lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

const axes = [
  [2, 0],
  [0, 7],
];

/** The ND loss of one sample of class 0, whose class mean lies along the first axis. */
function nd(student: readonly number[], teacher: readonly number[]): ReturnType<typeof lossAt> {
  return lossAt(
    (x) => normDirectionLoss(x, matrix([teacher]), labelsOf(0), matrix(axes)),
    [student],
  );
}

for (const engine of engines) {
  describe(`ND (${engine})`, () => {
    withEngine(engine);

    it('of a student shorter than its teacher is 1 − projection / teacher norm', () => {
      const { value, gradient } = nd([3, 4], [6, 8]);
      expect(value).to.be.closeTo(1 - 3 / 10, 1e-6);
      expectClose(gradient, [-1 / 10, 0], 1e-6);
    });

    it('of a longer student is 1 − cos, its own norm being part of the graph', () => {
      const { value, gradient } = nd([3, 4], [0, 2]);
      expect(value).to.be.closeTo(1 - 3 / 5, 1e-6);
      expectClose(gradient, [-(1 - 0.6 * 0.6) / 5, (0.6 * 0.8) / 5], 1e-6);
    });

    it('of equal norms has the gradient of the longer student', () => {
      const { value, gradient } = nd([3, 4], [4, 3]);
      expect(value).to.be.closeTo(1 - 3 / 5, 1e-6);
      expectClose(gradient, [-(1 - 0.6 * 0.6) / 5, (0.6 * 0.8) / 5], 1e-6);
    });

    it('draws a student of zeros towards its class mean', () => {
      const { value, gradient } = nd([0, 0], [6, 8]);
      expect(value).to.equal(1);
      expectClose(gradient, [-1 / 10, 0], 1e-6);
    });

    it('counts 1 without a gradient where both are zero, or the class mean is', () => {
      const bothZero = nd([0, 0], [0, 0]);
      expect(bothZero.value).to.equal(1);
      expectClose(bothZero.gradient, [0, 0]);
      const zeroMean = lossAt(
        (x) => normDirectionLoss(x, matrix([[6, 8]]), labelsOf(0), matrix([[0, 0]])),
        [[3, 4]],
      );
      expect(zeroMean.value).to.equal(1);
      expectClose(zeroMean.gradient, [0, 0]);
    });

    it('gathers each sample its own class, and takes the mean over the batch', () => {
      const { value, gradient } = lossAt(
        (x) =>
          normDirectionLoss(
            x,
            matrix([
              [6, 8],
              [0, 2],
              [6, 8],
            ]),
            labelsOf(0, 0, 1),
            matrix(axes),
          ),
        [
          [3, 4],
          [3, 4],
          [3, 4],
        ],
      );
      expect(value).to.be.closeTo((0.7 + 0.4 + 0.6) / 3, 1e-6);
      expectClose(
        gradient,
        [-0.1, 0, -0.128, 0.096, 0, -0.1].map((slope) => slope / 3),
        1e-6,
      );
    });

    it('does not depend on the length of the class means', () => {
      const at = (means: number[][]): ReturnType<typeof lossAt> =>
        lossAt((x) => normDirectionLoss(x, matrix([[6, 8]]), labelsOf(0), matrix(means)), [[3, 4]]);
      const [short, long] = [at([[1e-3, 0]]), at([[1e3, 0]])];
      expect(short.value).to.be.closeTo(long.value, 1e-6);
      expectClose(short.gradient, long.gradient, 1e-6);
    });

    it('of students longer than their teachers equals direction by cosine', () => {
      const students = [
        [3, -4],
        [0.5, 2],
      ];
      const labels = [0, 1];
      const found = lossAt(
        (x) =>
          normDirectionLoss(
            x,
            matrix([
              [0.1, 0],
              [0, 0.1],
            ]),
            labelsOf(...labels),
            matrix(axes),
          ),
        students,
      );
      const cosine = lossAt(
        (x) => directionCosineLoss(x, labelsOf(...labels), matrix(axes)),
        students,
      );
      expect(found.value).to.be.closeTo(cosine.value, 1e-6);
      expectClose(found.gradient, cosine.gradient, 1e-6);
    });

    it('leaves no tensor behind', () => {
      const inputs = [matrix([[3, 4]]), matrix([[6, 8]]), matrix(axes)] as const;
      const labels = labelsOf(0);
      const before = tf.memory().numTensors;
      for (let i = 0; i < 3; i++) {
        const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
          normDirectionLoss(x as tf.Tensor2D, inputs[1], labels, inputs[2]),
        )(inputs[0]);
        tf.dispose([value, grad]);
      }
      expect(tf.memory().numTensors).to.equal(before);
      tf.dispose([...inputs, labels]);
    });
  });
}

describe('ND refuses', () => {
  withEngine('plain');
  const two = [[1, 2]];

  it('a teacher of another size, quoting both shapes and naming the adapter', async () => {
    const fault = await faultOf(() =>
      normDirectionLoss(matrix(two), matrix([[1, 2, 3]]), labelsOf(0), matrix(axes)),
    );
    expect(fault.found).to.equal('student embedding [1, 2], teacher embedding [1, 3]');
    expect(fault.fix).to.contain('adapter');
  });

  it('class means of another size, labels of another batch', async () => {
    const size = await faultOf(() =>
      normDirectionLoss(matrix(two), matrix(two), labelsOf(0), matrix([[1, 2, 3]])),
    );
    expect(size.found).to.equal('class means [1, 3], student embedding [1, 2]');
    const batch = await faultOf(() =>
      normDirectionLoss(matrix(two), matrix(two), labelsOf(0, 1), matrix(axes)),
    );
    expect(batch.found).to.equal('labels [2], student embedding [1, 2]');
  });

  it('an empty batch', async () => {
    const none = tf.tensor2d([], [0, 2]);
    const fault = await faultOf(() =>
      normDirectionLoss(none, none, tf.tensor1d([], 'int32'), matrix(axes)),
    );
    expect(fault.found).to.equal('student embedding [0, 2]');
  });
});

import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  directionCosineLoss,
  type NormChoice,
  normChoices,
  normDirectionLoss,
} from '../../lib/losses';
import { engines, withEngine } from '../support/engine';
import { labelsOf, lossAt, matrix } from '../support/losses';
import { expectClose } from '../support/tensors';

/** ND with a choice of norm for the student (3, 4), whose class mean lies along the first axis. */
function ndAt(norm: NormChoice, teacher: readonly number[]): ReturnType<typeof lossAt> {
  return lossAt(
    (x) => normDirectionLoss(x, matrix([teacher]), labelsOf(0), matrix([[2, 0]]), { norm }),
    [[3, 4]],
  );
}

const shorter = [0, 2];
const longer = [6, 8];
/** Of 1 − cos at (3, 4): −(e − cos · f/‖f‖) / ‖f‖. */
const turn = [-(1 - 0.6 * 0.6) / 5, (0.6 * 0.8) / 5];

for (const engine of engines) {
  describe(`ND with another norm (${engine})`, () => {
    withEngine(engine);

    it('with the larger one held constant draws a longer student on along the mean', () => {
      const { value, gradient } = ndAt('max detached', shorter);
      expect(value).to.be.closeTo(1 - 3 / 5, 1e-6);
      expectClose(gradient, [-1 / 5, 0], 1e-6);
    });

    it('with the larger one held constant is ND itself for a shorter student', () => {
      const [constant, nd] = [ndAt('max detached', longer), ndAt('max', longer)];
      expect(constant.value).to.equal(nd.value);
      expectClose(constant.gradient, nd.gradient, 1e-7);
    });

    it('with the teacher’s always falls below 0 for a student long enough', () => {
      const { value, gradient } = ndAt('teacher', shorter);
      expect(value).to.be.closeTo(1 - 3 / 2, 1e-6);
      expectClose(gradient, [-1 / 2, 0], 1e-6);
      expect(ndAt('teacher', longer).value).to.be.closeTo(1 - 3 / 10, 1e-6);
    });

    it('with the student’s always is direction by cosine, whatever the teacher', () => {
      for (const teacher of [shorter, longer]) {
        const { value, gradient } = ndAt('student', teacher);
        expect(value).to.be.closeTo(1 - 3 / 5, 1e-6);
        expectClose(gradient, turn, 1e-6);
        const cosine = lossAt(
          (x) => directionCosineLoss(x, labelsOf(0), matrix([[2, 0]])),
          [[3, 4]],
        );
        expect(value).to.be.closeTo(cosine.value, 1e-6);
        expectClose(gradient, cosine.gradient, 1e-6);
      }
    });

    it('has no gradient where the norm that it divides by is 0', () => {
      const zeros = (norm: NormChoice, student: number[], teacher: number[]) =>
        lossAt(
          (x) => normDirectionLoss(x, matrix([teacher]), labelsOf(0), matrix([[2, 0]]), { norm }),
          [student],
        );
      for (const { value, gradient } of [
        zeros('teacher', [3, 4], [0, 0]),
        zeros('student', [0, 0], [3, 4]),
        zeros('max detached', [0, 0], [0, 0]),
      ]) {
        expect(value).to.equal(1);
        expectClose(gradient, [0, 0]);
      }
    });

    it('takes the mean over the batch', () => {
      const { value, gradient } = lossAt(
        (x) =>
          normDirectionLoss(x, matrix([shorter, longer]), labelsOf(0, 0), matrix([[2, 0]]), {
            norm: 'teacher',
          }),
        [
          [3, 4],
          [3, 4],
        ],
      );
      expect(value).to.be.closeTo((-0.5 + 0.7) / 2, 1e-6);
      expectClose(gradient, [-0.5 / 2, 0, -0.1 / 2, 0], 1e-6);
    });

    it('leaves no tensor behind', () => {
      const inputs = [matrix([[3, 4]]), matrix([longer]), matrix([[2, 0]])] as const;
      const labels = labelsOf(0);
      const before = tf.memory().numTensors;
      for (const norm of normChoices) {
        const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
          normDirectionLoss(x as tf.Tensor2D, inputs[1], labels, inputs[2], { norm }),
        )(inputs[0]);
        tf.dispose([value, grad]);
      }
      expect(tf.memory().numTensors).to.equal(before);
      tf.dispose([...inputs, labels]);
    });
  });
}

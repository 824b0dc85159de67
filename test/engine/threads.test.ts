import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { startEngine } from '../../lib/engine/load';
import { nativeOperation } from '../../lib/engine/native';
import { batchNormTraining } from '../../lib/engine/operations/batch-norm';
import { convolution } from '../../lib/engine/operations/convolution';
import { tidied } from '../../lib/engine/tidy';
import { withEngine } from '../support/engine';

describe('threads', () => {
  withEngine('native');

  it('are one pool for TensorFlow’s operations and this package’s', async () => {
    const { threads } = await startEngine({ engine: 'native' });
    const shared = tidied(() => nativeOperation('NormDirectionShareThreads', [], []).dataSync()[0]);
    // With one thread there is nothing to share.
    expect(shared).to.equal(threads > 1 ? threads : 0);
  });

  it('give the same numbers in every run, whoever of them comes first', () => {
    const x = tf.randomNormal<tf.Rank.R4>([16, 9, 9, 8], 0, 1, 'float32', 1);
    const weights = tf.randomNormal<tf.Rank.R4>([3, 3, 8, 8], 0, 1, 'float32', 2);
    const unit = { scale: tf.ones<tf.Rank.R1>([8]), shift: tf.zeros<tf.Rank.R1>([8]) };
    const running = { mean: tf.zeros<tf.Rank.R1>([8]), variance: tf.ones<tf.Rank.R1>([8]) };
    const compute = (): string =>
      tidied(() => {
        const { output } = batchNormTraining(
          convolution(x, weights, { padding: 1 }),
          unit,
          running,
        );
        // Reductions and elementwise operations are TensorFlow's own.
        return tf
          .softmax(tf.sum(tf.mul(output, output), [1, 2]))
          .dataSync()
          .join();
      });
    const first = compute();
    for (let round = 0; round < 300; round++) expect(compute()).to.equal(first);
    tf.dispose([x, weights, unit, running]);
  });
});

import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { evaluatedBlock } from '../../lib/engine/tidy';
import { createModel } from '../../lib/models/registry';
import { withEngine } from '../support/engine';

describe('a block in evaluation', () => {
  withEngine('plain');

  it('frees its input and what it made on the way, and in training neither', () => {
    const block = (x: tf.Tensor): tf.Tensor => tf.add(tf.mul(x, 2), 1);
    const shown = tf.scalar(3);
    const output = evaluatedBlock(shown, { training: false }, { shown: [shown], block });
    expect(shown.isDisposed).to.equal(false);
    const before = tf.memory().numTensors;
    const next = evaluatedBlock(output, { training: false }, { shown: [shown], block });
    expect(output.isDisposed).to.equal(true);
    expect(tf.memory().numTensors).to.equal(before);
    expect(next.dataSync()[0]).to.equal((3 * 2 + 1) * 2 + 1);
    const trained = evaluatedBlock(next, { training: true }, { shown: [], block });
    expect(next.isDisposed).to.equal(false);
    // Its output and the product on the way.
    expect(tf.memory().numTensors).to.equal(before + 2);
    tf.dispose([shown, next, trained]);
  });

  it('keeps whole networks’ shown features, for as long as their caller does', () => {
    for (const name of ['resnet14', 'wrn_16_1'] as const) {
      const model = createModel(name, { classes: 3 });
      tf.tidy(() => {
        const { features } = model.forward(tf.zeros([1, 32, 32, 3]), { training: false });
        for (const feature of features) expect(feature.isDisposed, name).to.equal(false);
      });
      model.dispose();
    }
  });
});

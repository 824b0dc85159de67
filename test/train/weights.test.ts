import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { ModelState } from '../../lib/nn/state';
import { globalNormClip } from '../../lib/train/gradients';
import { weightAverage } from '../../lib/train/weight-average';
import { engines, withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

for (const engine of engines) {
  describe(`clipping by the global norm on the ${engine} engine`, () => {
    withEngine(engine);

    /** What step after step leaves of gradients of two parameters, of two numbers and of one. */
    function clipped(limit: number, ...steps: (readonly [number[], number[]])[]): number[][] {
      const state = new ModelState();
      const kind = { trainable: true, layout: 'same' } as const;
      state.add('two', tf.zeros([2]), kind);
      state.add('one', tf.zeros([1]), kind);
      const { clip, dispose } = globalNormClip(state.trainable, limit);
      const { numTensors } = tf.memory();
      const found = steps.map((gradients) =>
        tf.tidy(() => clip(gradients.map((of) => tf.tensor1d(of))).flatMap((of) => numbers(of))),
      );
      expect(tf.memory().numTensors).to.equal(numTensors);
      dispose();
      state.dispose();
      return found;
    }

    it('scales all gradients by one factor, as PyTorch does, in each step its own', () => {
      // ‖(3, 4, 12)‖ = 13, cut off at 5: 3 · 5 / 13 = 1.153846 (torch.nn.utils.clip_grad_norm_ too); ‖(0, 8, 6)‖ = 10.
      const [first, second] = clipped(5, [[3, 4], [12]], [[0, 8], [6]]);
      expectClose(tf.tensor1d(first ?? []), [1.153846, 1.538461, 4.615384], 1e-5);
      expectClose(tf.tensor1d(second ?? []), [0, 4, 3], 1e-5);
    });

    it('leaves shorter gradients alone', () => {
      expect(clipped(6, [[3, 4], [0]])).to.deep.equal([[3, 4, 0]]);
    });
  });
}

describe('a running average of weights', () => {
  withEngine('plain');

  /** A weight of 1 and a running mean of 0, as a batch norm begins. */
  const modelState = (): ModelState => {
    const state = new ModelState();
    state.add('weight', tf.tensor1d([1]), { trainable: true, layout: 'same' });
    state.add('running_mean', tf.tensor1d([0]), { trainable: false, layout: 'same' });
    return state;
  };
  const move = (state: ModelState, weight: number): void => {
    state.tensor('weight').replace(tf.tensor1d([weight]));
    state.tensor('running_mean').replace(tf.tensor1d([weight * 10]));
  };
  const valuesOf = (state: ModelState): number[] =>
    state.tensors.map(({ value }) => value.dataSync()[0] ?? NaN);

  it('follows weights and running statistics as timm’s ModelEmaV2', async () => {
    const state = modelState();
    const average = weightAverage(state, { decay: 0.9 });
    for (const weight of [2, 3]) {
      move(state, weight);
      average.update();
    }
    // 0.9 · (0.9 · 1 + 0.1 · 2) + 0.1 · 3 = 1.29; 0.9 · (0.9 · 0 + 0.1 · 20) + 0.1 · 30 = 4.8.
    await average.during(async () => {
      expectClose(valuesOf(state), [1.29, 4.8], 1e-5);
      await Promise.resolve();
    });
    expect(valuesOf(state)).to.deep.equal([3, 30]);
    average.settle();
    expectClose(valuesOf(state), [1.29, 4.8], 1e-5);
  });

  it('puts the weights back when the work fails, and leaves no tensor', async () => {
    const state = modelState();
    const { numTensors } = tf.memory();
    const average = weightAverage(state, { decay: 0.5 });
    move(state, 5);
    average.update();
    const failed = average.during(() => Promise.reject(new Error('no')));
    expect(await failed.catch((error: unknown) => String(error))).to.equal('Error: no');
    expect(valuesOf(state)).to.deep.equal([5, 50]);
    average.dispose();
    expect(tf.memory().numTensors).to.equal(numTensors);
  });

  it('goes on from what it saved', () => {
    const state = modelState();
    const average = weightAverage(state, { decay: 0.5 });
    move(state, 5);
    average.update();
    const other = weightAverage(modelState(), { decay: 0.5 });
    other.restore(average.save());
    expect(other.save()).to.deep.equal(average.save());
  });
});

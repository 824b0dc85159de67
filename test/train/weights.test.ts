import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { ModelState } from '../../lib/nn/state';
import { clipByGlobalNorm } from '../../lib/train/gradients';
import { weightAverage } from '../../lib/train/weight-average';
import { withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

describe('clipping by the global norm', () => {
  withEngine('plain');

  it('scales all gradients by one factor, as PyTorch does', () => {
    // ‖(3, 4, 12)‖ = 13, cut off at 5: 3 · 5 / 13 = 1.153846 (torch.nn.utils.clip_grad_norm_ too).
    const [first, second] = clipByGlobalNorm([tf.tensor1d([3, 4]), tf.tensor1d([12])], 5);
    expectClose(first as tf.Tensor, [1.153846, 1.538461], 1e-5);
    expectClose(second as tf.Tensor, [4.615384], 1e-5);
  });

  it('leaves shorter gradients alone', () => {
    const [gradient] = clipByGlobalNorm([tf.tensor1d([3, 4])], 6);
    expect(numbers(gradient as tf.Tensor)).to.deep.equal([3, 4]);
  });
});

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

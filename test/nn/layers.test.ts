import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { random } from '../../lib/engine/random';
import { createModel, type ModelName } from '../../lib/models/registry';
import { convolution } from '../../lib/engine/operations/convolution';
import { LabError } from '../../lib/errors';
import { convolutionNormLayer, dropPath, dropPathProbabilities } from '../../lib/nn/blocks';
import type { Model } from '../../lib/nn/model';
import { ModelState, type StateEntry } from '../../lib/nn/state';
import { withEngine } from '../support/engine';
import { scripted } from '../support/scripted';
import { counting, expectClose, numbers } from '../support/tensors';

describe('stochastic depth', () => {
  withEngine('native');

  it('leaves out whole branches of samples in training and scales the others by 1 / (1 − p)', () => {
    const x = counting<tf.Rank.R3>([3, 1, 2]);
    // Below 0.2 is left out: the first; 0.2 itself is not.
    const mode = { training: true, random: scripted(0.19, 0.2, 0.9) };
    expectClose(dropPath(x, { probability: 0.2 }, mode), [
      0,
      0,
      3 / 0.8,
      4 / 0.8,
      5 / 0.8,
      6 / 0.8,
    ]);
  });

  it('leaves out about as many as the probability says, and none in evaluation', () => {
    const x = tf.ones<tf.Rank.R2>([2000, 1]);
    const mode = { training: true, random: random(1, 'paths') };
    const dropped = numbers(dropPath(x, { probability: 0.1 }, mode)).filter((value) => value === 0);
    expect(dropped.length / 2000).to.be.closeTo(0.1, 0.02);
    expect(dropPath(x, { probability: 0.1 }, { training: false })).to.equal(x);
  });

  it('grows evenly from the first block to the last', () => {
    expectClose(dropPathProbabilities(5, 0.1), [0, 0.025, 0.05, 0.075, 0.1]);
    expect(dropPathProbabilities(1, 0.1)).to.deep.equal([0]);
  });

  /** A network whose branches give what is set here, all other weights being 0. */
  function branchesOf(name: ModelName, set: ReadonlyMap<string, Float32Array>): Model {
    const model = createModel(name, { classes: 2, imageSize: 32, dropPath: 0.24 });
    const entries = [...model.stateDict()].map(([entry, { shape, data }]): [string, StateEntry] => [
      entry,
      { shape, data: set.get(entry) ?? new Float32Array(data.length) },
    ]);
    model.loadStateDict(new Map(entries));
    return model;
  }
  const oneAt = (place: number, size: number): Float32Array =>
    Float32Array.from({ length: size }, (_, at) => (at === place ? 1 : 0));
  /** With draws that are all u a branch is left out from p > u on. */
  const scaled = (probability: number, draw: number): number =>
    draw < probability ? 0 : 1 / (1 - probability);

  it('of a vision transformer grows from 0 in the first of 12 blocks to the last, in both sums of a block', () => {
    const blocks = Array.from({ length: 12 }, (_, block) => block);
    const model = branchesOf(
      'vit_tiny_patch16_224',
      new Map([
        ['norm.weight', new Float32Array(192).fill(1)],
        ...blocks.flatMap((block): [string, Float32Array][] => [
          [`blocks.${block}.attn.proj.bias`, oneAt(2 * block, 192)],
          [`blocks.${block}.mlp.fc2.bias`, oneAt(2 * block + 1, 192)],
        ]),
      ]),
    );
    for (const draw of [0.1, 0.9]) {
      const mode = { training: true, random: { ...random(1), uniform: () => draw } };
      const embedding = numbers(model.forward(tf.zeros([1, 32, 32, 3]), mode).embedding);
      // The last norm moves and scales all numbers alike: number 100 was 0 before it, number 0 was 1.
      const [one = NaN, zero = NaN] = [embedding[0], embedding[100]];
      expectClose(
        embedding.slice(0, 24).map((value) => (value - zero) / (one - zero)),
        blocks.flatMap((block) => Array<number>(2).fill(scaled((0.24 * block) / 11, draw))),
        1e-4,
      );
    }
    model.dispose();
  });

  it('of a RegNet grows from 0 in the first of 13 blocks to the last', () => {
    // Of the last stage, blocks 6 to 12, each gives 1 in a channel of its own.
    const places = [1, 2, 3, 4, 5, 6, 7];
    const model = branchesOf(
      'regnety_002',
      new Map(places.map((place) => [`s4.b${place}.conv3.bn.bias`, oneAt(place, 368)])),
    );
    for (const draw of [0.17, 0.9]) {
      const mode = { training: true, random: { ...random(1), uniform: () => draw } };
      const embedding = numbers(model.forward(tf.zeros([2, 32, 32, 3]), mode).embedding);
      expectClose(
        embedding.slice(1, 8),
        places.map((place) => scaled((0.24 * (5 + place)) / 12, draw)),
      );
    }
    model.dispose();
  });
});

describe('convolution and batch norm as one unit', () => {
  withEngine('native');

  for (const groups of [1, 3]) {
    for (const stride of [1, 2]) {
      it(`in evaluation gives what the two give by themselves, of ${groups} groups with a stride of ${stride}`, () => {
        const state = new ModelState();
        const shape = { inputs: 48, outputs: 96, kernel: 3, padding: 1, stride, groups };
        const context = { state, random: random(1, 'weights') };
        const unit = convolutionNormLayer(context, { convolution: 'c', norm: 'n' }, shape);
        const draw = (size: number, seed: number): tf.Tensor =>
          tf.randomUniform([size], 0.5, 1.5, 'float32', seed);
        ['weight', 'bias', 'running_mean', 'running_var'].forEach((name, index) => {
          state.tensor(`n.${name}`).replace(draw(96, index + 1));
        });
        const x = tf.randomNormal<tf.Rank.R4>([2, 7, 5, 48], 0, 1, 'float32', 9);
        const mode = { training: false };
        const convolved = convolution(x, state.tensor('c.weight').value as tf.Tensor4D, shape);
        const [scale, shift, mean, variance] = [
          'weight',
          'bias',
          'running_mean',
          'running_var',
        ].map((name) => state.tensor(`n.${name}`).value) as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        const normalised = tf.div(tf.sub(convolved, mean), tf.sqrt(tf.add(variance, 1e-5)));
        const wanted = tf.relu(tf.add(tf.mul(normalised, scale), shift));
        expectClose(unit(x, mode, { relu: true }), numbers(wanted), 2e-5);
        state.dispose();
      });
    }
  }

  it('refuses in evaluation what does not fit: a residual, an image without room for the kernel', () => {
    const state = new ModelState();
    const unit = convolutionNormLayer(
      { state, random: random(1, 'weights') },
      { convolution: 'c', norm: 'n' },
      { inputs: 16, outputs: 16, kernel: 3 },
    );
    const evaluated = (side: number, residual?: tf.Tensor4D): tf.Tensor =>
      unit(tf.zeros([1, side, side, 16]), { training: false }, { residual, relu: false });
    expect(() => evaluated(5, tf.zeros([1, 5, 5, 16]))).to.throw(
      LabError,
      'residual [1, 5, 5, 16], output [1, 3, 3, 16]',
    );
    expect(() => evaluated(2)).to.throw(LabError, 'found input [1, 2, 2, 16]');
    state.dispose();
  });
});

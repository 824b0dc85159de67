import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { random } from '../../lib/engine/random';
import { dropPath, dropPathProbabilities } from '../../lib/nn/drop-path';
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
});

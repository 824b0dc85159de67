import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { crossEntropy, type LossTerm, sifn } from '../../lib/distill/terms';
import { previousWeights } from '../../lib/distill/terms/norm';
import { createModel } from '../../lib/models/registry';
import { hashStateDict, type StateDict } from '../../lib/nn/state';
import { type Batch, createLearner } from '../../lib/train/learner';
import { deterministic } from '../../lib/verify/deterministic';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';

const batch = (name: string): Batch => ({
  images: tf.tensor4d(deterministic(name, [4, 8, 8, 3], 1), [4, 8, 8, 3]),
  labels: tf.tensor1d([0, 1, 2, 3], 'int32'),
});
const at = { epoch: 0, learningRate: 0.5 };

/** ‖f‖ of each image of a batch under these weights, with the batch's statistics as in training. */
function normsUnder(state: StateDict, { images }: Batch): number[] {
  const model = createModel('resnet8', { classes: 4 });
  model.loadStateDict(state);
  const norms = tf.tidy(() => {
    const { embedding } = model.forward(images, { training: false, batchStatistics: true });
    return Array.from(tf.norm(embedding, 'euclidean', 1).dataSync());
  });
  model.dispose();
  return norms;
}

describe('SIFN against the weights before the last step', () => {
  withEngine('native');

  /** Two steps; the state before each, and the terms of each. */
  function twoSteps(
    terms: readonly LossTerm[],
    microBatch?: number,
  ): {
    states: StateDict[];
    values: number[][];
    hash: string;
  } {
    const student = createModel('resnet8', { classes: 4, seed: 3 });
    const learner = createLearner({ student, method: { name: 'm', terms }, microBatch });
    const states: StateDict[] = [];
    const values = ['first', 'second'].map((name) => {
      states.push(student.stateDict());
      const given = batch(name);
      const { terms: found } = learner.step(given, at);
      tf.dispose([given.images, given.labels]);
      return Array.from(found);
    });
    const hash = hashStateDict(student.stateDict());
    learner.dispose();
    student.dispose();
    return { states, values, hash };
  }

  it('asks each sample for its norm under those weights and r more', () => {
    const [weight, step] = [0.5, 0.75];
    const { states, values } = twoSteps([
      crossEntropy(),
      sifn({ weight, step, previousNorm: 'exact' }),
    ]);
    // Without weights before it, the first step holds its own norm constant: (norm + r − norm)².
    expect(values[0]?.[1]).to.be.closeTo(weight * step ** 2, 1e-5);
    const [before, now] = states.map((state) => normsUnder(state, batch('second')));
    const squares = (before ?? []).map((norm, i) => (norm + step - (now?.[i] ?? NaN)) ** 2);
    const mean = squares.reduce((sum, square) => sum + square, 0) / squares.length;
    expect(Math.abs(mean - step ** 2), 'the step changed the norms').to.be.greaterThan(1e-2);
    expect(values[1]?.[1]).to.be.closeTo(weight * mean, 1e-4);
  });

  it('takes both norms under the same parts’ statistics', () => {
    const student = createModel('resnet8', { classes: 4, seed: 3 });
    const terms = [crossEntropy(), sifn({ step: 0.75, previousNorm: 'exact' })];
    const learner = createLearner({ student, method: { name: 'm', terms }, replicas: 2 });
    for (const name of ['first', 'second', 'third']) {
      const given = batch(name);
      // At a rate of 0 the weights before are those of now: (norm + r − norm)².
      const { terms: found } = learner.step(given, { epoch: 0, learningRate: 0 });
      tf.dispose([given.images, given.labels]);
      expect(found[1]).to.be.closeTo(0.75 ** 2, 1e-5);
    }
    learner.dispose();
    student.dispose();
  });

  it('holds all parts of a batch against the weights before the last step', () => {
    const { states, values } = twoSteps(
      [crossEntropy(), sifn({ weight: 1, step: 0.75, previousNorm: 'exact' })],
      2,
    );
    const { images, labels } = batch('second');
    const parts = [0, 2].map((start) => ({ images: tf.slice(images, start, 2), labels }));
    const [before = [], now = []] = states.map((state) =>
      parts.flatMap((part) => normsUnder(state, part)),
    );
    const squares = before.map((norm, i) => (norm + 0.75 - (now[i] ?? NaN)) ** 2);
    const mean = squares.reduce((sum, square) => sum + square, 0) / squares.length;
    expect(values[1]?.[1]).to.be.closeTo(mean, 1e-4);
  });

  it('leaves no trace in the student: with weight 0 it trains as without the term', () => {
    const alone = twoSteps([crossEntropy()]);
    const beside = twoSteps([crossEntropy(), sifn({ weight: 0, previousNorm: 'exact' })]);
    expect(beside.hash).to.equal(alone.hash);
  });
});

describe('the weights before the last step', () => {
  withEngine('native');

  it('are those that were noted, once the step is taken', () => {
    const student = createModel('resnet8', { classes: 4, seed: 3 });
    const tensors = tf.memory().numTensors;
    const weights = previousWeights(student);
    const { images, labels } = batch('any');
    expect(weights.forward(images)).to.equal(undefined);
    const embedding = (): number[] =>
      tf.tidy(() => Array.from(weights.forward(images)?.embedding.dataSync() ?? []));
    weights.note();
    expect(embedding(), 'before the step').to.deep.equal([]);
    weights.advance();
    const noted = embedding();
    const [first] = student.state.trainable;
    first?.replace(tf.mul(first.value, 2));
    expect(embedding(), 'after a change').to.deep.equal(noted);
    expect(weights.save().get('conv1.weight')?.data).to.have.length(3 * 3 * 3 * 16);

    const resumed = previousWeights(student);
    resumed.restore(weights.save());
    weights.dispose();
    const restored = tf.tidy(() => Array.from(resumed.forward(images)?.embedding.dataSync() ?? []));
    expect(restored).to.deep.equal(noted);
    resumed.dispose();
    tf.dispose([images, labels]);
    expect(tf.memory().numTensors).to.equal(tensors);
    student.dispose();
  });

  it('are refused when they are another network’s', async () => {
    const [small, large] = (['resnet8', 'resnet14'] as const).map((name) =>
      createModel(name, { classes: 4 }),
    );
    if (!small || !large) throw new Error('two networks are needed');
    const [own, others] = [previousWeights(large), previousWeights(small)];
    others.note();
    others.advance();
    expect((await faultOf(() => own.restore(others.save()))).kind).to.equal('model');
    for (const part of [own, others, small, large]) part.dispose();
  });
});

import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { crossEntropy, softCrossEntropy } from '../../lib/distill/terms';
import { random } from '../../lib/engine/random';
import { linearLayer } from '../../lib/nn/layers';
import { asModel, type Model } from '../../lib/nn/model';
import { ModelState } from '../../lib/nn/state';
import { createLearner, type LearnerOptions, type StepResult } from '../../lib/train/learner';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { numbers } from '../support/tensors';

const samples = 10;

/** A network without batch norms: two linear layers on the pixels. */
function withoutNorms(): Model {
  const state = new ModelState();
  const context = { state, random: random(1, 'weights') };
  const hidden = linearLayer(context, 'hidden', { inputs: 12, outputs: 6 });
  const classifier = linearLayer(context, 'fc', { inputs: 6, outputs: 3 });
  return asModel({ name: 'linear', classes: 3, inputSize: 2 }, state, {
    embeddingSize: 6,
    forward(images, mode) {
      const embedding = tf.relu(hidden(tf.reshape(images, [images.shape[0], 12]), mode));
      return { logits: classifier(embedding, mode), embedding, features: [], preActivations: [] };
    },
  });
}

/** Two steps on a fixed batch of ten; the weights and the last step's measurements. */
function twoSteps(
  options: Partial<LearnerOptions>,
  mixed = false,
): { weights: number[]; result: StepResult } {
  const student = withoutNorms();
  const draw = random(2, 'images');
  const images = tf.tensor4d(
    Float32Array.from({ length: samples * 12 }, () => draw.normal()),
    [samples, 2, 2, 3],
  );
  const labels = tf.tensor1d(
    Int32Array.from({ length: samples }, (_, index) => index % 3),
    'int32',
  );
  const mix = {
    partners: tf.reverse(labels),
    lambda: tf.tensor1d(Float32Array.from({ length: samples }, () => draw.uniform())),
  };
  const learner = createLearner({
    student,
    method: { name: 'test', terms: [mixed ? softCrossEntropy() : crossEntropy()] },
    ...options,
  });
  try {
    const step = (): StepResult =>
      learner.step({ images, labels, ...(mixed ? { mix } : {}) }, { epoch: 0, learningRate: 0.5 });
    step();
    const result = step();
    return { weights: student.state.trainable.flatMap(({ value }) => numbers(value)), result };
  } finally {
    learner.dispose();
    student.dispose();
  }
}

describe('a batch that is computed in parts', () => {
  withEngine('native');

  for (const mixed of [false, true]) {
    it(`gives the step of the whole batch up to rounding${mixed ? ', its images mixed too' : ''}`, () => {
      const whole = twoSteps({}, mixed);
      // Four, four and two samples.
      const parts = twoSteps({ microBatch: 4 }, mixed);
      parts.weights.forEach((weight, at) =>
        expect(weight).to.be.closeTo(whole.weights[at] ?? NaN, 1e-6),
      );
      expect(parts.result.total).to.be.closeTo(whole.result.total, 1e-6);
      expect(parts.result.correct).to.equal(whole.result.correct);
    });
  }

  it('is the whole batch to the bit where one part holds it', () => {
    expect(twoSteps({ microBatch: samples })).to.deep.equal(twoSteps({}));
  });

  it('clips the sum of the parts’ gradients', () => {
    const plain = { momentum: 0, weightDecay: 0, nesterov: false };
    const before = withoutNorms();
    const old = before.state.trainable.flatMap(({ value }) => numbers(value));
    before.dispose();
    const { weights } = twoSteps({ microBatch: 4, clipNorm: 1e-3, optimiser: plain });
    // Two steps of length 0.5 · 1e-3 at most, along nearly the same way.
    const moved = Math.hypot(...weights.map((weight, at) => weight - (old[at] ?? NaN)));
    expect(moved).to.be.within(0.9e-3, 1.01e-3);
  });

  it('refuses mixed images for a term that takes one label an image', async () => {
    const method = { name: 'plain', terms: [crossEntropy()] };
    const { what, where } = await faultOf(() => twoSteps({ method }, true));
    expect(what).to.include('one label an image');
    expect(where).to.equal('method plain');
  });
});

import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { functionBackend } from '../../lib/engine/functions/function-definition';
import { random } from '../../lib/engine/random';
import { tidied } from '../../lib/engine/tidy';
import { createModel } from '../../lib/models/registry';
import type { Model } from '../../lib/nn/model';
import { tracedEvaluation, tracedTraining } from '../../lib/nn/traced';
import { lossAndGradients } from '../../lib/train/gradients';
import { withEngine } from '../support/engine';
import { numbers } from '../support/tensors';
import {
  classes,
  everything,
  images,
  itGivesTheSame,
  logitsOnly,
  step,
} from '../support/traced-steps';

/** Handles that the binding holds. */
function handles(): number {
  const { binding } = functionBackend();
  return (binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
}

describe('a network’s passes as functions', () => {
  withEngine('native');

  itGivesTheSame([
    ['resnet8', 32, 'float32', logitsOnly],
    ['resnet8', 16, 'bfloat16', everything],
    ['wrn_16_1', 16, 'bfloat16', logitsOnly],
    ['vit_tiny_patch16_224', 32, 'float32', everything],
    ['vit_tiny_patch16_224', 32, 'bfloat16', everything],
  ]);

  it('come after three passes with a shape of images, for each shape by itself', () => {
    const model = createModel('resnet8', { classes });
    const traced = tracedTraining(model, logitsOnly);
    const use = (batch: number): boolean =>
      tidied(() => {
        const pass = traced.forward(images(batch, 1));
        pass?.dispose();
        return pass !== undefined;
      });
    expect([use(4), use(3), use(4), use(4), use(4), use(3), use(3), use(3)]).to.deep.equal([
      ...[false, false, false, false, true, false, false, true],
    ]);
    expect(use(4)).to.equal(true);
    traced.dispose();
  });

  it('hold as many tensors after every step, and none when they are disposed of', () => {
    const model = createModel('resnet8', { classes });
    const x = images(4, 1);
    const first = tracedTraining(model, logitsOnly);
    for (let count = 0; count < 2; count++) step(model, x, logitsOnly, first);
    const before = [handles(), tf.memory().numTensors];
    const traced = tracedTraining(model, logitsOnly);
    const counts = Array.from({ length: 7 }, () => {
      step(model, x, logitsOnly, traced);
      return [handles(), tf.memory().numTensors].join();
    });
    expect(new Set(counts.slice(3)).size).to.equal(1);
    // A pass that is never gone back.
    tidied(() => traced.forward(x)?.dispose());
    expect([handles(), tf.memory().numTensors].join()).to.equal(counts[6]);
    traced.dispose();
    expect([handles(), tf.memory().numTensors]).to.deep.equal(before);
  });

  it('give a network with stochastic depth the same to the bit, of numbers drawn anew in each pass', () => {
    const options = { classes, imageSize: 32, dropPath: 0.5, seed: 3 };
    const [model, twin] = [0, 1].map(() => createModel('vit_tiny_patch16_224', options)) as [
      Model,
      Model,
    ];
    const traced = tracedTraining(model, logitsOnly);
    const x = images(4, 1);
    const [ours, theirs] = [random(1, 'paths'), random(1, 'paths')];
    const steps = Array.from({ length: 6 }, () => {
      const found = step(model, x, { ...logitsOnly, random: ours }, traced);
      const expected = step(twin, x, { ...logitsOnly, random: theirs });
      expect({ ...found, functions: false }).to.deep.equal(expected);
      return { ...found, tensors: tf.memory().numTensors };
    });
    expect(steps.map(({ functions }) => functions)).to.deep.equal([
      ...[false, false, false, true, true, true],
    ]);
    expect(new Set(steps.map(({ loss }) => loss)).size).to.equal(6);
    expect(new Set(steps.map(({ tensors }) => tensors)).size).to.equal(1);
    expect(ours.uniform()).to.equal(theirs.uniform());
    expect(() => traced.forward(x)).to.throw(/needs random numbers/);
    traced.dispose();
  });

  it('leave a network as it is that drops out by itself or keeps weights beside its state', () => {
    const own = tf.keep(tf.scalar(0.5));
    const inner = createModel('resnet8', { classes });
    const times = (factor: () => tf.Tensor): Model => ({
      ...inner,
      forward(x, mode) {
        const { logits, embedding } = inner.forward(x, mode);
        return { logits: tf.mul(logits, factor()), embedding, features: [], preActivations: [] };
      },
    });
    const dropping = times(() => tf.dropout(tf.ones([classes]), 0.5));
    const keeping = times(() => own);
    for (const model of [dropping, keeping]) {
      const traced = tracedTraining(model, logitsOnly);
      for (let count = 0; count < 5; count++) {
        expect(step(model, images(2, count), logitsOnly, traced).functions).to.equal(false);
      }
      traced.dispose();
    }
    tf.dispose(own);
  });

  it('count in a loss that takes the weights themselves, too', () => {
    const model = createModel('resnet8', { classes, seed: 3 });
    const traced = tracedTraining(model, logitsOnly);
    const x = images(2, 1);
    for (let count = 0; count < 4; count++) step(model, x, logitsOnly, traced);
    tidied(() => {
      const pass = traced.forward(x);
      if (pass === undefined) throw new Error('no function');
      const classifier = model.state.tensor('fc.weight').value;
      const of = (loss: () => tf.Scalar, ran?: typeof pass): number[] => {
        const { gradients } = lossAndGradients(loss, model.state.trainable, ran);
        return numbers(gradients.at(-2) as tf.Tensor);
      };
      const weights = numbers(classifier);
      // The sum of squares alone has the gradient 2 w; the logits do not count.
      const both = of(
        () => tf.add(tf.sum(tf.square(classifier)), tf.mul(tf.sum(pass.output.logits), 0)),
        pass,
      );
      both.forEach((value, index) =>
        expect(value).to.be.closeTo(2 * (weights[index] ?? NaN), 1e-6),
      );
    });
    traced.dispose();
  });
});

describe('a frozen network’s forward pass as a function', () => {
  withEngine('native');

  for (const name of ['resnet8', 'wrn_16_2', 'vgg8', 'ShuffleV2'] as const) {
    it(`gives ${name} the same output to the bit`, () => {
      const model = createModel(name, { classes, seed: 2 });
      const mode = { training: false };
      const traced = tracedEvaluation(model, mode);
      for (let count = 0; count < 6; count++) {
        tidied(() => {
          const x = images(3, count);
          const found = traced.forward(x);
          const expected = model.forward(x, mode);
          expect(numbers(found.logits)).to.deep.equal(numbers(expected.logits));
          expect(numbers(found.embedding)).to.deep.equal(numbers(expected.embedding));
          expect(found.features.map(numbers)).to.deep.equal(expected.features.map(numbers));
          expect(found.preActivations.map(numbers)).to.deep.equal(
            expected.preActivations.map(numbers),
          );
        });
      }
      traced.dispose();
    });
  }

  it('is made anew when the network gets other weights', () => {
    const model = createModel('resnet8', { classes, seed: 2 });
    const other = createModel('resnet8', { classes, seed: 9 });
    const mode = { training: false, features: false, preActivations: false };
    const traced = tracedEvaluation(model, mode);
    const logits = (): number[] => tidied(() => numbers(traced.forward(images(3, 1)).logits));
    const old = [logits(), logits(), logits(), logits(), logits()];
    expect(new Set(old.map((each) => each.join())).size).to.equal(1);
    model.loadStateDict(other.stateDict());
    const expected = tidied(() => numbers(other.forward(images(3, 1), mode).logits));
    expect(expected).not.to.deep.equal(old[0]);
    for (let count = 0; count < 5; count++) expect(logits()).to.deep.equal(expected);
    traced.dispose();
  });

  it('shows no more than it was told to', () => {
    const model = createModel('resnet8', { classes });
    const traced = tracedEvaluation(model, {
      training: false,
      features: false,
      preActivations: false,
    });
    for (let count = 0; count < 5; count++) {
      tidied(() => {
        const output = traced.forward(images(2, 1));
        expect(() => output.features).to.throw("without naming 'features'");
        expect(() => output.preActivations).to.throw("without naming 'pre-activations'");
      });
    }
    traced.dispose();
  });
});

import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { comparedEmbedding } from '../../lib/distill/objective';
import { random } from '../../lib/engine/random';
import { createModel } from '../../lib/models/registry';
import { createLearner } from '../../lib/train/learner';
import { table2Recipe } from '../../reproduce/recipes/table2';
import { withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

const classes = 5;
const batch = 4;
const pair = { teacher: 'regnety_160', student: 'deit_base_distilled_patch16_224' };

/** Losses of two steps of the paper’s DeiT++ recipe on small networks, and a weight after them. */
function twoSteps(): { terms: number[][]; adapted: readonly number[]; head: number[] } {
  const { method, optimiser, dropPath = 0 } = table2Recipe(pair, 'deit++');
  const options = { classes, imageSize: 32 };
  const teacher = createModel('regnety_002', { ...options, seed: 1 });
  const student = createModel('deit_tiny_distilled_patch16_224', { ...options, seed: 2, dropPath });
  const draw = random(3, 'images');
  const classMeans = Float32Array.from({ length: classes * teacher.embeddingSize }, draw.uniform);
  const learner = createLearner({
    student,
    teacher: { model: teacher, classMeans },
    method,
    optimiser,
  });
  const images = tf.tensor4d(
    Float32Array.from({ length: batch * 32 * 32 * 3 }, () => draw.normal()),
    [batch, 32, 32, 3],
  );
  const labels = tf.tensor1d([0, 1, 2, 4], 'int32');
  const mix = {
    partners: tf.tensor1d([4, 2, 1, 0], 'int32'),
    lambda: tf.tensor1d([0.9, 0.9, 0.9, 0.9]),
  };
  try {
    const terms = [0, 5].map((epoch) =>
      Array.from(
        learner.step(
          { images, labels, mix },
          { epoch, learningRate: 1e-3, random: random(4, epoch) },
        ).terms,
      ),
    );
    const weights = student.state.tensor('head_dist.weight').value;
    const adapted = learner.adapter?.state.tensor('2.weight').value.shape ?? [];
    return { terms, adapted, head: numbers(weights) };
  } finally {
    learner.dispose();
    student.dispose();
    teacher.dispose();
  }
}

describe('a DeiT++ step', () => {
  withEngine('native');

  it('has soft labels, hard distillation that warms up, and ND through an adapter; the same twice', () => {
    const first = twoSteps();
    const [cold = [], warm = []] = first.terms;
    const [labels = NaN, distillation = NaN, direction = NaN] = cold;
    // Weights near 0 know nothing yet: the cross entropy is near log 5, and of the second kind half of that.
    expect(labels).to.be.closeTo(Math.log(classes), 0.5);
    expect(distillation).to.equal(0);
    expect(direction).to.be.within(0, 3);
    expect(warm[1]).to.be.within(0.1, 1.5);
    expect(first.adapted).to.deep.equal([368, 192]);
    expect(twoSteps()).to.deep.equal(first);
  });

  it('holds the mean of both tokens against the class means', () => {
    const embedding = tf.tensor2d([[1, 2]]);
    const distillationEmbedding = tf.tensor2d([[3, -4]]);
    expectClose(comparedEmbedding({ embedding, distillationEmbedding }), [2, -1]);
    expect(comparedEmbedding({ embedding })).to.equal(embedding);
  });
});

import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { createObjective, type Objective } from '../../lib/distill/objective';
import { srrl } from '../../lib/distill/terms';
import { createModel } from '../../lib/models/registry';
import type { Model } from '../../lib/nn/model';
import { lossAndGradients } from '../../lib/train/gradients';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { expectClose, numbers } from '../support/tensors';

describe('SRRL', () => {
  withEngine('native');
  let student: Model;
  let teacher: Model;
  let objective: Objective;
  const images = (): tf.Tensor4D => tf.randomNormal([3, 16, 16, 3], 0, 1, 'float32', 7);
  before(() => {
    student = createModel('resnet8', { classes: 4, seed: 1 });
    teacher = createModel('resnet8x4', { classes: 4, seed: 2 });
    objective = createObjective(
      { name: 'srrl', terms: [srrl({ weight: 2 })] },
      { student, teacher, seed: 3, samples: 3 },
    );
  });
  after(() => {
    objective.dispose();
    student.dispose();
    teacher.dispose();
  });

  const valueOf = (x: tf.Tensor4D, training: boolean): tf.Scalar => {
    const output = student.forward(x, { training: false });
    return objective.value(
      {
        student: output,
        studentEmbedding: output.embedding,
        labels: tf.tensor1d([0, 1, 2], 'int32'),
        teacher: teacher.forward(x, { training: false }),
      },
      { epoch: 0, mode: { training } },
    ).total;
  };

  it('is the gap of pooled connected features, and that of what the teacher’s classifier makes of them', () => {
    const x = images();
    const state = objective.part('srrl')?.state;
    expect([...(state?.stateDict().keys() ?? [])].slice(0, 2)).to.deep.equal([
      'Connectors.0.weight',
      'Connectors.1.weight',
    ]);
    // In evaluation a fresh batch norm divides by √(1 + 1e-5) and does nothing else.
    const map = student.forward(x, { training: false }).features.at(-1) as tf.Tensor4D;
    const weights = state?.tensor('Connectors.0.weight').value as tf.Tensor4D;
    const connected = tf.relu(tf.div(tf.conv2d(map, weights, 1, 'valid'), Math.sqrt(1 + 1e-5)));
    const feature: tf.Tensor2D = tf.mean(connected, [1, 2]);
    const { embedding, logits } = teacher.forward(x, { training: false });
    const classified = tf.add(
      tf.matMul(feature, teacher.state.tensor('fc.weight').value as tf.Tensor2D, false, true),
      teacher.state.tensor('fc.bias').value,
    );
    const expected =
      (numbers(tf.losses.meanSquaredError(embedding, feature))[0] ?? NaN) +
      (numbers(tf.losses.meanSquaredError(logits, classified))[0] ?? NaN);
    expectClose(valueOf(x, false), [2 * expected], 1e-4 * expected);
  });

  it('trains its connector and leaves the teacher alone', () => {
    const x = images();
    const parameters = objective.trainable;
    expect(parameters).to.have.length(3);
    const before = teacher.stateDict();
    const { gradients } = lossAndGradients(() => valueOf(x, true), parameters);
    expect(numbers(tf.sum(tf.abs(gradients[0] as tf.Tensor)))[0]).to.be.above(0);
    expect(teacher.stateDict()).to.deep.equal(before);
  });

  it('refuses a student without feature maps', async () => {
    const flat: Model = {
      ...student,
      forward: (x, mode) => ({ ...student.forward(x, mode), features: [] }),
    };
    const own = createObjective(
      { name: 'srrl', terms: [srrl()] },
      { student: flat, teacher, seed: 3, samples: 3 },
    );
    const x = images();
    const { what } = await faultOf(() => {
      const output = flat.forward(x, { training: false });
      return own.value(
        {
          student: output,
          studentEmbedding: output.embedding,
          labels: tf.tensor1d([0, 1, 2], 'int32'),
          teacher: teacher.forward(x, { training: false }),
        },
        { epoch: 0, mode: { training: false } },
      );
    });
    expect(what).to.include('mean of its last feature map');
    own.dispose();
  });
});

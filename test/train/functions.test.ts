import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { evaluationBatches } from '../../lib/data/batches';
import {
  crossEntropy,
  dist,
  dkd,
  fitNet,
  kd,
  normDirection,
  ofd,
  reviewKd,
  sifn,
  srrl,
} from '../../lib/distill/terms';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/state';
import { createLearner, type LearnerOptions, type StepResult } from '../../lib/train/learner';
import { smallDataset } from '../support/datasets';
import { withEngine } from '../support/engine';

const dataset = smallDataset({ perClass: 8, side: 32 });
const classes = dataset.classes.length;

interface Trained {
  readonly results: readonly StepResult[];
  readonly student: string;
  readonly objective: string;
  readonly tensors: readonly number[];
}

/** Six steps on one batch of so many images. */
function trained(
  options: Pick<LearnerOptions, 'method'> & Partial<LearnerOptions>,
  count = dataset.train.count,
): Trained {
  const student = createModel('resnet8', { classes, seed: 1 });
  const model = createModel('resnet14', { classes, seed: 2 });
  const means = Float32Array.from({ length: classes * model.embeddingSize }, (_, i) => 1 + (i % 7));
  const learner = createLearner({
    student,
    teacher: { model, classMeans: means },
    samples: dataset.train.count,
    labels: dataset.train.labels,
    ...options,
  });
  const [batch] = evaluationBatches(dataset, dataset.train, count);
  if (batch === undefined) throw new Error('no batch');
  const images = tf.tensor4d(batch.images.slice(), [count, 32, 32, 3]);
  const labels = tf.tensor1d(batch.labels.slice(), 'int32');
  const indices = Int32Array.from({ length: count }, (_, place) => place);
  const tensors: number[] = [];
  const results = Array.from({ length: 6 }, (_, epoch) => {
    const result = learner.step({ images, labels, indices }, { epoch, learningRate: 0.05 });
    tensors.push(tf.memory().numTensors);
    return result;
  });
  const trainedParts = {
    results,
    student: hashStateDict(student.stateDict()),
    objective: hashStateDict(learner.objective.save()),
    tensors,
  };
  learner.dispose();
  [student, model, images, labels].forEach((part) => part.dispose());
  return trainedParts;
}

describe('training with functions of TensorFlow', () => {
  withEngine('native');

  const methods = {
    'kd++': [crossEntropy(), kd(), normDirection({ weight: 2 })],
    'dkd and SIFN': [crossEntropy(), dkd(), sifn()],
    'dist++': [crossEntropy(), dist(), normDirection({ weight: 1 })],
    'reviewkd++': [crossEntropy(), reviewKd(), normDirection({ weight: 1 })],
    fitnet: [crossEntropy(), fitNet({ weight: 10 })],
    ofd: [crossEntropy(), ofd({ weight: 0.1 })],
    srrl: [crossEntropy(), srrl()],
  };
  for (const [name, terms] of Object.entries(methods)) {
    it(`ends with the same bytes as without them: ${name}`, () => {
      const method = { name, terms };
      const { tensors, ...found } = trained({ method });
      const { tensors: _, ...expected } = trained({ method, functions: false });
      expect(found).to.deep.equal(expected);
      expect(new Set(tensors.slice(1)).size).to.equal(1);
    });
  }

  it('ends with the same bytes in bfloat16, and in parts of a batch', () => {
    const method = { name: 'kd++', terms: methods['kd++'] };
    // Few images: bfloat16 is slow where the processor has no instructions for it.
    for (const options of [{ precision: 'bf16' }, { microBatch: 7 }] as const) {
      const { tensors: _one, ...found } = trained({ method, ...options }, 12);
      const { tensors: _two, ...expected } = trained({ method, ...options, functions: false }, 12);
      expect(found).to.deep.equal(expected);
    }
  });
});

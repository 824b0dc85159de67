import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { createObjective, mixedClassMeans, softLabels } from '../../lib/distill/objective';
import type { BatchSignals } from '../../lib/distill/term';
import {
  crossEntropy,
  type LossTerm,
  mixedNormDirection,
  normDirection,
  type PartContext,
  softCrossEntropy,
  tokenDistillation,
} from '../../lib/distill/terms';
import { crossEntropyLoss, kdLoss } from '../../lib/losses';
import { createModel } from '../../lib/models/registry';
import type { Model, ModelOutput } from '../../lib/nn/model';
import { createLearner } from '../../lib/train/learner';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { expectClose, numbers } from '../support/tensors';

const context: PartContext = { student: {} as Model, teacher: undefined, seed: 0, samples: 2 };

function outputOf(logits: number[][], embedding: number[][]): ModelOutput {
  return {
    logits: tf.tensor2d(logits),
    embedding: tf.tensor2d(embedding),
    features: [],
    preActivations: [],
  };
}

/** Two samples of classes 0 and 2, each mixed with the other: 0.7 of its own. */
function mixedSignals(): BatchSignals {
  const student = outputOf(
    [
      [1, 2, 0],
      [0, 1, 3],
    ],
    [
      [1, 2],
      [3, -1],
    ],
  );
  return {
    student,
    studentEmbedding: student.embedding,
    labels: tf.tensor1d([0, 2], 'int32'),
    mix: {
      labels: tf.tensor1d([0, 2], 'int32'),
      partners: tf.tensor1d([2, 0], 'int32'),
      lambda: tf.tensor1d([0.7, 0.7]),
    },
    teacher: outputOf(
      [
        [3, 0, 0],
        [0, 5, 1],
      ],
      [
        [10, 0],
        [0, 0.5],
      ],
    ),
    classMeans: tf.tensor2d([
      [1, 0],
      [5, 5],
      [0, 2],
    ]),
  };
}

function unmixedSignals(): BatchSignals {
  const { mix, ...signals } = mixedSignals();
  expect(mix).to.be.an('object');
  return signals;
}

function valueOf(term: LossTerm, signals: BatchSignals): number {
  const objective = createObjective({ name: 'test', terms: [term] }, context);
  return numbers(objective.value(signals, { epoch: 0, mode: { training: true } }).total)[0] ?? NaN;
}

describe('labels of mixed images', () => {
  withEngine('plain');

  it('are mixed after each was smoothed', () => {
    // Smoothing 0.3 over three classes: 0.8 at the label, 0.1 elsewhere.
    expectClose(softLabels(mixedSignals(), 0.3), [
      0.7 * 0.8 + 0.3 * 0.1,
      0.1,
      0.7 * 0.1 + 0.3 * 0.8,
      0.7 * 0.1 + 0.3 * 0.8,
      0.1,
      0.7 * 0.8 + 0.3 * 0.1,
    ]);
    expectClose(softLabels(unmixedSignals(), 0.3), [0.8, 0.1, 0.1, 0.1, 0.1, 0.8]);
  });

  it('are smoothed by a share, not by percents', async () => {
    for (const of of [softLabels, mixedClassMeans]) {
      const { kind, found } = await faultOf(() => of(mixedSignals(), 10));
      expect([kind, found]).to.deep.equal(['option', '10']);
    }
  });

  it('give a cross entropy that is the mixture of those with either label', () => {
    const signals = mixedSignals();
    const { logits } = signals.student;
    const own = numbers(crossEntropyLoss(logits, tf.tensor1d([0, 2], 'int32')))[0] ?? NaN;
    const other = numbers(crossEntropyLoss(logits, tf.tensor1d([2, 0], 'int32')))[0] ?? NaN;
    const mixed = valueOf(softCrossEntropy({ smoothing: 0 }), signals);
    expect(mixed).to.be.closeTo(0.7 * own + 0.3 * other, 1e-6);
    const plain = valueOf(softCrossEntropy({ smoothing: 0 }), unmixedSignals());
    expect(plain).to.be.closeTo(valueOf(crossEntropy(), unmixedSignals()), 1e-6);
  });

  it('have a cross entropy whose gradient is softmax − target, over the batch', () => {
    const signals = mixedSignals();
    const targets = softLabels(signals, 0.1);
    const term = softCrossEntropy({ smoothing: 0.1 });
    const objective = createObjective({ name: 'test', terms: [term] }, context);
    const gradient = tf.grad((logits) => {
      const student = { ...signals.student, logits: logits as tf.Tensor2D };
      return objective.value({ ...signals, student }, { epoch: 0, mode: { training: true } }).total;
    })(signals.student.logits);
    const expected = tf.div(tf.sub(tf.softmax(signals.student.logits), targets), 2);
    expectClose(gradient, numbers(expected), 1e-6);
  });
});

describe('class means of mixed images', () => {
  withEngine('plain');

  it('are mixed like the labels', () => {
    // 0.7 · (1, 0) + 0.3 · (0, 2), and the other way round.
    expectClose(mixedClassMeans(mixedSignals(), 0), [0.7, 0.6, 0.3, 1.4]);
  });

  it('are smoothed by the means of the batch’s own samples, smoothing / classes of each', () => {
    // Own ones count 0.7, and 0.1 · ((1, 0) + (0, 2)) = (0.1, 0.2) is added to each.
    const [first, second] = [
      [0.8, 0.2],
      [0.1, 1.6],
    ];
    const mixed = [first, second].flatMap((own, at) => {
      const other = at === 0 ? second : first;
      return own?.map((value, entry) => 0.7 * value + 0.3 * (other?.[entry] ?? NaN)) ?? [];
    });
    expectClose(mixedClassMeans(mixedSignals(), 0.3), mixed);
    expectClose(mixedClassMeans(unmixedSignals(), 0.3), [...(first ?? []), ...(second ?? [])]);
  });

  it('give the ND loss its directions', () => {
    // f = (1, 2), c = (0.7, 0.6), the teacher's norm 10: 1 − f · c / ‖c‖ / 10.
    const first = 1 - (0.7 + 1.2) / Math.hypot(0.7, 0.6) / 10;
    // f = (3, −1) is longer than the teacher's 0.5: 1 − cos(f, c), c = (0.3, 1.4).
    const second = 1 - (0.9 - 1.4) / Math.hypot(0.3, 1.4) / Math.hypot(3, 1);
    const found = valueOf(mixedNormDirection({ smoothing: 0 }), mixedSignals());
    expect(found).to.be.closeTo((first + second) / 2, 1e-6);
    expect(valueOf(mixedNormDirection({ smoothing: 0 }), unmixedSignals())).to.be.closeTo(
      valueOf(normDirection(), unmixedSignals()),
      1e-6,
    );
  });
});

describe('distillation through a token', () => {
  withEngine('plain');
  const withToken = (): BatchSignals => {
    const signals = unmixedSignals();
    const distillationLogits = tf.tensor2d([
      [0, 1, 0],
      [2, 0, 1],
    ]);
    return { ...signals, student: { ...signals.student, distillationLogits } };
  };
  const token = (): tf.Tensor2D => withToken().student.distillationLogits as tf.Tensor2D;

  it('takes the teacher’s decision as the label when it is hard', () => {
    // The teacher's logits are highest at 0 and 1.
    const expected = crossEntropyLoss(token(), tf.tensor1d([0, 1], 'int32'));
    expect(valueOf(tokenDistillation(), withToken())).to.be.closeTo(
      numbers(expected)[0] ?? NaN,
      1e-6,
    );
  });

  it('takes the teacher’s distribution when it is soft', () => {
    const teacher = withToken().teacher?.logits as tf.Tensor2D;
    const expected = kdLoss(token(), teacher, { temperature: 3 });
    const term = tokenDistillation({ kind: 'soft', temperature: 3, weight: 2 });
    expect(valueOf(term, withToken())).to.be.closeTo(2 * (numbers(expected)[0] ?? NaN), 1e-5);
  });

  it('refuses a student without one', async () => {
    const { what } = await faultOf(() => valueOf(tokenDistillation(), unmixedSignals()));
    expect(what).to.include('needs a student that has one');
  });
});

describe('a step on mixed images', () => {
  withEngine('native');

  it('counts a hit where the class of the larger part is found, of equal parts that of the image itself', () => {
    const student = createModel('resnet8', { classes: 3, seed: 1 });
    // Whatever it sees, class 1 comes first.
    student.loadStateDict(
      new Map([
        ...student.stateDict(),
        ['fc.weight', { shape: [3, 64], data: new Float32Array(3 * 64) }],
        ['fc.bias', { shape: [3], data: Float32Array.of(0, 1, 0) }],
      ]),
    );
    const learner = createLearner({
      student,
      method: { name: 'mixed', terms: [softCrossEntropy()] },
      samples: 5,
    });
    const images = tf.ones<tf.Rank.R4>([5, 8, 8, 3]);
    const labels = tf.tensor1d([1, 0, 1, 0, 1], 'int32');
    const mix = {
      partners: tf.tensor1d([0, 1, 0, 1, 2], 'int32'),
      // Hits: the label, the partner, the label; then the label 0, and the partner 2.
      lambda: tf.tensor1d([0.9, 0.2, 0.5, 0.5, 0.4]),
    };
    const { correct } = learner.step({ images, labels, mix }, { epoch: 0, learningRate: 0.1 });
    expect(correct).to.equal(3);
    learner.dispose();
    student.dispose();
  });
});

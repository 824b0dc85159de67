import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { boxHead, type BoxOutput } from '../../lib/detection/box-head';
import { createDetectionObjective } from '../../lib/detection/distillation';
import { dkd, kd, type LossTerm, normDirection } from '../../lib/distill/terms';
import { random } from '../../lib/engine/random';
import { readJson } from '../../lib/files';
import { ModelState } from '../../lib/nn/state';
import { deterministic, deterministicWeights } from '../../lib/verify/deterministic';
import { tinyDetector } from '../support/detector';
import { withEngine } from '../support/engine';
import { numbers } from '../support/tensors';

interface Reference {
  prefix: string;
  classes: number;
  embeddingSize: number;
  channels: number;
  resolution: number;
  regions: number;
  labels: number[];
  studentEmbedding: { norm: number };
  teacherEmbedding: { norm: number };
  losses: Record<
    string,
    {
      value: number;
      embeddingGradient: number;
      firstRow: number[];
      gradientNorms: Record<string, number>;
    }
  >;
}

const path = join(__dirname, '..', 'fixtures', 'released', 'detection-losses.json');
const reference = readJson(path, 'none') as Reference;
const { prefix, classes, embeddingSize, channels, resolution, regions, labels } = reference;

const terms: Record<string, LossTerm[]> = {
  'kd++': [kd({ weight: 1, temperature: 1 }), normDirection({ weight: 1.5 })],
  nd: [normDirection({ weight: 1.5 })],
  dkd: [dkd({ alpha: 1, beta: 0.25, temperature: 1 })],
};

function norm(values: readonly number[]): number {
  return Math.hypot(...values);
}

/** Relative to the reference. */
function expectNear(found: number, expected: number, what: string): void {
  expect(Math.abs(found / expected - 1), `${what}: ${found} for ${expected}`).to.be.below(1e-4);
}

describe('the losses of the released detection code, executed', () => {
  withEngine('native');

  /** A box head with weights that follow from their names, and its pooled regions. */
  function head(name: string): { state: ModelState; run: () => BoxOutput } {
    const state = new ModelState();
    const shape = { channels, resolution, embeddingSize, classes };
    const forward = boxHead({ state, random: random(0) }, '', shape);
    const whole = (key: string): string => key.replace(/^box_(head|predictor)\./, '');
    const own = [...state.stateDict()];
    const made = deterministicWeights(
      `${prefix}/${name}`,
      own.map(([key, { shape: sides }]) => [whole(key), sides]),
    );
    state.loadStateDict(
      new Map([...made.values()].map((entry, at) => [own[at]?.[0] ?? '', entry])),
    );
    const cells = resolution ** 2;
    const pooled = tf.tidy(() => {
      const values = deterministic(`${prefix}/${name}Pooled`, [regions, channels, cells]);
      const byChannel = tf.tensor3d(values, [regions, channels, cells]);
      return tf.keep(tf.transpose(byChannel, [0, 2, 1]));
    });
    return { state, run: () => forward(pooled as tf.Tensor3D) };
  }

  for (const [name, expected] of Object.entries(reference.losses)) {
    it(`are those of the same regions here: ${name}`, () => {
      const [student, teacher] = [head('student'), head('teacher')];
      const detector = { ...tinyDetector(), classes, embeddingSize };
      const means = deterministic(`${prefix}/centers`, [classes + 1, embeddingSize], 0.5, 0.5);
      const objective = createDetectionObjective(
        { name, terms: terms[name] ?? [] },
        { student: detector, teacher: { detector, classMeans: means }, seed: 1 },
      );
      const taught = teacher.run();
      expectNear(norm(numbers(taught.embedding)), reference.teacherEmbedding.norm, 'teacher');
      const loss = (output: BoxOutput): tf.Scalar =>
        tf.addN(
          objective.terms(
            {
              ...{ student: output, teacher: taught, studentPyramid: [], teacherPyramid: [] },
              labels: Int32Array.from(labels),
            },
            { epoch: 0, mode: { training: true } },
          ),
        ) as tf.Scalar;
      const { state } = student;
      const parameters = state.trainable.map(({ value }) => value);
      const { value, grads } = tf
        .engine()
        .gradients(() => loss(student.run()), parameters, undefined, true);
      expectNear(numbers(value)[0] ?? NaN, expected.value, 'value');
      for (const [key, gradient] of Object.entries(expected.gradientNorms)) {
        const at = state.trainable.findIndex((tensor) => tensor.name.endsWith(key));
        expectNear(norm(numbers(grads[at] as tf.Tensor)), gradient, key);
      }
      // By the embedding itself, the scores following from it.
      const { embedding, deltas } = student.run();
      expectNear(norm(numbers(embedding)), reference.studentEmbedding.norm, 'student');
      const [weight, bias] = ['weight', 'bias'].map(
        (key) => state.tensor(`box_predictor.cls_score.${key}`).value,
      ) as [tf.Tensor2D, tf.Tensor1D];
      const byEmbedding = tf.grad((e) => {
        const logits: tf.Tensor2D = tf.add(tf.matMul(e as tf.Tensor2D, weight, false, true), bias);
        return loss({ embedding: e as tf.Tensor2D, logits, deltas });
      })(embedding);
      const found = numbers(byEmbedding);
      expectNear(norm(found), expected.embeddingGradient, 'gradient by the embedding');
      expected.firstRow.forEach((entry, at) =>
        expect(found[at]).to.be.closeTo(entry, 1e-4 * expected.embeddingGradient),
      );
      objective.dispose();
    });
  }
});

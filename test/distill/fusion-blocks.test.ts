import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  fusionBlocks,
  reviewedChannels,
  studentFeatures,
  teacherFeatures,
} from '../../lib/distill/fusion-blocks';
import { createObjective } from '../../lib/distill/objective';
import { reviewKd, type ReviewKdTerm } from '../../lib/distill/terms';
import { hierarchicalContextLoss } from '../../lib/losses';
import { createModel } from '../../lib/models/registry';
import type { StateEntry } from '../../lib/nn/state';
import { withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

const evaluation = { training: false };
const { log } = Math;
const entry = (shape: number[], ...data: number[]): StateEntry => ({
  shape,
  data: Float32Array.from(data),
});

describe('ReviewKD’s fusion', () => {
  withEngine('native');

  it('weighs a stage and what came from the deeper one, enlarges, and looks at neighbours', () => {
    // A stage of 2 × 2 and an embedding of one number; the teacher's stage has 2 × 4 or 4 × 4.
    const blocks = fusionBlocks({ studentChannels: [1, 1], teacherChannels: [1, 1], seed: 1 });
    blocks.state.loadStateDict(
      new Map([
        ...blocks.state.stateDict(),
        ['0.conv1.0.weight', entry([1, 1, 1, 1], 2)],
        ['0.conv2.0.weight', entry([1, 1, 3, 3], 7, 7, 7, 7, 3, 7, 7, 7, 7)],
        ['1.conv1.0.weight', entry([1, 1, 1, 1], 1)],
        // Of each place: own share σ(above · ln 3 / 10), above's share σ(−ln 3).
        ['1.att_conv.0.weight', entry([2, 2, 1, 1], 0, log(3) / 10, 0, 0)],
        ['1.att_conv.0.bias', entry([2], 0, -log(3))],
        // What lies to the right.
        ['1.conv2.0.weight', entry([1, 1, 3, 3], 0, 0, 0, 0, 0, 1, 0, 0, 0)],
      ]),
    );
    const student = [tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]), tf.tensor4d([5], [1, 1, 1, 1])];
    // Of the embedding: 5 · 2 = 10, times 3. Of the stage: ¾ · (1, 2; 3, 4) + ¼ · 10.
    const [first, second] = [
      [0.75 + 2.5, 1.5 + 2.5],
      [2.25 + 2.5, 3 + 2.5],
    ].map(([left = NaN, right = NaN]) => [left, right, right, 0]);
    for (const { side, rows } of [
      { side: 4, rows: [first, first, second, second] },
      { side: [2, 4] as const, rows: [first, second] },
    ]) {
      const [stage, embedding] = blocks.forward(student, [side, 1], evaluation);
      expect(stage?.shape).to.deep.equal([1, rows.length, 4, 1]);
      expectClose(stage ?? [], rows.flat() as number[], 1e-3);
      expectClose(embedding ?? [], [30], 1e-2);
    }
    expect(() => blocks.forward(student.slice(0, 1), [4, 1], evaluation)).to.throw('stage 1');
    blocks.state.dispose();
  });

  it('has the shapes of mdistiller’s blocks, deepest first', () => {
    const shapes = (studentChannels: number[], teacherChannels: number[]) => {
      const { state } = fusionBlocks({ studentChannels, teacherChannels, seed: 1 });
      const found = [...state.stateDict()].map(([name, { shape }]) => [name, shape] as const);
      state.dispose();
      return Object.fromEntries(found.filter(([, shape]) => shape.length === 4));
    };
    // The embedding's 2 channels are those in the middle.
    expect(shapes([3, 5, 2], [7, 8, 9])).to.deep.equal({
      '0.conv1.0.weight': [2, 2, 1, 1],
      '0.conv2.0.weight': [9, 2, 3, 3],
      '1.conv1.0.weight': [2, 5, 1, 1],
      '1.conv2.0.weight': [8, 2, 3, 3],
      '1.att_conv.0.weight': [2, 4, 1, 1],
      '2.conv1.0.weight': [2, 3, 1, 1],
      '2.conv2.0.weight': [7, 2, 3, 3],
      '2.att_conv.0.weight': [2, 4, 1, 1],
    });
    expect(shapes([600], [1])).to.deep.equal({
      '0.conv1.0.weight': [512, 600, 1, 1],
      '0.conv2.0.weight': [1, 512, 3, 3],
    });
  });

  it('reviews the stages without the stem, and the embedding as 1 × 1', () => {
    const map = (value: number): tf.Tensor4D => tf.fill([2, 1, 1, 1], value);
    const output = {
      logits: tf.zeros<tf.Rank.R2>([2, 2]),
      embedding: tf.tensor2d([
        [5, 6],
        [7, 8],
      ]),
      features: [map(1), map(2), map(3)],
      preActivations: [map(-1), map(-2), map(-3)],
    };
    const read = (features: tf.Tensor4D[]) => features.map((x) => [x.shape, numbers(x)]);
    const embedding = [
      [2, 1, 1, 2],
      [5, 6, 7, 8],
    ];
    expect(read(studentFeatures(output))).to.deep.equal([
      [
        [2, 1, 1, 1],
        [2, 2],
      ],
      [
        [2, 1, 1, 1],
        [3, 3],
      ],
      embedding,
    ]);
    expect(teacherFeatures(output).map((x) => numbers(x))).to.deep.equal([
      [-2, -2],
      [-3, -3],
      [5, 6, 7, 8],
    ]);
    const model = createModel('resnet8', { classes: 3 });
    expect(reviewedChannels(model)).to.deep.equal([16, 32, 64, 64]);
    // A network makes tensors of its own at its first pass.
    const before = tf.memory().numTensors;
    reviewedChannels(model);
    expect(tf.memory().numTensors).to.equal(before);
    model.dispose();
  });

  // A stage of 40 channels and an embedding of 20: the blocks carry 20 or fewer.
  const output = (sign: number) => {
    const map = (value: number): tf.Tensor4D => tf.fill([2, 4, 4, 40], sign * value);
    return {
      logits: tf.zeros<tf.Rank.R2>([2, 2]),
      embedding: tf.fill<tf.Rank.R2>([2, 20], 0.5),
      features: [map(1), map(2)],
      preActivations: [map(-1), map(-3)],
    };
  };
  const model = {
    ...createModel('resnet8', { classes: 3 }),
    forward: () => output(1),
  };
  const sides: [term: ReviewKdTerm, student: number, teacher: number, middle: number][] = [
    [reviewKd({ weight: 3 }), 2, -3, 20],
    [reviewKd({ weight: 3, teacherStages: 'after ReLU' }), 2, 2, 20],
    [reviewKd({ weight: 3, studentStages: 'before ReLU' }), -3, -3, 20],
    [reviewKd({ weight: 3, teacherStages: 'after ReLU', mostMiddleChannels: 8 }), 2, 2, 8],
  ];
  for (const [term, own, others, middle] of sides) {
    const { loss: _, weight, ...options } = term;
    it(`is what the term compares: ${JSON.stringify(options)}`, () => {
      const signals = {
        student: output(1),
        teacher: output(1),
        studentEmbedding: output(1).embedding,
        labels: tf.tensor1d([0, 1], 'int32'),
      };
      const objective = createObjective(
        { name: 'm', terms: [term] },
        { student: model, teacher: model, seed: 4, samples: 2 },
      );
      const { total } = objective.value(signals, { epoch: 0, mode: evaluation });
      const channels = [40, 20];
      const blocks = fusionBlocks({
        ...{ studentChannels: channels, teacherChannels: channels, seed: 4 },
        mostMiddleChannels: middle,
      });
      const stage = (value: number): tf.Tensor4D => tf.fill([2, 4, 4, 40], value);
      const embedding = tf.fill<tf.Rank.R4>([2, 1, 1, 20], 0.5);
      const fused = blocks.forward([stage(own), embedding], [4, 1], evaluation);
      const [expected] = numbers(hierarchicalContextLoss(fused, [stage(others), embedding]));
      expectClose(total, [weight * (expected ?? NaN)], 1e-4);
      const first = objective.part('reviewKd')?.state?.tensor('0.conv1.0.weight').value.shape;
      expect(first).to.deep.equal([1, 1, 20, middle]);
      blocks.state.dispose();
      objective.dispose();
    });
  }
});

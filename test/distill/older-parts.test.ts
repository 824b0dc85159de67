import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { embeddingAdapter } from '../../lib/distill/adapter';
import { connectors, regressor } from '../../lib/distill/connectors';
import { fusionBlocks } from '../../lib/distill/fusion-blocks';
import { contrastParts, negativeSampler } from '../../lib/distill/terms/crd';
import { random } from '../../lib/engine/random';
import { LabError } from '../../lib/errors';
import { sizeOf } from '../../lib/formats/numbers';
import { hintLoss } from '../../lib/losses';
import type { ModelState } from '../../lib/nn/state';
import { deterministic } from '../../lib/verify/deterministic';
import { engines, withEngine } from '../support/engine';
import { expectAgrees, named, olderReference } from '../support/older-reference';

interface Expected {
  readonly value: number;
  readonly grads: Readonly<Record<string, readonly number[]>>;
}

/** Fills a part as the reference did: each tensor by its name, PyTorch's shape and order. */
function fill(
  state: ModelState,
  prefix: string,
  words: Readonly<Record<string, readonly [word: string, scale: number, shift: number]>>,
): void {
  const entries = state.stateDict();
  for (const [name, [word, scale, shift]] of Object.entries(words)) {
    const shape = entries.get(name)?.shape ?? [];
    entries.set(name, { shape, data: deterministic(`${prefix}/${word}`, shape, scale, shift) });
  }
  state.loadStateDict(entries);
}

/** The gradient in PyTorch's shape and order. */
function inTorchOrder(gradient: tf.Tensor): tf.Tensor {
  return gradient.rank === 4 ? tf.transpose(gradient, [3, 2, 0, 1]) : gradient;
}

/** The value, and the gradients of the input and of a part's weights, against PyTorch's. */
function expectPart(
  state: ModelState,
  input: tf.Tensor,
  loss: (input: tf.Tensor) => tf.Tensor,
  expected: Expected,
): void {
  const weights = state.trainable.filter(({ name }) => name in expected.grads);
  const { value, grads } = tf.valueAndGrads((x: tf.Tensor) => tf.sum(loss(x)))([
    input,
    ...weights.map((weight) => weight.value),
  ]);
  expectAgrees(value, [expected.value]);
  const [ofInput, ...ofWeights] = grads;
  if (ofInput) expectAgrees(ofInput, expected.grads['x'] ?? []);
  weights.forEach(({ name }, index) => {
    const gradient = ofWeights[index];
    if (gradient) expectAgrees(inTorchOrder(gradient), expected.grads[name] ?? []);
  });
}

for (const engine of engines) {
  describe(`the trained parts of FitNet, OFD and CRD (${engine})`, () => {
    withEngine(engine);

    for (const { name, student, teacher } of [
      { name: 'same', student: { side: 4, channels: 3 }, teacher: { side: 4, channels: 5 } },
      { name: 'halved', student: { side: 8, channels: 3 }, teacher: { side: 4, channels: 5 } },
      { name: 'doubled', student: { side: 4, channels: 3 }, teacher: { side: 8, channels: 5 } },
      { name: 'narrower', student: { side: 6, channels: 3 }, teacher: { side: 4, channels: 5 } },
    ]) {
      it(`a regressor's value and gradients are PyTorch's: ${name} sides`, () => {
        const prefix = `regressor/${name}`;
        const { state, forward } = regressor({ student, teacher, seed: 0 });
        fill(state, prefix, {
          'conv.weight': ['weight', 1, 0],
          'conv.bias': ['bias', 1, 0],
          'bn.weight': ['scale', 0.5, 1],
          'bn.bias': ['shift', 1, 0],
        });
        const features = (word: string, shape: typeof student): tf.Tensor4D =>
          named(`${prefix}/${word}`, [3, shape.side, shape.side, shape.channels], 2);
        const target = features('t', teacher);
        expectPart(
          state,
          features('x', student),
          (x) => hintLoss(forward(x as tf.Tensor4D, { training: true }), target),
          olderReference(prefix.replace('/', ' ')),
        );
      });
    }

    it("CRD's head is PyTorch's linear layer, brought to length 1", () => {
      const { state, heads } = contrastParts({
        studentSize: 6,
        teacherSize: 3,
        size: 5,
        samples: 4,
        seed: 0,
      });
      fill(state, 'head', {
        'embed_s.linear.weight': ['weight', 1, 0],
        'embed_s.linear.bias': ['bias', 1, 0],
      });
      const { value, grads } = olderReference<Expected>('head');
      const prefixed = Object.entries(grads).map(([name, gradient]): [string, typeof gradient] => [
        name === 'x' ? name : `embed_s.${name}`,
        gradient,
      ]);
      expectPart(
        state,
        named('head/x', [4, 6], 2),
        (x) => tf.mul(heads.student(x as tf.Tensor2D, { training: true }), named('head/r', [4, 5])),
        { value, grads: Object.fromEntries(prefixed) },
      );
    });
  });
}

describe('parts of the older methods', () => {
  withEngine('plain');

  it('have the names and shapes of the published modules', () => {
    const shapesOf = (state: ModelState): Record<string, string> =>
      Object.fromEntries(
        [...state.stateDict()].map(([name, { shape }]) => [name, shape.join('x')]),
      );
    const shape = (side: number, channels: number) => ({ side, channels });
    expect(
      shapesOf(regressor({ student: shape(8, 3), teacher: shape(16, 5), seed: 0 }).state),
    ).to.deep.equal({
      'conv.weight': '3x5x4x4',
      'conv.bias': '5',
      'bn.weight': '5',
      'bn.bias': '5',
      'bn.running_mean': '5',
      'bn.running_var': '5',
      'bn.num_batches_tracked': '',
    });
    const stages = connectors({ studentChannels: [2, 4], teacherChannels: [3, 6], seed: 0 });
    expect(shapesOf(stages.state)).to.include({ '0.0.weight': '3x2x1x1', '1.1.weight': '6' });
    const { state } = contrastParts({
      studentSize: 6,
      teacherSize: 3,
      size: 5,
      samples: 4,
      seed: 0,
    });
    expect(shapesOf(state)).to.deep.equal({
      'embed_s.linear.weight': '5x6',
      'embed_s.linear.bias': '5',
      'embed_t.linear.weight': '5x3',
      'embed_t.linear.bias': '5',
      'contrast.memory_v1': '4x5',
      'contrast.memory_v2': '4x5',
    });
  });

  it('a regressor refuses a teacher of sides that it cannot reach', () => {
    expect(() =>
      regressor({
        student: { side: 4, channels: 3 },
        teacher: { side: 16, channels: 3 },
        seed: 0,
      }),
    ).to.throw(LabError, '4 and 16');
  });

  it('ReviewKD’s blocks are as wide in the middle as the deepest feature of the student, 512 at most', () => {
    const middleOf = (deepest: number): unknown =>
      fusionBlocks({ studentChannels: [8, deepest], teacherChannels: [4, 6], seed: 0 })
        .state.stateDict()
        .get('0.conv1.0.weight')?.shape;
    expect(middleOf(64)).to.deep.equal([64, 64, 1, 1]);
    expect(middleOf(512)).to.deep.equal([512, 512, 1, 1]);
    expect(middleOf(1280)).to.deep.equal([512, 1280, 1, 1]);
  });

  it('first weights are drawn as PyTorch or the published modules draw them', () => {
    const { sqrt } = Math;
    const shape = (side: number, channels: number) => ({ side, channels });
    const same = regressor({ student: shape(8, 40), teacher: shape(8, 50), seed: 2 });
    const halved = regressor({ student: shape(8, 40), teacher: shape(4, 50), seed: 2 });
    const fusion = fusionBlocks({ studentChannels: [40, 60], teacherChannels: [30, 50], seed: 2 });
    const stages = connectors({ studentChannels: [40], teacherChannels: [90], seed: 2 });
    const heads = contrastParts({
      ...{ studentSize: 40, teacherSize: 90, size: 64, samples: 2, seed: 2 },
    });
    const adapter = embeddingAdapter({ studentSize: 40, teacherSize: 90, seed: 2 });
    // Bounds of uniform numbers are 1 / √(kernel² · inputs), in ReviewKD's blocks √3 times that
    // (`kaiming_uniform_(a=1)`); of normal ones the deviation is √(2 / outputs).
    const cases: [state: ModelState, entry: string, draw: 'uniform' | 'normal', width: number][] = [
      [same.state, 'conv.weight', 'uniform', sqrt(1 / 40)],
      [same.state, 'conv.bias', 'uniform', sqrt(1 / 40)],
      [halved.state, 'conv.weight', 'uniform', sqrt(1 / (9 * 40))],
      [halved.state, 'conv.bias', 'uniform', sqrt(1 / (9 * 40))],
      [fusion.state, '0.conv1.0.weight', 'uniform', sqrt(3 / 60)],
      [fusion.state, '0.conv2.0.weight', 'uniform', sqrt(3 / (9 * 60))],
      [fusion.state, '1.att_conv.0.weight', 'uniform', sqrt(1 / (2 * 60))],
      [stages.state, '0.0.weight', 'normal', sqrt(2 / 90)],
      [heads.state, 'embed_s.linear.weight', 'uniform', sqrt(1 / 40)],
      [heads.state, 'embed_t.linear.weight', 'uniform', sqrt(1 / 90)],
      [adapter.state, '2.weight', 'uniform', sqrt(1 / 40)],
    ];
    for (const [state, entry, draw, width] of cases) {
      const values = state.stateDict().get(entry)?.data ?? expect.fail(`no ${entry}`);
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      if (draw === 'uniform') {
        expect(largest / width, entry).to.be.within(0.9, 1);
      } else {
        const spread = sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
        expect(spread / width, entry).to.be.closeTo(1, 0.05);
        expect(largest / width, entry).to.be.above(2);
      }
    }
  });

  it('first weights follow the seed and PyTorch’s bounds', () => {
    const weightsOf = (seed: number): Float32Array => {
      const { state } = regressor({
        student: { side: 8, channels: 3 },
        teacher: { side: 16, channels: 5 },
        seed,
      });
      return state.stateDict().get('conv.weight')?.data ?? new Float32Array(0);
    };
    expect([...weightsOf(1)]).to.deep.equal([...weightsOf(1)]);
    expect([...weightsOf(1)]).to.not.deep.equal([...weightsOf(2)]);
    // PyTorch's bound for a transposed convolution counts its outputs: 1 / √(5 · 16).
    const largest = Math.max(...weightsOf(1).map(Math.abs));
    expect(largest).to.be.within(0.9 / Math.sqrt(80), 1 / Math.sqrt(80));
    const { memories } = contrastParts({
      studentSize: 2,
      teacherSize: 2,
      size: 12,
      samples: 50,
      seed: 1,
    });
    const numbers = memories.student.value.dataSync();
    expect(numbers.length).to.equal(sizeOf([50, 12]));
    expect(Math.max(...numbers)).to.be.within(0.49, 0.5);
    expect([...numbers]).to.not.deep.equal([...memories.teacher.value.dataSync()]);
  });
});

describe('negatives', () => {
  const labels = Int32Array.from([0, 2, 1, 0, 2, 2, 1, 0]);

  it('are different samples of other classes, after the sample itself', () => {
    const { negatives, draw } = negativeSampler(labels, 4);
    expect(negatives).to.equal(4);
    const rows = draw(Int32Array.from([3, 1]), random(1));
    expect(rows.length).to.equal(10);
    [3, 1].forEach((sample, row) => {
      const [own, ...others] = rows.subarray(5 * row, 5 * row + 5);
      expect(own).to.equal(sample);
      expect(new Set(others).size).to.equal(4);
      for (const other of others) expect(labels[other]).to.not.equal(labels[sample]);
    });
  });

  it('are all that the largest class leaves where more are wanted', () => {
    const { negatives, draw } = negativeSampler(labels, 16384);
    expect(negatives).to.equal(5);
    expect([...draw(Int32Array.from([0]), random(2)).subarray(1)].sort()).to.deep.equal([
      1, 2, 4, 5, 6,
    ]);
  });

  it('are drawn alike often, and by the stream alone', () => {
    const { draw } = negativeSampler(labels, 2);
    const counts = new Map<number, number>();
    const stream = random(3);
    for (let round = 0; round < 3000; round++) {
      for (const other of draw(Int32Array.from([7]), stream).subarray(1)) {
        counts.set(other, (counts.get(other) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].sort()).to.deep.equal([1, 2, 4, 5, 6]);
    // Each of five in two places: 1200 of 3000, with a deviation of 27.
    for (const count of counts.values()) expect(count).to.be.within(1080, 1320);
    const once = draw(Int32Array.from([7, 1]), random(4));
    expect([...draw(Int32Array.from([7, 1]), random(4))]).to.deep.equal([...once]);
  });

  it('need two classes', () => {
    expect(() => negativeSampler([1, 1, 1], 2)).to.throw(LabError, '3 samples of one class');
  });
});

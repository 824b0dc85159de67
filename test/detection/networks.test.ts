import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import {
  mobileNetV2Backbone,
  type Normalisation,
  normalisedUnit,
  resNetBackbone,
  type Stage,
  type UnitContext,
} from '../../lib/detection/backbones';
import { boxHead } from '../../lib/detection/box-head';
import { createDetector, featurePyramid } from '../../lib/detection/detector';
import { proposalHead } from '../../lib/detection/proposals';
import { random } from '../../lib/engine/random';
import { ModelState } from '../../lib/nn/state';
import { engines, withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

function contextOf(norm: Normalisation = 'frozen'): UnitContext {
  return { state: new ModelState(), random: random(1, 'networks'), norm, trainable: true };
}

/** Gives a tensor these numbers: convolutions are [height, width, inputs, outputs]. */
function set({ state }: { state: ModelState }, name: string, values: readonly number[]): void {
  const tensor = state.tensor(name);
  tensor.replace(tf.tensor([...values], tensor.value.shape));
}

/** Gives all tensors whose names match one number. */
function fill({ state }: { state: ModelState }, names: RegExp, value: number): void {
  for (const tensor of state.tensors) {
    if (names.test(tensor.name)) tensor.replace(tf.fill(tensor.value.shape, value));
  }
}

/** A 3 × 3 kernel from one channel to one that only looks at its middle. */
const middle = (weight: number): number[] => [0, 0, 0, 0, weight, 0, 0, 0, 0];

const zeros = (shape: [number, number, number, number], at: number, value: number): tf.Tensor4D => {
  const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
  values[at] = value;
  return tf.tensor4d(values, shape);
};

for (const engine of engines) {
  describe(`the networks of a detector (${engine})`, () => {
    withEngine(engine);

    it('scale and shift by the statistics of a frozen norm, in training too', () => {
      const context = contextOf();
      const names = { convolution: 'conv', norm: 'norm' };
      const unit = normalisedUnit(context, names, { inputs: 1, outputs: 1, kernel: 1 });
      set(context, 'conv.weight', [2]);
      set(context, 'norm.weight', [3]);
      set(context, 'norm.bias', [5]);
      set(context, 'norm.running_mean', [7]);
      set(context, 'norm.running_var', [4 - 1e-5]);
      const x = tf.tensor4d([4, 1, 6], [1, 1, 3, 1]);
      const residual = tf.tensor4d([-7, 0, 1], [1, 1, 3, 1]);
      // 3 · (2x − 7) / 2 + 5: 6.5, −2.5 and 12.5.
      for (const mode of [{ training: false }, { training: true }]) {
        const run = (activation: 'relu' | 'relu6' | 'none', added?: tf.Tensor4D): tf.Tensor =>
          unit(x, mode, { activation, residual: added });
        expectClose(run('none'), [6.5, -2.5, 12.5], 1e-4);
        expectClose(run('relu'), [6.5, 0, 12.5], 1e-4);
        expectClose(run('relu6'), [6, 0, 6], 1e-4);
        expectClose(run('none', residual), [-0.5, -2.5, 13.5], 1e-4);
        expectClose(run('relu', residual), [0, 0, 13.5], 1e-4);
      }
      expect(numbers(context.state.tensor('norm.running_mean').value)).to.deep.equal([7]);
    });

    it('add each level of the pyramid, doubled, to the finer one; the coarsest is every second cell', () => {
      const context = contextOf();
      const pyramid = featurePyramid(context, '', [1, 1, 1, 1], 1);
      // Levels 2 … 5: their lateral weights 1, 10, 100, 1000, then 2, 3, 4, 5 times that, and a bias of 0.5.
      for (const level of [2, 3, 4, 5]) {
        set(context, `fpn_lateral${level}.weight`, [10 ** (level - 2)]);
        set(context, `fpn_output${level}.weight`, middle(level));
        set(context, `fpn_output${level}.bias`, [0.5]);
      }
      const features = [16, 8, 4].map((side) => tf.ones<tf.Rank.R4>([1, side, side, 1]));
      const coarsest = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
      const found = pyramid([...features, coarsest]).map((x) => tf.squeeze(x).arraySync());
      const grid = (side: number, of: (cell: number) => number): number[][] =>
        Array.from({ length: side }, (_, y) =>
          Array.from({ length: side }, (__, x) =>
            of(1 + 2 * Math.floor((2 * y) / side) + Math.floor((2 * x) / side)),
          ),
        );
      expect(found).to.deep.equal([
        grid(16, (cell) => 2 * (111 + 1000 * cell) + 0.5),
        grid(8, (cell) => 3 * (110 + 1000 * cell) + 0.5),
        grid(4, (cell) => 4 * (100 + 1000 * cell) + 0.5),
        grid(2, (cell) => 5 * 1000 * cell + 0.5),
        5 * 1000 + 0.5,
      ]);
    });

    it('say of each anchor of a place its objectness and step, place by place, level by level', () => {
      const context = contextOf();
      const propose = proposalHead(context, '', 1);
      set(context, 'conv.weight', middle(1));
      set(context, 'objectness_logits.weight', [1, 1, 1]);
      set(context, 'objectness_logits.bias', [0.1, 0.2, 0.3]);
      set(context, 'anchor_deltas.weight', Array<number>(12).fill(0));
      set(context, 'anchor_deltas.bias', [...Array(12).keys()]);
      const { objectness, deltas } = propose([
        // What is below 0 is cut.
        tf.tensor4d([10, -20, 30, 40], [1, 2, 2, 1]),
        tf.tensor4d([50], [1, 1, 1, 1]),
      ]);
      const expected = [10, 0, 30, 40, 50].flatMap((x) => [x + 0.1, x + 0.2, x + 0.3]);
      expectClose(objectness, expected, 1e-5);
      expect(objectness.shape).to.deep.equal([1, 15]);
      expect(deltas.shape).to.deep.equal([1, 15, 4]);
      expectClose(tf.slice(deltas, [0, 3, 0], [1, 3, 4]), [...Array(12).keys()], 1e-6);
    });

    it('read a region channel by channel in the box head', () => {
      const context = contextOf();
      const head = boxHead(context, '', {
        channels: 2,
        resolution: 2,
        embeddingSize: 2,
        classes: 1,
      });
      fill(context, /weight$/, 0);
      // The second channel's third cell, and the first channel's last one taken away from 2.
      set(context, 'box_head.fc1.weight', [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0]);
      set(context, 'box_head.fc1.bias', [0, 2]);
      set(context, 'box_head.fc2.weight', [1, 0, 1, 1]);
      set(context, 'box_head.fc2.bias', [-8, 0]);
      set(context, 'box_predictor.cls_score.weight', [1, 0, 0, 2]);
      set(context, 'box_predictor.bbox_pred.weight', [1, 0, 0, 1, 1, 1, 0, 0]);
      // Cells row by row, two channels each: the third cell 5 and 6, the last 7 and 8.
      const { embedding, logits, deltas } = head(tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [1, 4, 2]));
      // 6, and 2 − 7, which ReLU cuts; then 6 − 8, which it cuts too, and 6 + 0.
      expectClose(embedding, [0, 6]);
      expectClose(logits, [0, 12]);
      expectClose(deltas, [0, 6, 6, 0]);
    });

    it('take the stride of a bottleneck in its first convolution, and of a basic block likewise', () => {
      for (const [depth, seen, unseen] of [
        // The 1 × 1 convolution sees every second cell only; its 3 × 3 one all neighbours of these.
        [50, 2 * 4 + 2, 4 + 1],
        // With its stride the first 3 × 3 convolution brings the last cell next to the first one.
        [18, 3 * 4 + 3, undefined],
      ] as const) {
        const context = contextOf();
        const { stages } = resNetBackbone(() => context, '', { depth, width: 1 });
        fill(context, /conv\d\.weight$|shortcut\.weight$/, 0);
        const inputs = depth === 50 ? 4 : 1;
        const channels = depth === 50 ? 8 : 2;
        // From the first channel to the first channel.
        const [first, second] = depth === 50 ? [1, 9] : [9, 9];
        const one = (name: string, size: number): void => {
          const { shape } = context.state.tensor(name).value;
          const step = (shape[2] ?? 0) * (shape[3] ?? 0);
          const values = Array<number>(size * step).fill(0);
          for (let cell = 0; cell < size; cell++) values[cell * step] = 1;
          set(context, name, values);
        };
        one('res3.0.conv1.weight', first);
        one('res3.0.conv2.weight', second);
        if (depth === 50) one('res3.0.conv3.weight', 1);
        const [, , stage] = stages;
        const run = (cell: number): number[] =>
          numbers(
            (stage as Stage)(zeros([1, 4, 4, inputs], cell * inputs, 1), { training: false }),
          );
        const of = run(seen);
        expect(of.length, `ResNet-${depth}`).to.equal(2 * 2 * channels);
        expect(of[0]).to.be.closeTo(1, 1e-3);
        if (unseen !== undefined) expect(Math.max(...run(unseen))).to.equal(0);
      }
    });

    it('add a residual before the last ReLU of a block, through a shortcut without one', () => {
      const context = contextOf();
      const { stages } = resNetBackbone(() => context, '', { depth: 18, width: 1 });
      fill(context, /^res.*weight$/, 0);
      fill(context, /norm\.weight$/, 1);
      const [, second, third] = stages;
      const x = tf.tensor4d([-3, 5, 2, 1], [1, 2, 2, 1]);
      const run = (stage: Stage | undefined): number[] =>
        numbers((stage as Stage)(x, { training: false }));
      // Nothing is added to the residual itself.
      expectClose(run(second), [0, 5, 2, 1], 1e-3);
      set(context, 'res3.0.shortcut.weight', [-1, 2]);
      set(context, 'res3.0.shortcut.norm.bias', [-5, 10]);
      set(context, 'res3.0.conv2.norm.bias', [3, 0]);
      // The first of four cells: 3 − 5 and 3 of the block itself; −6 + 10.
      expectClose(run(third), [1, 4], 1e-3);
    });

    it('end a stem in ReLU and a 3 × 3 pool of stride 2', () => {
      const context = contextOf();
      const { stages } = resNetBackbone(() => context, '', { depth: 18, width: 1 });
      fill(context, /stem\.conv1\.weight$/, 0);
      const { value } = context.state.tensor('stem.conv1.weight');
      // The middle of 7 × 7, of the first of three channels.
      const kernel = Array<number>(value.size).fill(0);
      kernel[3 * (3 * 7 + 3)] = 1;
      set(context, 'stem.conv1.weight', kernel);
      // Every second pixel of 8 × 8 makes 4 × 4: −1 but for 7 at (1, 1), which is in all windows, and 9 at (3, 3),
      // which is in the last.
      const pixels = new Float32Array(8 * 8 * 3).fill(-1);
      pixels[3 * (2 * 8 + 2)] = 7;
      pixels[3 * (6 * 8 + 6)] = 9;
      const [stem] = stages;
      const found = (stem as Stage)(tf.tensor4d(pixels, [1, 8, 8, 3]), { training: false });
      expectClose(found, [7, 7, 7, 9], 1e-3);
    });

    it('cut at 6 within a block of MobileNetV2, and not at its end, where the residual is added', () => {
      const context = contextOf();
      const { stages } = mobileNetV2Backbone(() => context, '');
      // Blocks 2 and 3 have 24 channels at their ends, the third adds its input.
      fill(context, /^features\.[23]\..*conv\.\d\.weight$/, 0);
      fill(context, /^features\.[23]\.conv\.[147]\.weight$/, 1);
      const [stem, , second, third] = stages;
      const x = tf.fill<tf.Rank.R4>([1, 2, 2, 24], -3);
      const run = (stage: Stage | undefined, input: tf.Tensor4D): number | undefined =>
        numbers((stage as Stage)(input, { training: false }))[0];
      fill(context, /^features\.0\.0\.weight$/, 1);
      expect(run(stem, tf.fill([1, 4, 4, 3], 100))).to.equal(6);
      // Nothing but the residual, below 0.
      expect(run(third, x)).to.be.closeTo(-3, 1e-4);
      // The hidden ones 100 by their shift, cut to 6; then 2 · 6 + 1 = 13, cut to 6; half of it and −3.
      fill(context, /^features\.[23]\.conv\.1\.bias$/, 100);
      const pick = (name: string, at: number, value: number): void => {
        const { value: old } = context.state.tensor(name);
        const values = Array<number>(old.size).fill(0);
        values[at] = value;
        set(context, name, values);
      };
      for (const block of [2, 3]) {
        const hidden = block === 2 ? 96 : 144;
        const depthwise = `features.${block}.conv.3.weight`;
        // The middle of 3 × 3, of the first channel.
        pick(depthwise, 4 * hidden, 0.5);
        fill(context, new RegExp(`^features\\.${block}\\.conv\\.4\\.bias$`), 1);
        pick(`features.${block}.conv.6.weight`, 0, -2);
      }
      const wide = tf.fill<tf.Rank.R4>([1, 2, 2, 16], 1);
      // 0.5 · 6 + 1 = 4, twice that taken away.
      expect(run(third, x)).to.be.closeTo(-3 - 8, 1e-3);
      // Of other channels no residual is added.
      expect(run(second, wide)).to.be.closeTo(-8, 1e-3);
      fill(context, /^features\.3\.conv\.4\.bias$/, 50);
      expect(run(third, x)).to.be.closeTo(-3 - 12, 1e-3);
    });
  });
}

describe('a detector put together', () => {
  withEngine('native');
  const small = { backbone: 'resnet18', classes: 2, width: 4, embeddingSize: 4 } as const;

  it('has anchors of 32 to 512 at strides of 4 to 64', () => {
    const detector = createDetector({ ...small, pyramidChannels: 4 });
    const levels = detector.anchors([2, 2, 2, 2, 2].map((side) => tf.zeros([1, side, side, 4])));
    const found = levels.map((anchors) => {
      const [left = 0, , right = 0] = anchors.subarray(4, 8);
      const [nextLeft = 0] = anchors.subarray(16, 20);
      return [right - left, nextLeft - left];
    });
    expect(found).to.deep.equal([
      [32, 4],
      [64, 8],
      [128, 16],
      [256, 32],
      [512, 64],
    ]);
    detector.dispose();
  });

  it('pools a region from the level of its size, at that level’s stride', () => {
    const detector = createDetector({ ...small, pyramidChannels: 3 });
    const { state } = detector;
    fill(detector, /^roi_heads.*weight$/, 0);
    // The middle one of 7 × 7 cells of each channel.
    const rows = Array<number>(4 * 3 * 49).fill(0);
    for (const channel of [0, 1, 2]) rows[channel * 3 * 49 + channel * 49 + 24] = 1;
    set({ state }, 'roi_heads.box_head.fc1.weight', rows);
    const square = [0, 1, 2, 3].flatMap((row) => [0, 1, 2, 3].map((at) => (at === row ? 1 : 0)));
    set({ state }, 'roi_heads.box_head.fc2.weight', square);
    // Channels: the level's number, the column and the row.
    const pyramid = [128, 64, 32, 16, 8].map((side, level) =>
      tf.tensor4d(
        Array.from({ length: 2 * side * side }, (_, cell) => [
          level + 2,
          cell % side,
          Math.floor(cell / side) % side,
        ]).flat(),
        [2, side, side, 3],
      ),
    );
    // A level deeper, so that the second image can be told from the first.
    const second = tf.mul<tf.Tensor4D>(
      pyramid[0] ?? tf.zeros([0]),
      tf.tensor4d([1, 10], [2, 1, 1, 1]),
    );
    const boxes = [
      [100, 40, 180, 104],
      [100, 40, 220, 192],
      [64, 32, 320, 288],
      [8, 24, 504, 480],
    ];
    const { embedding } = detector.detect(
      [second, ...pyramid.slice(1)],
      [Float32Array.from(boxes.flat()), Float32Array.of(20, 40, 60, 120)],
    );
    // A place p of the image is p / stride − ½ in cells.
    const middleOf = (
      level: number,
      [left = 0, top = 0, right = 0, bottom = 0]: number[],
    ): number[] => {
      const stride = 2 ** level;
      return [level, (left + right) / 2 / stride - 0.5, (top + bottom) / 2 / stride - 0.5, 0];
    };
    expectClose(
      embedding,
      [
        ...boxes.flatMap((box, index) =>
          middleOf(index === 1 ? 3 : index === 0 ? 2 : index + 2, box),
        ),
        ...middleOf(2, [20, 40, 60, 120]).map((value) => 10 * value),
      ],
      1e-3,
    );
    detector.dispose();
  });

  it('takes a region of its canonical side from P4', () => {
    const detector = createDetector({ ...small, pyramidChannels: 1, canonicalSide: 56 });
    fill(detector, /^roi_heads.*weight$/, 0);
    fill(detector, /box_head\.fc1\.weight$/, 1 / 49);
    fill(detector, /box_head\.fc2\.weight$/, 1 / 4);
    const pyramid = [64, 32, 16, 8, 4].map((side, level) =>
      tf.fill<tf.Rank.R4>([1, side, side, 1], level + 2),
    );
    const regions = [56, 55, 112].flatMap((side) => [64, 64, 64 + side, 64 + side]);
    const { embedding } = detector.detect(pyramid, [Float32Array.from(regions)]);
    expectClose(
      embedding,
      [4, 3, 5].flatMap((level) => Array<number>(4).fill(level)),
      1e-4,
    );
    detector.dispose();
  });

  it('fixes the norms and weights of the stages that it freezes, whatever the others have', () => {
    const detector = createDetector({ ...small, pyramidChannels: 4, norm: 'batch', freezeAt: 3 });
    const names = detector.state.trainable.map(({ name }) => name);
    const backbone = names.filter((name) => name.includes('bottom_up'));
    expect(backbone.every((name) => /res[45]/.test(name))).to.equal(true);
    expect(backbone.some((name) => /res4.*norm/.test(name))).to.equal(true);
    const counted = [...detector.stateDict().keys()].filter((name) => name.endsWith('tracked'));
    expect(counted.every((name) => /res[45]/.test(name))).to.equal(true);
    detector.dispose();
  });
});

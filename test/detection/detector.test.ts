import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { proposalSampling } from '../../lib/detection/box-head';
import { finalCoding, proposalCoding } from '../../lib/detection/boxes';
import { createDetector, type DetectorOptions } from '../../lib/detection/detector';
import { testingProposals } from '../../lib/detection/inference';
import { detectionOptimiser, trainingProposals } from '../../lib/detection/learner';
import {
  anchorRatios,
  anchorSampling,
  defaultAnchorSizes,
  findProposals,
} from '../../lib/detection/proposals';
import { anchorMatching, proposalMatching } from '../../lib/detection/sampling';
import { hashStateDict } from '../../lib/nn/state';
import { detectronWarmUp } from '../../lib/train/schedule';
import { tinyDetector } from '../support/detector';
import { engines, withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { numbers } from '../support/tensors';

const small = { classes: 80, pyramidChannels: 8, embeddingSize: 16 } as const;

function shapesOf(options: DetectorOptions): Map<string, string> {
  const detector = createDetector(options);
  const shapes = [...detector.stateDict()].map(
    ([name, { shape }]) => [name, shape.join(' ')] as const,
  );
  detector.dispose();
  return new Map(shapes);
}

describe('a detector', () => {
  withEngine('native');

  it('has detectron2’s names and shapes with a bottleneck backbone', () => {
    const shapes = shapesOf({ backbone: 'resnet50', width: 8, ...small });
    const expected = {
      'backbone.bottom_up.stem.conv1.weight': '8 3 7 7',
      'backbone.bottom_up.stem.conv1.norm.running_var': '8',
      'backbone.bottom_up.res2.0.shortcut.weight': '32 8 1 1',
      'backbone.bottom_up.res2.0.shortcut.norm.weight': '32',
      'backbone.bottom_up.res2.0.conv1.weight': '8 8 1 1',
      'backbone.bottom_up.res2.0.conv2.weight': '8 8 3 3',
      'backbone.bottom_up.res2.0.conv3.weight': '32 8 1 1',
      'backbone.bottom_up.res4.5.conv3.norm.bias': '128',
      'backbone.bottom_up.res5.2.conv3.weight': '256 64 1 1',
      'backbone.fpn_lateral2.weight': '8 32 1 1',
      'backbone.fpn_lateral5.bias': '8',
      'backbone.fpn_output3.weight': '8 8 3 3',
      'proposal_generator.rpn_head.conv.weight': '8 8 3 3',
      'proposal_generator.rpn_head.objectness_logits.weight': '3 8 1 1',
      'proposal_generator.rpn_head.anchor_deltas.bias': '12',
      'roi_heads.box_head.fc1.weight': `16 ${8 * 49}`,
      'roi_heads.box_head.fc2.bias': '16',
      'roi_heads.box_predictor.cls_score.weight': '81 16',
      'roi_heads.box_predictor.bbox_pred.weight': '320 16',
    };
    for (const [name, shape] of Object.entries(expected)) {
      expect(shapes.get(name), name).to.equal(shape);
    }
    // Stem and shortcuts: 5; 16 blocks of 3; each with weight, bias, mean and variance of its norm.
    // Then 8 convolutions of the pyramid, 3 of the proposals and 4 layers of the box head, with biases.
    expect(shapes.size).to.equal(5 * (5 + 16 * 3) + 2 * (8 + 3 + 4));
  });

  it('has the names of the ImageNet weights with MobileNetV2', () => {
    const shapes = shapesOf({ backbone: 'mobilenetv2', ...small });
    expect(shapes.get('backbone.bottom_up.features.0.0.weight')).to.equal('32 3 3 3');
    expect(shapes.get('backbone.bottom_up.features.0.1.running_mean')).to.equal('32');
    expect(shapes.get('backbone.bottom_up.features.1.conv.0.weight')).to.equal('32 1 3 3');
    expect(shapes.get('backbone.bottom_up.features.1.conv.3.weight')).to.equal('16 32 1 1');
    expect(shapes.get('backbone.bottom_up.features.17.conv.6.weight')).to.equal('320 960 1 1');
    expect(shapes.get('backbone.bottom_up.features.17.conv.7.bias')).to.equal('320');
    expect(shapes.get('backbone.fpn_lateral4.weight')).to.equal('8 96 1 1');
  });

  it('trains neither the first two stages nor any norm, as detectron2', () => {
    const detector = createDetector({ backbone: 'resnet18', width: 8, ...small });
    const names = detector.state.trainable.map(({ name }) => name);
    expect(names.some((name) => /stem|res2|norm/.test(name))).to.equal(false);
    expect(names[0]).to.equal('backbone.bottom_up.res3.0.shortcut.weight');
    detector.dispose();
  });

  it('has a pyramid of strides 4 to 64, of both backbones', () => {
    for (const backbone of ['resnet18', 'mobilenetv2'] as const) {
      const detector = createDetector({ backbone, ...small });
      const shapes = tf.tidy(() =>
        detector
          .pyramid(detector.frozen(tf.zeros([1, 64, 128, 3])), { training: false })
          .map(({ shape }) => shape.join(' ')),
      );
      expect(shapes).to.deep.equal(['1 16 32 8', '1 8 16 8', '1 4 8 8', '1 2 4 8', '1 1 2 8']);
      detector.dispose();
    }
  });

  it('takes the pixels that its backbone was trained for', () => {
    const caffe = { order: 'bgr', mean: [103.53, 116.28, 123.675], std: [1, 1, 1] };
    const torchvision = {
      order: 'rgb',
      mean: [123.675, 116.28, 103.53],
      std: [58.395, 57.12, 57.375],
    };
    for (const [backbone, pixels] of [
      ['resnet18', torchvision],
      ['resnet34', torchvision],
      ['resnet50', caffe],
      ['resnet101', caffe],
      ['mobilenetv2', torchvision],
    ] as const) {
      const detector = createDetector({ backbone, ...small });
      expect(detector.pixels, backbone).to.deep.equal(pixels);
      detector.dispose();
    }
  });

  it('draws its weights as detectron2, the first ones of seed 0 unless told otherwise', () => {
    const options = { backbone: 'resnet18', classes: 80, width: 16, pyramidChannels: 32 } as const;
    const detector = createDetector({ ...options, embeddingSize: 128 });
    const hash = hashStateDict(detector.stateDict());
    for (const [seed, same] of [
      [0, true],
      [1, false],
    ] as const) {
      const other = createDetector({ ...options, embeddingSize: 128, seed });
      expect(hashStateDict(other.stateDict()) === hash).to.equal(same);
      other.dispose();
    }
    // Uniform between ±√(3 / inputs) has a deviation of √(1 / inputs); the others are normal.
    for (const [name, deviation] of [
      ['backbone.bottom_up.res3.0.conv1', Math.sqrt(2 / (32 * 9))],
      ['backbone.bottom_up.res4.0.shortcut', Math.sqrt(2 / 64)],
      ['backbone.fpn_lateral5', Math.sqrt(1 / 128)],
      ['backbone.fpn_output3', Math.sqrt(1 / (32 * 9))],
      ['proposal_generator.rpn_head.conv', 0.01],
      ['proposal_generator.rpn_head.anchor_deltas', 0.01],
      ['roi_heads.box_head.fc1', Math.sqrt(1 / (32 * 49))],
      ['roi_heads.box_predictor.cls_score', 0.01],
      ['roi_heads.box_predictor.bbox_pred', 0.001],
    ] as const) {
      const values = numbers(detector.state.tensor(`${name}.weight`).value);
      const squares = values.reduce((sum, value) => sum + value ** 2, 0);
      // Of 384 numbers and more: three standard errors are 11 %.
      expect(Math.sqrt(squares / values.length) / deviation, name).to.be.within(0.89, 1.11);
      if (name.includes('bottom_up')) continue;
      const biases = numbers(detector.state.tensor(`${name}.bias`).value);
      expect(
        biases.every((value) => value === 0),
        name,
      ).to.equal(true);
    }
    detector.dispose();
  });

  it('refuses an unknown backbone and anchors for too few levels', async () => {
    const unknown = await faultOf(() =>
      createDetector({ ...small, backbone: 'resnet5O' as unknown as 'resnet50' }),
    );
    expect(unknown.fix).to.match(/Did you mean 'resnet50'/);
    const few = await faultOf(() => tinyDetector({ anchorSizes: [8, 16] }));
    expect(few.found).to.equal('2');
  });

  it('refuses a number of frozen stages that is none', async () => {
    // Counted from its end, the last stage alone would have been trained.
    for (const freezeAt of [-1, 1.5, NaN]) {
      const fault = await faultOf(() => tinyDetector({ freezeAt }));
      expect(fault).to.include({ where: 'resnet18, freezeAt', found: String(freezeAt) });
    }
  });

  it('refuses a width of MobileNetV2, which has one only', async () => {
    const fault = await faultOf(() =>
      createDetector({ ...small, backbone: 'mobilenetv2', width: 8 }),
    );
    expect(fault).to.include({ where: 'mobilenetv2, width', found: '8' });
  });
});

describe('detectron2’s settings', () => {
  for (const [name, found, expected] of [
    ['sides of anchors', defaultAnchorSizes, [32, 64, 128, 256, 512]],
    ['ratios of anchors', anchorRatios, [0.5, 1, 2]],
    ['matching of anchors', anchorMatching, { background: 0.3, object: 0.7, lowQuality: true }],
    [
      'matching of proposals',
      proposalMatching,
      { background: 0.5, object: 0.5, lowQuality: false },
    ],
    ['sampling of anchors', anchorSampling, { count: 256, objectShare: 0.5 }],
    ['sampling of proposals', proposalSampling, { count: 512, objectShare: 0.25 }],
    ['proposals in training', trainingProposals, { before: 2000, after: 1000, threshold: 0.7 }],
    ['proposals in use', testingProposals, { before: 1000, after: 1000, threshold: 0.7 }],
    ['coding of proposals', proposalCoding, [1, 1, 1, 1]],
    ['coding of final boxes', finalCoding, [10, 10, 5, 5]],
    ['optimiser', detectionOptimiser, { momentum: 0.9, weightDecay: 0.0001, nesterov: false }],
    ['warm-up', detectronWarmUp, { iterations: 1000, factor: 0.001 }],
  ] as const) {
    it(`are kept: ${name}`, () => {
      expect(found).to.deep.equal(expected);
    });
  }
});

for (const engine of engines) {
  describe(`proposing objects (${engine})`, () => {
    withEngine(engine);

    it('proposes the best of each level, thinned out, cut at the image and highest first', () => {
      // Two levels of two anchors; the second of the first level lies on its first and goes.
      const anchors = [
        Float32Array.of(0, 0, 10, 10, 0, 0, 10, 9),
        Float32Array.of(20, 20, 60, 60, 70, 70, 80, 80),
      ];
      const output = {
        objectness: tf.tensor2d([[2, 1, 3, 0]]),
        deltas: tf.zeros<tf.Rank.R3>([1, 4, 4]),
      };
      const size = [{ height: 50, width: 50 }];
      const [found] = findProposals(output, anchors, size, { before: 2, after: 9, threshold: 0.7 });
      // The last one lies outside and has no area left.
      expect([...(found?.boxes ?? [])]).to.deep.equal([20, 20, 50, 50, 0, 0, 10, 10]);
      expect([...(found?.scores ?? [])]).to.deep.equal([3, 2]);
      const [one] = findProposals(output, anchors, size, { before: 1, after: 1, threshold: 0.7 });
      expect([...(one?.scores ?? [])]).to.deep.equal([3]);
    });

    it('thins out within a level alone: the same box on two levels is proposed twice', () => {
      const box = [0, 0, 10, 10];
      const anchors = [Float32Array.of(...box, ...box), Float32Array.of(...box)];
      const output = {
        objectness: tf.tensor2d([[1, 2, 3]]),
        deltas: tf.zeros<tf.Rank.R3>([1, 3, 4]),
      };
      const size = [{ height: 50, width: 50 }];
      const [found] = findProposals(output, anchors, size, { before: 2, after: 9, threshold: 0.7 });
      expect([...(found?.boxes ?? [])]).to.deep.equal([...box, ...box]);
      expect([...(found?.scores ?? [])]).to.deep.equal([3, 2]);
    });

    it('moves each anchor by its own step, in each image of a batch', () => {
      // Four anchors of 10 × 10 on two levels. A step of 1 is a whole width or height; ln 2 doubles a side.
      const anchors = [
        Float32Array.of(0, 0, 10, 10, 20, 0, 30, 10),
        Float32Array.of(40, 0, 50, 10, 60, 0, 70, 10),
      ];
      const output = {
        objectness: tf.tensor2d([
          [1, 4, 2, 3],
          [8, 5, 6, 7],
        ]),
        deltas: tf.tensor3d([
          [
            [0, 1, 0, 0],
            [0, 2, 0, 0],
            [0, 3, 0, 0],
            [0, 4, 0, 0],
          ],
          [
            [1, 0, 0, 0],
            [0, 0, Math.LN2, 0],
            [0, 5, 0, 0],
            [0, 1, 0, Math.LN2],
          ],
        ]),
      };
      const sizes = [
        { height: 99, width: 99 },
        { height: 99, width: 99 },
      ];
      const found = findProposals(output, anchors, sizes, { before: 2, after: 9, threshold: 0.7 });
      const rounded = found.map(({ boxes }) => [...boxes].map((edge) => Math.round(edge)));
      expect(rounded).to.deep.equal([
        [20, 20, 30, 30, 60, 40, 70, 50, 40, 30, 50, 40, 0, 10, 10, 20],
        [10, 0, 20, 10, 60, 5, 70, 25, 40, 50, 50, 60, 15, 0, 35, 10],
      ]);
      expect(found.map(({ scores }) => [...scores])).to.deep.equal([
        [4, 3, 2, 1],
        [8, 7, 6, 5],
      ]);
    });
  });
}

describe('a frozen norm', () => {
  withEngine('native');

  it('is the scale and shift of its statistics', () => {
    const detector = tinyDetector({ norm: 'frozen' });
    const image = tf.ones<tf.Rank.R4>([1, 32, 32, 3]);
    const stem = (): number[] =>
      numbers(detector.pyramid(detector.frozen(image), { training: true })[0] ?? tf.zeros([0]));
    const before = stem();
    // Doubling √(variance + ε) and γ of every norm changes nothing.
    const doubled = new Map(
      [...detector.stateDict()].map(([name, entry]) => {
        if (name.endsWith('norm.weight')) {
          return [name, { ...entry, data: entry.data.map((value) => 2 * value) }];
        }
        if (!name.endsWith('running_var')) return [name, entry];
        return [name, { ...entry, data: entry.data.map((value) => 4 * (value + 1e-5) - 1e-5) }];
      }),
    );
    detector.loadStateDict(doubled);
    stem().forEach((value, index) => expect(value).to.be.closeTo(before[index] ?? NaN, 1e-4));
    detector.dispose();
  });
});

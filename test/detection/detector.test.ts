import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { anchorRatios, defaultAnchorSizes } from '../../lib/detection/anchors';
import { loadCoco } from '../../lib/coco/load';
import { finalCoding, proposalCoding } from '../../lib/detection/box-coding';
import { proposalSampling } from '../../lib/detection/box-training';
import { createDetector, type DetectorOptions } from '../../lib/detection/detector';
import { detectDataset } from '../../lib/detection/evaluate-detector';
import { detectObjects, testingProposals } from '../../lib/detection/inference';
import { detectionOptimiser, trainingProposals } from '../../lib/detection/learner';
import { anchorMatching, proposalMatching } from '../../lib/detection/matching';
import { anchorSampling } from '../../lib/detection/proposal-training';
import { findProposals } from '../../lib/detection/proposals';
import { detectronWarmUp } from '../../lib/train/schedule';
import { smallCocoFile, writeCocoFile, writeCocoImages } from '../support/coco-files';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { engines, withEngine } from '../support/engine';
import { type Answer, scriptedDetector, shapesBatch, tinyDetector } from '../support/detector';
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
      const detector = createDetector({ backbone, width: 4, ...small });
      expect(detector.pixels, backbone).to.deep.equal(pixels);
      detector.dispose();
    }
  });

  it('refuses an unknown backbone and anchors for too few levels', async () => {
    const unknown = await faultOf(() =>
      createDetector({ ...small, backbone: 'resnet5O' as unknown as 'resnet50' }),
    );
    expect(unknown.remedy).to.match(/Did you mean 'resnet50'/);
    const few = await faultOf(() => tinyDetector({ anchorSizes: [8, 16] }));
    expect(few.found).to.equal('2');
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
  });
}

for (const engine of engines) {
  describe(`detections (${engine})`, () => {
    withEngine(engine);

    // 200 × 100 after resizing, 400 × 50 before: edges become twice in x, half in y.
    const wide = { height: 100, width: 200, originalHeight: 50, originalWidth: 400 };
    const small = { height: 36, width: 60, originalHeight: 36, originalWidth: 60 };
    /** What `detectObjects` finds, an image a list of `label score left top right bottom`. */
    function found(
      levels: readonly number[][][],
      say: (box: readonly number[]) => Answer,
      items: Parameters<typeof detectObjects>[2],
      options: Parameters<typeof detectObjects>[3] = {},
    ): string[][] {
      const detector = scriptedDetector({ classes: 2, levels, say });
      const images = tf.zeros<tf.Rank.R4>([items.length, 128, 224, 3]);
      const lists = detectObjects(detector, images, items, options).map(
        ({ boxes, labels, scores }) =>
          [...labels].map((label, index) =>
            [
              label,
              scores[index]?.toFixed(2),
              ...Array.from(boxes.subarray(4 * index, 4 * index + 4), (edge) => edge.toFixed(1)),
            ].join(' '),
          ),
      );
      images.dispose();
      detector.dispose();
      return lists;
    }

    it('are above 0.05, thinned out at 0.5 within their class, cut, and scaled back in x and y', () => {
      // By place: probabilities of the two classes, dx dy dw dh of each class.
      const script: Record<string, Answer> = {
        // Of both classes: neither suppresses the other.
        '20 10 60 50': { scores: [0.6, 0.3] },
        // 21 / 40 of the first: suppressed in class 0; too low in class 1.
        '20 10 60 31': { scores: [0.5, 0.04] },
        // Just half of the first: stays.
        '40 10 60 50': { scores: [0.06, 0.04] },
        // Class 1's own step: right by 5 / 10 of 40, 2 times as high: 120 … 160, 20 … 100.
        '100 40 140 80': { scores: [0.02, 0.9], deltas: [0, 0, 0, 0, 5, 0, 0, 5 * Math.LN2] },
        // Down by 5 / 10 of 40, so that 80 … 100 is left inside.
        '0 60 40 100': { scores: [0.2], deltas: [0, 5] },
        // A whole width to the right, where nothing of the image is left.
        '170 60 200 100': { scores: [0.95], deltas: [10] },
        // In the second image, where the others are cut at 60 × 36 or lie outside.
        '20 10 60 36': { scores: [0, 0.7] },
        '40 10 60 36': { scores: [0.8] },
      };
      const anchors = Object.keys(script).map((place) => place.split(' ').map(Number));
      const levels = [anchors.slice(0, 6)];
      const say = (box: readonly number[]): Answer => script[box.join(' ')] ?? {};
      const [first, second] = found(levels, say, [wide, small]);
      expect(first).to.deep.equal([
        '1 0.90 240.0 10.0 320.0 50.0',
        '0 0.60 40.0 5.0 120.0 25.0',
        '1 0.30 40.0 5.0 120.0 25.0',
        '0 0.20 0.0 40.0 80.0 50.0',
        '0 0.06 80.0 5.0 120.0 25.0',
      ]);
      expect(second).to.deep.equal(['0 0.80 40.0 10.0 60.0 36.0', '1 0.70 20.0 10.0 60.0 36.0']);
      const some = (options: Parameters<typeof found>[3]): string[] =>
        (found(levels, say, [wide], options)[0] ?? []).map((line) => line.slice(0, 6));
      expect(some({ leastScore: 0.25 })).to.deep.equal(['1 0.90', '0 0.60', '1 0.30']);
      // The one outside is dropped last, as in detectron2, and takes a place before.
      expect(some({ most: 2 })).to.deep.equal(['1 0.90']);
      expect(some({ threshold: 0.6, leastScore: 0.4 })).to.deep.equal([
        '1 0.90',
        '0 0.60',
        '0 0.50',
      ]);
    });

    it('are 100 an image at most, the surest of all classes', () => {
      // 60 places side by side, each of both classes: class 1 always a little less sure.
      const boxes = Array.from({ length: 60 }, (_, at) => [3 * at, 0, 3 * at + 2, 9]);
      const say = ([left = 0]: readonly number[]): Answer => ({
        scores: [0.5 - left / 1000, 0.4 - left / 1000],
      });
      const [first = []] = found([boxes], say, [wide]);
      expect(first).to.have.length(100);
      // Scores of 0.5 down to 0.323 and of 0.4 down to 0.223: the 20 lowest are of class 1.
      const labels = first.map((line) => line[0]);
      expect(labels.filter((label) => label === '1').length).to.equal(60 - 20);
    });
  });
}

describe('the detections of a data set', () => {
  withEngine('native');
  const folder = withFolder();

  it('have the data set’s own numbers, left, top, width and height in the image’s own pixels', async () => {
    // Two images of 64 × 48, read at 128 × 96; label 0 is category 3, label 1 category 7.
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    const dataset = loadCoco({ annotations: writeCocoFile(folder(), content), images });
    const script: Record<string, Answer> = {
      '20 10 60 50': { scores: [0, 0.75] },
      '80 40 120 80': { scores: [0.5, 0] },
    };
    const detector = scriptedDetector({
      classes: 2,
      levels: [Object.keys(script).map((place) => place.split(' ').map(Number))],
      say: (box) => script[box.join(' ')] ?? {},
    });
    const done: string[] = [];
    const found = await detectDataset(detector, dataset, {
      batchSize: 1,
      shortSide: 96,
      longest: 200,
      onImages: (count, total) => done.push(`${count} of ${total}`),
    });
    const expected = [11, 12].flatMap((imageId) => [
      { imageId, categoryId: 7, box: [10, 5, 20, 20], score: 0.75 },
      { imageId, categoryId: 3, box: [40, 20, 20, 20], score: 0.5 },
    ]);
    const rounded = found.map((one) => ({ ...one, score: Number(one.score.toFixed(6)) }));
    expect(rounded).to.deep.equal(expected);
    expect(done).to.deep.equal(['1 of 2', '2 of 2']);
    detector.dispose();
  });
});

describe('the detections of a network', () => {
  withEngine('native');

  it('are boxes inside the image as it was, of scores above the least, and the same each time', () => {
    const detector = tinyDetector();
    const { images, height, width, items } = shapesBatch(3);
    const tensor = tf.tensor4d(images, [items.length, height, width, 3]);
    const before = tf.memory().numTensors;
    const find = (): ReturnType<typeof detectObjects> =>
      detectObjects(detector, tensor, items, { leastScore: 0.3, most: 5 });
    const found = find();
    expect(tf.memory().numTensors).to.equal(before);
    expect(found.length).to.equal(2);
    for (const { boxes, labels, scores } of found) {
      expect(scores.length).to.be.within(1, 5);
      expect(boxes.length).to.equal(4 * labels.length);
      expect(scores.every((score) => score > 0.3)).to.equal(true);
      expect([...scores]).to.deep.equal([...scores].sort((a, b) => b - a));
      expect(boxes.every((edge) => edge >= 0 && edge <= 128)).to.equal(true);
    }
    expect(find()).to.deep.equal(found);
    tensor.dispose();
    detector.dispose();
  });
});

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

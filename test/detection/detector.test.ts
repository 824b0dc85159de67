import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { createDetector, type DetectorOptions } from '../../lib/detection/detector';
import { detectObjects } from '../../lib/detection/inference';
import { findProposals } from '../../lib/detection/proposals';
import { faultOf } from '../support/faults';
import { engines, withEngine } from '../support/engine';
import { shapesBatch, tinyDetector } from '../support/detector';
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

  it('refuses an unknown backbone and anchors for too few levels', async () => {
    const unknown = await faultOf(() =>
      createDetector({ ...small, backbone: 'resnet5O' as unknown as 'resnet50' }),
    );
    expect(unknown.remedy).to.match(/Did you mean 'resnet50'/);
    const few = await faultOf(() => tinyDetector({ anchorSizes: [8, 16] }));
    expect(few.found).to.equal('2');
  });
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

describe('detections', () => {
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

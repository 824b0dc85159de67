import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import {
  type Architecture,
  cifarModels,
  createModel,
  modelName,
  type ModelName,
  modelNames,
  registerModel,
} from '../../lib/models/registry';
import { linearLayer } from '../../lib/nn/layers';
import { hashStateDict, ModelState } from '../../lib/nn/state';
import { withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

/** A network of one's own: the mean of the pixels, or a projection of it to this size, and a classifier of the mean. */
const averaging = (projectedTo?: number): Architecture => ({
  imageSize: 4,
  dropsPaths: false,
  build(context, { classes }) {
    const classifier = linearLayer(context, 'fc', { inputs: 3, outputs: classes });
    const projection =
      projectedTo && linearLayer(context, 'projection', { inputs: 3, outputs: projectedTo });
    return {
      embeddingSize: projectedTo ?? 3,
      forward(images, mode) {
        const pooled = tf.mean<tf.Tensor2D>(images, [1, 2]);
        return {
          embedding: projection ? projection(pooled, mode) : pooled,
          logits: classifier(pooled, mode),
          features: [],
          preActivations: [],
        };
      },
    };
  },
});

describe('models', () => {
  withEngine('native');

  it('are all there, with the published numbers of parameters for 100 classes', () => {
    // As the tables of published comparisons on CIFAR-100 have them; depths are 6n + 2 and 6n + 4.
    const published: Record<string, number> = {
      resnet8: 83_892,
      resnet14: 181_108,
      resnet20: 278_324,
      resnet32: 472_756,
      resnet44: 667_188,
      resnet56: 861_620,
      resnet110: 1_736_564,
      resnet8x4: 1_233_540,
      resnet32x4: 7_433_860,
      wrn_16_1: 180_916,
      wrn_16_2: 703_284,
      wrn_40_1: 569_780,
      wrn_40_2: 2_255_156,
      vgg8: 3_965_028,
      vgg13: 9_462_180,
      ResNet18: 11_220_132,
      ResNet50: 23_705_252,
      MobileNetV2: 812_836,
      ShuffleV1: 949_258,
      ShuffleV2: 1_355_528,
    };
    const embeddingSizes: Record<string, number> = {
      resnet8x4: 256,
      resnet32x4: 256,
      wrn_16_2: 128,
      wrn_40_2: 128,
      vgg8: 512,
      vgg13: 512,
      ResNet18: 512,
      ResNet50: 2048,
      MobileNetV2: 1280,
      ShuffleV1: 960,
      ShuffleV2: 1024,
    };
    // Their first weights do not matter here, and drawing 70 million would take long.
    const zero = (): number => 0;
    const random = { uniform: zero, normal: zero, integer: zero };
    for (const [name, { build }] of Object.entries(cifarModels)) {
      const state = new ModelState();
      const options = { classes: 100, imageSize: 32, dropPath: 0 };
      const { embeddingSize } = build({ state, random }, options);
      expect(state.parameterCount, name).to.equal(published[name]);
      expect(embeddingSize, name).to.equal(embeddingSizes[name] ?? 64);
      state.dispose();
    }
  });

  it('give logits, the embedding and four stages before and after ReLU', () => {
    const model = createModel('resnet14', { classes: 7 });
    tf.tidy(() => {
      const output = model.forward(tf.randomNormal([2, 32, 32, 3], 0, 1, 'float32', 1), {
        training: false,
      });
      expect(output.logits.shape).to.deep.equal([2, 7]);
      expect(output.embedding.shape).to.deep.equal([2, 64]);
      const shapes = [
        [2, 32, 32, 16],
        [2, 32, 32, 16],
        [2, 16, 16, 32],
        [2, 8, 8, 64],
      ];
      expect(output.features.map(({ shape }) => shape)).to.deep.equal(shapes);
      expect(output.preActivations.map(({ shape }) => shape)).to.deep.equal(shapes);
      for (const stage of [1, 2, 3]) {
        const before = output.preActivations[stage] as tf.Tensor4D;
        expect(numbers(tf.min(before))[0], `stage ${stage}`).to.be.below(0);
        expectClose(
          tf
            .sub(tf.relu(before), output.features[stage] as tf.Tensor4D)
            .abs()
            .max(),
          [0],
        );
      }
      expectClose(tf.mean(output.features[3] as tf.Tensor4D, [1, 2]), numbers(output.embedding));
    });
    model.dispose();
  });

  describe('start from weights drawn as their published forms draw them:', () => {
    const { sqrt } = Math;
    type Draw = 'normal' | 'uniform';
    // Normal numbers by their standard deviation, uniform ones by their bound. fan_out is kernel² · outputs, fan_in
    // kernel² · inputs, both divided by the groups.
    const cases: [model: string, entry: string, draw: Draw, width: number][] = [
      ['resnet20', 'layer2.0.conv1.weight', 'normal', sqrt(2 / (9 * 32))],
      ['resnet20', 'layer2.0.downsample.0.weight', 'normal', sqrt(2 / 32)],
      ['resnet20', 'fc.weight', 'uniform', sqrt(1 / 64)],
      ['resnet20', 'fc.bias', 'uniform', sqrt(1 / 64)],
      ['wrn_16_2', 'block2.layer.0.conv1.weight', 'normal', sqrt(2 / (9 * 64))],
      ['wrn_16_2', 'block2.layer.0.convShortcut.weight', 'normal', sqrt(2 / 64)],
      ['wrn_16_2', 'fc.weight', 'uniform', sqrt(1 / 128)],
      ['vgg8', 'block1.0.weight', 'normal', sqrt(2 / (9 * 128))],
      ['vgg8', 'classifier.weight', 'normal', 0.01],
      ['MobileNetV2', 'blocks.1.0.conv.0.weight', 'normal', sqrt(2 / 48)],
      // Of a depthwise convolution all outputs count, not one for each group.
      ['MobileNetV2', 'blocks.5.0.conv.3.weight', 'normal', sqrt(2 / (9 * 288))],
      ['MobileNetV2', 'classifier.0.weight', 'normal', 0.01],
      ['ShuffleV1', 'layer1.0.conv1.weight', 'uniform', sqrt(1 / 24)],
      ['ShuffleV1', 'layer3.1.conv2.weight', 'uniform', sqrt(1 / 9)],
      ['ShuffleV1', 'layer3.1.conv3.weight', 'uniform', sqrt(1 / (240 / 3))],
      ['ShuffleV2', 'layer2.1.conv1.weight', 'uniform', sqrt(1 / 116)],
      ['ShuffleV2', 'conv2.weight', 'uniform', sqrt(1 / 464)],
      ['mobilenet_v1', 'model.13.3.weight', 'uniform', sqrt(1 / 1024)],
      ['mobilenet_v1', 'model.13.0.weight', 'uniform', sqrt(1 / 9)],
      ['resnet18_half', 'conv1.weight', 'normal', sqrt(2 / (49 * 32))],
      ['resnet18_half', 'layer3.0.conv1.weight', 'normal', sqrt(2 / (9 * 128))],
      ['resnet18_half', 'fc.weight', 'uniform', sqrt(1 / 256)],
      ['regnety_002', 's4.b2.conv1.conv.weight', 'normal', sqrt(2 / 368)],
      // 8 channels in each group.
      ['regnety_002', 's4.b2.conv2.conv.weight', 'normal', sqrt(2 / (9 * 8))],
      ['regnety_002', 's4.b2.se.fc1.weight', 'normal', sqrt(2 / 92)],
      ['regnety_002', 'head.fc.weight', 'normal', 0.01],
      ['deit_tiny_distilled_patch16_224', 'cls_token', 'normal', 1e-6],
      ['deit_tiny_distilled_patch16_224', 'dist_token', 'normal', 0.02],
      ['deit_tiny_distilled_patch16_224', 'pos_embed', 'normal', 0.02],
      [
        ...(['deit_tiny_distilled_patch16_224', 'patch_embed.proj.weight', 'uniform'] as const),
        sqrt(1 / (256 * 3)),
      ],
      ['deit_tiny_distilled_patch16_224', 'blocks.3.attn.qkv.weight', 'normal', 0.02],
      ['deit_tiny_distilled_patch16_224', 'blocks.3.mlp.fc2.weight', 'normal', 0.02],
      ['deit_tiny_distilled_patch16_224', 'head.weight', 'normal', 0.02],
      ['deit_tiny_distilled_patch16_224', 'head_dist.weight', 'normal', 0.02],
      ['vit_tiny_patch16_224', 'head.weight', 'normal', 0.02],
    ];
    const zeros: [model: string, entry: string][] = [
      ['vgg8', 'block1.0.bias'],
      ['vgg8', 'classifier.bias'],
      ['MobileNetV2', 'classifier.0.bias'],
      ['regnety_002', 's4.b2.se.fc1.bias'],
      ['regnety_002', 'head.fc.bias'],
      ['deit_tiny_distilled_patch16_224', 'blocks.3.attn.qkv.bias'],
      ['deit_tiny_distilled_patch16_224', 'head.bias'],
    ];
    for (const name of new Set(cases.map(([model]) => model))) {
      it(name, () => {
        const model = createModel(modelName(name), { classes: 100, seed: 7 });
        const state = model.stateDict();
        model.dispose();
        const numbersOf = (entry: string): Float32Array =>
          state.get(entry)?.data ?? expect.fail(`no ${entry}`);
        for (const [, entry, draw, width] of cases.filter(([of]) => of === name)) {
          const values = numbersOf(entry);
          const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const spread = sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
          // A sample's standard deviation is off by σ/√(2n) or so; here at most by four times that.
          const deviation = draw === 'normal' ? width : width / sqrt(3);
          const share = 4 / sqrt(2 * values.length);
          expect(spread / deviation, `${name}, ${entry}`).to.be.closeTo(1, share);
          // Uniform numbers end at √3 deviations, of so many normal ones some lie beyond two.
          if (draw === 'uniform') expect(largest, entry).to.be.within(0.9 * width, width);
          else expect(largest, entry).to.be.above(2 * width);
        }
        for (const [, entry] of zeros.filter(([of]) => of === name)) {
          expect(new Set(numbersOf(entry)), entry).to.deep.equal(new Set([0]));
        }
        for (const [entry, { data }] of state) {
          const norm = /(?:bn|norm)\d*\.(weight|running_var|bias|running_mean)$/.exec(entry)?.[1];
          if (norm === undefined) continue;
          const start = norm === 'weight' || norm === 'running_var' ? 1 : 0;
          expect(new Set(data), entry).to.deep.equal(new Set([start]));
        }
      });
    }
  });

  it('start from the same weights for the same seed only', () => {
    const hashes = [1, 1, 2].map((seed) => {
      const model = createModel('resnet8', { classes: 10, seed });
      const hash = hashStateDict(model.stateDict());
      model.dispose();
      return hash;
    });
    expect(hashes[0]).to.equal(hashes[1]);
    expect(hashes[0]).to.not.equal(hashes[2]);
  });

  it('take over a state dict and give the same one back', () => {
    const first = createModel('resnet8', { classes: 10, seed: 1 });
    const second = createModel('resnet8', { classes: 10, seed: 2 });
    second.loadStateDict(first.stateDict());
    expect([...second.stateDict()]).to.deep.equal([...first.stateDict()]);
    first.dispose();
    second.dispose();
  });

  it('refuse weights that are not theirs and stay as they were', () => {
    const model = createModel('resnet8', { classes: 10, seed: 1 });
    const before = hashStateDict(model.stateDict());
    const without = model.stateDict();
    without.delete('layer2.0.bn1.bias');
    const nan = model.stateDict();
    nan.set('fc.bias', { shape: [10], data: new Float32Array(10).fill(NaN) });
    const hundred = createModel('resnet8', { classes: 100 });
    const larger = createModel('resnet20', { classes: 10 });
    const cases: [string, ReturnType<typeof model.stateDict>][] = [
      ["no 'layer2.0.bn1.bias'", without],
      ['for 100 classes where resnet8 is to tell 10 apart', hundred.stateDict()],
      ["'layer1.1.conv1.weight', which this model does not have", larger.stateDict()],
      ["'fc.bias' with a value that is not finite", nan],
    ];
    for (const [words, entries] of cases) {
      expect(() => model.loadStateDict(entries, 'a.file'), words).to.throw(LabError, words);
    }
    expect(hashStateDict(model.stateDict())).to.equal(before);
    for (const { dispose } of [model, hundred, larger]) dispose();
  });

  it('take a network of one’s own, under a name that no other has', () => {
    const flat = averaging();
    const model = createModel(registerModel('flat', flat), { classes: 2 });
    const { embedding } = model.forward(tf.fill([1, 4, 4, 3], 0.25), { training: false });
    expect([...embedding.dataSync()]).to.deep.equal([0.25, 0.25, 0.25]);
    // 3 · 2 weights and 2 biases.
    expect(model.state.parameterCount).to.equal(8);
    model.dispose();
    expect(modelNames).to.include('flat');
    for (const [name, message] of [
      ['flat', /two networks.*'flat'/],
      ['resnet20', /two networks/],
      ['a b', /no name.*'a b'/],
    ] as const) {
      expect(() => registerModel(name, flat), name).to.throw(LabError, message);
    }
  });

  it('refuse what a network of one’s own gives where it is of another shape than it says', () => {
    const odd = (name: string, embeddingSize: number, classes: number): ModelName =>
      registerModel(name, {
        imageSize: 4,
        dropsPaths: false,
        build: () => ({
          embeddingSize,
          forward: () => ({
            ...{ embedding: tf.zeros([5, 3]), logits: tf.zeros([5, classes]) },
            ...{ features: [], preActivations: [] },
          }),
        }),
      });
    const images = tf.zeros<tf.Rank.R4>([5, 4, 4, 3]);
    for (const name of [odd('odd-embedding', 7, 2), odd('odd-logits', 3, 4)]) {
      const model = createModel(name, { classes: 2 });
      expect(() => model.forward(images, { training: false }), name).to.throw(
        LabError,
        new RegExp(
          `says \\(${name}\\): found logits 5 × [24] and an embedding 5 × 3, not 5 × 2 and`,
        ),
      );
    }
    const right = createModel(odd('not-odd', 3, 2), { classes: 2 });
    expect(right.forward(images, { training: false }).logits.shape).to.eql([5, 2]);
  });

  it('take their own weights with a projection head after the classifier, and say for how many classes others are', () => {
    const name = registerModel('projected', averaging(8));
    const first = createModel(name, { classes: 2, seed: 1 });
    const second = createModel(name, { classes: 2, seed: 2 });
    const five = createModel(name, { classes: 5 });
    second.loadStateDict(first.stateDict());
    expect(hashStateDict(second.stateDict())).to.equal(hashStateDict(first.stateDict()));
    expect(() => second.loadStateDict(five.stateDict())).to.throw(
      LabError,
      'for 5 classes where projected is to tell 2 apart',
    );
    for (const { dispose } of [first, second, five]) dispose();
  });

  it('refuse an unknown name, suggesting the closest one, and a single class', () => {
    // @ts-expect-error: nor does it compile
    expect(() => createModel('resnet21', { classes: 10 })).to.throw(
      LabError,
      "Did you mean 'resnet",
    );
    expect(() => modelName('constructor')).to.throw(LabError, 'unknown model');
    expect(() => createModel('resnet8', { classes: 1 })).to.throw(LabError, 'at least two classes');
  });
});

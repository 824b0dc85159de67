import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { cifarModels } from '../../lib/models/cifar-models';
import { createModel } from '../../lib/models/registry';
import { hashStateDict } from '../../lib/nn/hash';
import { withEngine } from '../support/engine';
import { expectClose, numbers } from '../support/tensors';

describe('models', () => {
  withEngine('native');

  it('are all there, with the published numbers of parameters for 100 classes', () => {
    // From the papers' tables of these architectures: depth 6n + 2, 16/32/64 or 32/64/128/256 channels.
    const published: Record<string, number> = {
      resnet8: 83892,
      resnet20: 278324,
      resnet56: 861620,
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
    for (const name of Object.keys(cifarModels)) {
      const model = createModel(name, { classes: 100 });
      if (published[name] !== undefined) {
        expect(model.state.parameterCount, name).to.equal(published[name]);
      }
      expect(model.embeddingSize, name).to.equal(embeddingSizes[name] ?? 64);
      model.dispose();
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

  it('refuse an unknown name, suggesting the closest one, and a single class', () => {
    expect(() => createModel('resnet65', { classes: 10 })).to.throw(
      LabError,
      "Did you mean 'resnet",
    );
    expect(() => createModel('constructor', { classes: 10 })).to.throw(LabError, 'unknown model');
    expect(() => createModel('resnet8', { classes: 1 })).to.throw(LabError, 'at least two classes');
  });
});

import { join } from 'node:path';
import { expect } from 'chai';
import { createModel } from '../../lib/models/registry';
import { modelsChecker } from '../../lib/verify/models';
import { withEngine } from '../support/engine';

const fixtures = join(__dirname, '..', 'fixtures');
const checker = modelsChecker('models-imagenet.json');

/** Half-width ResNets, RegNet, ViT and DeiT at 64 × 64, and the published MobileNetV1 at 224 × 224. */
const references = ['imagenet', 'reference'].map((folder) => join(fixtures, folder, checker.entry));

describe("ImageNet networks against torchvision's, timm's and mdistiller's", () => {
  withEngine('native');

  for (const { name, run } of references.flatMap((path) => [...checker.cases(path)])) {
    it(`${name}: names, numbers of parameters, evaluation, a training step`, async () => {
      expect((await run()).mismatches).to.deep.equal([]);
    }).timeout(60_000);
  }
});

describe('ImageNet networks', () => {
  withEngine('native');

  const published: [name: string, parameters: number, embedding: number][] = [
    ['resnet18', 11_689_512, 512],
    ['resnet50', 25_557_032, 2048],
    ['mobilenet_v1', 4_231_976, 1024],
    ['vit_small_patch16_224', 22_050_664, 384],
  ];
  for (const [name, parameters, embedding] of published) {
    it(`${name} has the published number of parameters`, () => {
      const model = createModel(name, { classes: 1000 });
      try {
        expect(model.state.parameterCount).to.equal(parameters);
        expect(model.embeddingSize).to.equal(embedding);
      } finally {
        model.dispose();
      }
    });
  }

  it('of vision transformers take images of whole patches only, and stochastic depth where they have it', () => {
    expect(() => createModel('vit_tiny_patch16_224', { classes: 10, imageSize: 60 })).to.throw(
      /patches of 16 × 16.*60/,
    );
    expect(() => createModel('resnet18_half', { classes: 10, dropPath: 0.1 })).to.throw(
      /no stochastic depth/,
    );
  });
});

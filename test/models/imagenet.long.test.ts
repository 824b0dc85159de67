import { join } from 'node:path';
import { expect } from 'chai';
import { featureShapes } from '../../lib/distill/connectors';
import { createModel } from '../../lib/models/registry';
import { modelsChecker } from '../../lib/verify/models';
import { withEngine } from '../support/engine';
import { itHasPublishedSizes } from '../support/published-sizes';

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

  itHasPublishedSizes([
    ['resnet18', 11_689_512, 512],
    ['mobilenet_v1', 4_231_976, 1024],
    ['regnety_002', 3_162_996, 368],
    ['vit_tiny_patch16_224', 5_717_416, 192],
    ['deit_tiny_distilled_patch16_224', 5_910_800, 192],
    ['resnet34', 21_797_672, 512],
    ['resnet50', 25_557_032, 2048],
    ['resnet101', 44_549_160, 2048],
    ['resnet152', 60_192_808, 2048],
    ['regnety_160', 83_590_140, 3024],
    ['vit_small_patch16_224', 22_050_664, 384],
    ['deit_small_distilled_patch16_224', 22_436_432, 384],
    ['deit_base_distilled_patch16_224', 87_338_192, 768],
  ]);

  it('of MobileNetV1 shows the stem and the last of each size', () => {
    const model = createModel('mobilenet_v1', { classes: 10 });
    // Sides are those of the images divided by 2, 4, 8, 16 and 32.
    const shapes = [
      { side: 112, channels: 32 },
      { side: 56, channels: 128 },
      { side: 28, channels: 256 },
      { side: 14, channels: 512 },
      { side: 7, channels: 1024 },
    ];
    expect(featureShapes(model)).to.deep.equal({ features: shapes, preActivations: shapes });
    expect(model.preActivationNorms).to.deep.equal([3, 5, 11, 13].map((pair) => `model.${pair}.4`));
    model.dispose();
  });

  it('of vision transformers take images of whole patches only, and stochastic depth where they have it', () => {
    expect(() => createModel('vit_tiny_patch16_224', { classes: 10, imageSize: 60 })).to.throw(
      /patches of 16 × 16.*60/,
    );
    expect(() => createModel('resnet18_half', { classes: 10, dropPath: 0.1 })).to.throw(
      /no stochastic depth/,
    );
  });
});

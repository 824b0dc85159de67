import { join } from 'node:path';
import { expect } from 'chai';
import { releasedChecker } from '../../lib/verify/released';
import { withEngine } from '../support/engine';

const fixtures = join(__dirname, '..', 'fixtures', 'released');

describe('training steps of the released code with large networks, executed', () => {
  withEngine('native');

  for (const name of [
    'released-cifar-reviewkd-ResNet50-MobileNetV2',
    'released-imagenet-reviewkd-resnet34-resnet18',
    'released-imagenet-reviewkd-resnet50-mobilenet_v1',
    'released-imagenet-dkd-resnet50-mobilenet_v1',
    'released-imagenet-deit-regnety_160-deit_base_distilled_patch16_224',
  ]) {
    it(`agree with the same step here: ${name}`, async () => {
      const [step] = releasedChecker.cases(join(fixtures, `${name}.json`));
      expect((await step?.run())?.mismatches).to.deep.equal([]);
    }).timeout(300_000);
  }
});

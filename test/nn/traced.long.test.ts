import { withEngine } from '../support/engine';
import { everything, itGivesTheSame, logitsOnly } from '../support/traced-steps';

describe('a network’s passes as functions', () => {
  withEngine('native');

  itGivesTheSame([
    ['resnet8x4', 32, 'float32', everything],
    ['wrn_16_1', 32, 'float32', everything],
    ['vgg8', 32, 'bfloat16', logitsOnly],
    ['ShuffleV1', 32, 'float32', everything],
    ['MobileNetV2', 32, 'bfloat16', logitsOnly],
    ['ShuffleV2', 32, 'float32', logitsOnly],
    ['regnety_002', 64, 'float32', logitsOnly],
    ['mobilenet_v1', 32, 'float32', logitsOnly],
  ]);
});

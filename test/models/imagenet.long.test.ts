import { withEngine } from '../support/engine';
import { itHasPublishedSizes } from '../support/published-sizes';

describe('the largest ImageNet networks', () => {
  withEngine('native');

  itHasPublishedSizes([
    ['resnet101', 44_549_160, 2048],
    ['resnet152', 60_192_808, 2048],
    ['regnety_160', 83_590_140, 3024],
    ['deit_base_distilled_patch16_224', 87_338_192, 768],
  ]);
});

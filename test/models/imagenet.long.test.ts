import { withEngine } from '../support/engine';
import { itHasPublishedSizes } from '../support/published-sizes';

describe('larger ImageNet networks', () => {
  withEngine('native');

  itHasPublishedSizes([
    ['resnet34', 21_797_672, 512],
    ['resnet50', 25_557_032, 2048],
    ['resnet101', 44_549_160, 2048],
    ['resnet152', 60_192_808, 2048],
    ['regnety_160', 83_590_140, 3024],
    ['vit_small_patch16_224', 22_050_664, 384],
    ['deit_small_distilled_patch16_224', 22_436_432, 384],
    ['deit_base_distilled_patch16_224', 87_338_192, 768],
  ]);
});

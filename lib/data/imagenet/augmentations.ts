import { unknownName } from '../../errors';
import type { Interpolation } from '../resample';
import type { MixOptions } from './mix';
import type { RandAugmentOptions } from './rand-augment';

/** What is done to a training image between decoding and the network. */
export interface ImageAugmentation {
  readonly interpolation: Interpolation;
  readonly randAugment?: RandAugmentOptions;
  /** Probability of random erasing. */
  readonly erasing?: number;
  readonly mix?: MixOptions;
}

const deit: ImageAugmentation = {
  interpolation: 'bicubic',
  randAugment: { magnitude: 9, deviation: 0.5, operations: 2 },
  erasing: 0.25,
};

/**
 * Augmentations of an image folder by name, each with a random resized crop and a flip: that alone, as
 * torchvision's recipes; DeiT's, with RandAugment (magnitude 9, deviation 0.5), random erasing (0.25),
 * mixup (0.8) and cutmix (1.0); the same unmixed, for class means.
 */
const augmentations = {
  'resized-crop-flip': { interpolation: 'bilinear' },
  deit: { ...deit, mix: { mixupAlpha: 0.8, cutmixAlpha: 1, switchProbability: 0.5 } },
  'deit-unmixed': deit,
} satisfies Record<string, ImageAugmentation>;

const known: ReadonlyMap<string, ImageAugmentation> = new Map(Object.entries(augmentations));

/** The names that `trainingBatches` of an image folder knows; `none` cuts the middle as evaluation does. */
export const folderAugmentations: readonly string[] = [...known.keys(), 'none'];

/**
 * @returns undefined for `none`.
 * @throws LabError of kind `option` for a name that is not known.
 */
export function augmentationNamed(name: string): ImageAugmentation | undefined {
  const augmentation = known.get(name);
  if (augmentation !== undefined || name === 'none') return augmentation;
  throw unknownName('augmentation of an image folder', name, folderAugmentations);
}

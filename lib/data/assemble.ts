import { channelStatistics, hashDataset, type ChannelStatistics } from './statistics';
import { firstOfEachClass, nameWithSubset, selectRecords, type Subset } from './subset';
import type { ImageDataset, ImageSplit } from './types';

/** Decoded images with their labels, not yet named, measured and hashed. */
export interface DecodedImages {
  readonly classes: readonly string[];
  readonly height: number;
  readonly width: number;
  readonly train: ImageSplit;
  readonly test: ImageSplit;
}

/**
 * The data set of these images: cut to the subset, named after it, hashed, and with the channel
 * statistics that are known for it or else those of its train split.
 *
 * @throws LabError of kind `data` when a class has fewer images than the subset asks for.
 */
export function assembleDataset(
  name: string,
  decoded: DecodedImages,
  { subset, known }: { subset?: Subset | undefined; known?: ChannelStatistics } = {},
): ImageDataset {
  const { classes, height, width } = decoded;
  const cut = (split: 'train' | 'test'): ImageSplit => {
    const perClass = subset?.[split];
    if (perClass === undefined) return decoded[split];
    const where = `${name}, ${split}`;
    const indices = firstOfEachClass(decoded[split].labels, classes.length, perClass, where);
    return selectRecords(decoded[split], indices);
  };
  const images = { classes, height, width, train: cut('train'), test: cut('test') };
  return {
    ...images,
    ...(known ?? channelStatistics(images.train)),
    name: nameWithSubset(name, subset),
    hash: hashDataset(images),
  };
}

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
 * What a hash does not mention of a data set of this name, since the first recorded runs' did not. Written
 * out here and not taken from where the figures are used: with others there, the hash is another.
 */
const unmentioned: ReadonlyMap<string, ChannelStatistics> = new Map([
  ['cifar10', { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] }],
  ['cifar100', { mean: [0.5071, 0.4867, 0.4408], std: [0.2675, 0.2565, 0.2761] }],
]);

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
    hash: hashDataset(images, mentioned(name, known)),
  };
}

function mentioned(
  name: string,
  known: ChannelStatistics | undefined,
): ChannelStatistics | undefined {
  const usual = unmentioned.get(name);
  const figures = ({ mean, std }: ChannelStatistics): string => [...mean, ...std].join(' ');
  return known && usual && figures(known) === figures(usual) ? undefined : known;
}

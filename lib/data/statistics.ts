import { createHash } from 'node:crypto';
import type { ImageDataset, ImageSplit } from './source';

type Channels = readonly [number, number, number];

/** Per-channel mean and standard deviation of pixels scaled to [0, 1]. */
export interface ChannelStatistics {
  readonly mean: Channels;
  readonly std: Channels;
}

/**
 * Mean and population standard deviation of each channel over all pixels, scaled to [0, 1]. Sums are
 * of whole numbers and therefore exact: the same images give the same figures on every machine. A
 * channel without any variation gets the standard deviation 1, so that it can be divided by.
 */
export function channelStatistics({ images }: ImageSplit): ChannelStatistics {
  const counts = new Float64Array(3 * 256);
  for (let i = 0; i < images.length; i++) {
    const cell = (i % 3) * 256 + (images[i] ?? 0);
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  const red = describe(counts.subarray(0, 256));
  const green = describe(counts.subarray(256, 512));
  const blue = describe(counts.subarray(512));
  return { mean: [red.mean, green.mean, blue.mean], std: [red.std, green.std, blue.std] };
}

interface Moments {
  readonly mean: number;
  readonly std: number;
}

function describe(counts: Float64Array): Moments {
  let count = 0;
  let sum = 0;
  let squares = 0;
  counts.forEach((occurrences, value) => {
    count += occurrences;
    sum += occurrences * value;
    squares += occurrences * value * value;
  });
  const mean = sum / count;
  const variance = squares / count - mean * mean;
  return { mean: mean / 255, std: variance > 0 ? Math.sqrt(variance) / 255 : 1 };
}

/**
 * SHA-256 over everything a data set holds: a line of JSON (classes, height, width, counts, and the
 * normalisation where one is given), then the pixels and the labels (32-bit, little-endian) of the train
 * split, then of the test split.
 *
 * @param normalisation the figures that the images are normalised by, where these do not follow from the
 *   images themselves
 */
export function hashDataset(
  {
    classes,
    height,
    width,
    train,
    test,
  }: Pick<ImageDataset, 'classes' | 'height' | 'width' | 'train' | 'test'>,
  normalisation?: ChannelStatistics,
): string {
  const header = {
    ...{ classes, height, width, train: train.count, test: test.count },
    ...(normalisation
      ? { normalisation: { mean: normalisation.mean, std: normalisation.std } }
      : {}),
  };
  const hash = createHash('sha256').update(`${JSON.stringify(header)}\n`);
  for (const { images, labels } of [train, test]) {
    hash.update(images);
    hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
  }
  return hash.digest('hex');
}

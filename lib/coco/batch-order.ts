import { epochOrder } from '../data/batches';
import { random } from '../engine/random';
import type { CocoDataset } from './data';

/** One image of a training batch before it is decoded. */
export interface DrawnImage {
  /** Its place in `CocoDataset.entries`. */
  readonly entry: number;
  /** How many images were drawn before it since the start of training: it names its random numbers. */
  readonly sample: number;
}

/**
 * Endless batches of training images in random order, each of wide images only or of tall ones only, so
 * that little of a batch is padding. What of an epoch fills no batch waits for the next epoch, as in
 * detectron2's `AspectRatioGroupedDataset`.
 */
export function* batchOrder(
  { entries, training }: Pick<CocoDataset, 'entries' | 'training'>,
  { seed, batchSize }: { readonly seed: number; readonly batchSize: number },
): Generator<readonly DrawnImage[], never> {
  const waiting: Record<'wide' | 'tall', DrawnImage[]> = { wide: [], tall: [] };
  let sample = 0;
  for (let epoch = 1; ; epoch++) {
    const { uniform } = random(seed, 'coco', 'order', epoch);
    for (const place of epochOrder(training.length, uniform)) {
      const entry = training[place] ?? 0;
      const { width = 0, height = 0 } = entries[entry] ?? {};
      const kind = width > height ? 'wide' : 'tall';
      waiting[kind].push({ entry, sample });
      sample++;
      if (waiting[kind].length < batchSize) continue;
      yield waiting[kind];
      waiting[kind] = [];
    }
  }
}

import { random } from '../engine/random';
import { LabError } from '../errors';
import { assembleBatch, type BatchPart } from './assemble-batch';
import { batchOrder, type DrawnImage } from './batch-order';
import type {
  CocoBatchOptions,
  CocoDataset,
  CocoEntry,
  CocoEvaluationOptions,
  DetectionBatch,
} from './data';
import { prefetched } from './prefetch';
import { resizedSize } from './resize';

/** Batches that are decoded while the detector computes. */
const defaultPrefetch = 2;

/**
 * Training batches without end, as detectron2 makes them: images with at least one object in random
 * order, of similar shape together, resized by their shorter side, mirrored, padded with zeros after
 * normalising. The same seed gives the same bytes, wherever one starts.
 *
 * @throws LabError of kind `option` for a faulty option; of kind `data`, from the iteration, when an image
 * cannot be decoded.
 */
export function cocoBatches(
  dataset: CocoDataset,
  options: CocoBatchOptions,
): AsyncGenerator<DetectionBatch, void, undefined> {
  const { batchSize, shortSides, longest, firstBatch = 0 } = options;
  requireSizes({ 'batch size': [batchSize], 'short side': shortSides, 'longest side': [longest] });
  return prefetched(trainingJobs(dataset, options, firstBatch), aheadOf(options));
}

/** Every image once, in the file's order, resized and not mirrored; the last batch may be short. */
export function cocoEvaluationBatches(
  dataset: CocoDataset,
  options: CocoEvaluationOptions,
): AsyncGenerator<DetectionBatch, void, undefined> {
  const { batchSize, shortSide, longest } = options;
  requireSizes({ 'batch size': [batchSize], 'short side': [shortSide], 'longest side': [longest] });
  return prefetched(evaluationJobs(dataset, options), aheadOf(options));
}

type Job = () => Promise<DetectionBatch>;

function* trainingJobs(
  dataset: CocoDataset,
  options: CocoBatchOptions,
  firstBatch: number,
): Generator<Job, void> {
  let number = 0;
  for (const drawn of batchOrder(dataset, options)) {
    if (number++ < firstBatch) continue;
    const parts = drawn.map((image) => trainingPart(dataset, image, options));
    yield () => assembleBatch(dataset, parts, options.pixels);
  }
}

function* evaluationJobs(
  dataset: CocoDataset,
  { batchSize, shortSide, longest, pixels }: CocoEvaluationOptions,
): Generator<Job, void> {
  for (let first = 0; first < dataset.entries.length; first += batchSize) {
    const parts = dataset.entries.slice(first, first + batchSize).map((entry) => ({
      entry,
      size: resizedSize(entry, shortSide, longest),
      mirrored: false,
    }));
    yield () => assembleBatch(dataset, parts, pixels);
  }
}

/** Two draws an image, in this order: the short side, the mirror. */
function trainingPart(
  { entries }: CocoDataset,
  { entry: place, sample }: DrawnImage,
  { seed, shortSides, longest, flip }: CocoBatchOptions,
): BatchPart {
  const entry: CocoEntry | undefined = entries[place];
  if (entry === undefined) throw new RangeError(`image ${place} of ${entries.length}`);
  const { integer, uniform } = random(seed, 'coco', 'image', sample);
  const shortSide = shortSides[integer(shortSides.length)] ?? 0;
  return { entry, size: resizedSize(entry, shortSide, longest), mirrored: uniform() < 0.5 && flip };
}

function aheadOf({ prefetch = defaultPrefetch }: { readonly prefetch?: number }): number {
  return prefetch;
}

function requireSizes(sizes: Readonly<Record<string, readonly number[]>>): void {
  for (const [name, values] of Object.entries(sizes)) {
    if (values.length > 0 && values.every((value) => Number.isSafeInteger(value) && value >= 1)) {
      continue;
    }
    throw new LabError({
      kind: 'option',
      what: `the ${name} is not a whole number of at least 1`,
      found: values.length === 0 ? 'none' : values.join(', '),
      remedy: 'detectron2 has batches of 16, short sides of 640 to 800 and 1333 for the longest',
    });
  }
}

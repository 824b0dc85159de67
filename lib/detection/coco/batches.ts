import { epochOrder } from '../../data/batches';
import { random } from '../../engine/random';
import { optionError } from '../../errors';
import type { ImageSize } from '../boxes';
import type {
  CocoBatchOptions,
  CocoDataset,
  CocoEntry,
  CocoEvaluationOptions,
  DecodedImage,
  DetectionBatch,
  PixelForm,
} from './data';
import { resizedBoxes, resizedSize } from './images';

/**
 * Runs up to `ahead` jobs before their results are asked for, and gives the results in order. A job that
 * fails throws when its turn comes.
 */
async function* prefetched<Result>(
  jobs: Iterator<() => Promise<Result>>,
  ahead: number,
): AsyncGenerator<Result, void, undefined> {
  const running: Promise<Result>[] = [];
  const start = (): void => {
    const { value, done } = jobs.next();
    if (done) return;
    const result = value();
    // Its fault is thrown when it is awaited below, which may be never.
    result.catch(() => undefined);
    running.push(result);
  };
  for (let count = 0; count <= ahead; count++) start();
  for (let next = running.shift(); next !== undefined; next = running.shift()) {
    const result = await next;
    start();
    yield result;
  }
}

/** One image of a training batch before it is decoded. */
interface DrawnImage {
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
    for (const index of epochOrder(training.length, uniform)) {
      const entry = training[index] ?? 0;
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

/** An image of a batch, and what becomes of it. */
interface BatchPart {
  readonly entry: CocoEntry;
  readonly size: ImageSize;
  readonly mirrored: boolean;
}

/** Sides of a batch are multiples of this, so that each level of a feature pyramid halves the last. */
const divisor = 32;

/** Decodes the images of a batch at once and writes them, normalised, into one array. */
async function assembleBatch(
  dataset: CocoDataset,
  parts: readonly BatchPart[],
  pixels: PixelForm,
): Promise<DetectionBatch> {
  const height = paddedTo(parts.map(({ size }) => size.height));
  const width = paddedTo(parts.map(({ size }) => size.width));
  const images = new Float32Array(parts.length * height * width * 3);
  const tables = normalisedBytes(pixels);
  await Promise.all(
    parts.map(async ({ entry, size, mirrored }, index) => {
      const decoded = await dataset.decode(entry, size);
      const target = images.subarray(index * height * width * 3, (index + 1) * height * width * 3);
      writePixels(target, width, decoded, { mirrored, order: pixels.order, tables });
    }),
  );
  const items = parts.map(({ entry, size, mirrored }) => ({
    imageId: entry.id,
    ...size,
    originalHeight: entry.height,
    originalWidth: entry.width,
    scale: { x: size.width / entry.width, y: size.height / entry.height },
    boxes: resizedBoxes(entry, size, mirrored),
    labels: entry.labels.slice(),
  }));
  return { images, height, width, items };
}

function paddedTo(sides: readonly number[]): number {
  return Math.ceil(Math.max(...sides) / divisor) * divisor;
}

function writePixels(
  target: Float32Array,
  targetWidth: number,
  { pixels, width, height }: DecodedImage,
  how: Pick<BatchPart, 'mirrored'> & Pick<PixelForm, 'order'> & { readonly tables: ByteTables },
): void {
  const [first, second, third] = how.tables;
  const swap = how.order === 'bgr' ? 2 : 0;
  const step = how.mirrored ? -3 : 3;
  for (let y = 0; y < height; y++) {
    let write = 3 * (y * targetWidth + (how.mirrored ? width - 1 : 0));
    const end = 3 * (y + 1) * width;
    for (let read = 3 * y * width; read < end; read += 3, write += step) {
      target[write] = first[pixels[read + swap] ?? 0] ?? 0;
      target[write + 1] = second[pixels[read + 1] ?? 0] ?? 0;
      target[write + 2] = third[pixels[read + 2 - swap] ?? 0] ?? 0;
    }
  }
}

/** `(value − mean) / std` of every byte, for each channel in the order of the batch. */
type ByteTables = readonly [Float32Array, Float32Array, Float32Array];

function normalisedBytes({ mean, std }: PixelForm): ByteTables {
  const table = (channel: 0 | 1 | 2): Float32Array =>
    Float32Array.from({ length: 256 }, (_, value) => (value - mean[channel]) / std[channel]);
  return [table(0), table(1), table(2)];
}

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
  const { batchSize, shortSides, longest, firstBatch = 0, prefetch = defaultPrefetch } = options;
  requireSizes({ 'batch size': [batchSize], 'short side': shortSides, 'longest side': [longest] });
  requirePrefetch(prefetch);
  return prefetched(trainingJobs(dataset, options, firstBatch), prefetch);
}

/** Every image once, in the file's order, resized and not mirrored; the last batch may be short. */
export function cocoEvaluationBatches(
  dataset: CocoDataset,
  options: CocoEvaluationOptions,
): AsyncGenerator<DetectionBatch, void, undefined> {
  const { batchSize, shortSide, longest, prefetch = defaultPrefetch } = options;
  requireSizes({ 'batch size': [batchSize], 'short side': [shortSide], 'longest side': [longest] });
  requirePrefetch(prefetch);
  return prefetched(evaluationJobs(dataset, options), prefetch);
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

function requireSizes(sizes: Readonly<Record<string, readonly number[]>>): void {
  for (const [name, values] of Object.entries(sizes)) {
    if (values.length > 0 && values.every((value) => Number.isSafeInteger(value) && value >= 1)) {
      continue;
    }
    throw optionError`the ${name} is not a whole number of at least 1: found ${values.length === 0 ? 'none' : values.join(', ')}. detectron2 has batches of 16, short sides of 640 to 800 and 1333 for the longest`;
  }
}

/** With fewer than none there would be no batch at all. */
function requirePrefetch(prefetch: number): void {
  if (Number.isSafeInteger(prefetch) && prefetch >= 0) return;
  throw optionError`the batches that are decoded ahead are no whole number from 0 on (prefetch): found ${prefetch}. Give 0 to decode none before it is asked for, or leave it out`;
}

import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { errorCode } from '../../files';
import type { BatchMix, DrawnBatch, ImageForm, PixelSplit } from '../batches';
import { type Box, type ImageSize, type Pixels, wholeOf } from '../resample';
import {
  decodePixels,
  endOfJpeg,
  type EvaluationPreprocessing,
  findFault,
  type ImageHeader,
  readImageHeader,
} from './decode';

/**
 * Decoded images that threads share, packed one after the other: a data set that fits is decoded in its
 * first epoch only. Images that do not fit are decoded each time.
 */
interface PixelCache {
  /** Of all images, in RGB; memory is taken as they are written. */
  readonly pixels: Uint8Array<SharedArrayBuffer>;
  /** Where each image begins, −1 for those that do not fit. */
  readonly offsets: Float64Array<SharedArrayBuffer>;
  /** Width and height of each image. */
  readonly sizes: Int32Array<SharedArrayBuffer>;
  /** Of each image one of the states below. */
  readonly states: Int32Array<SharedArrayBuffer>;
}

const empty = 0;
const beingWritten = 1;
const written = 2;

const channels = 3;

/** A decoded image and the part of it that is wanted. */
export interface DecodedPart {
  readonly pixels: Pixels;
  readonly box: Box;
}

/**
 * Makes room for images, the first ones first, up to so many bytes.
 *
 * @returns undefined when there is room for none.
 */
export function pixelCache(sizes: readonly ImageSize[], mostBytes: number): PixelCache | undefined {
  let bytes = 0;
  const offsets = new Float64Array(
    new SharedArrayBuffer(sizes.length * Float64Array.BYTES_PER_ELEMENT),
  );
  sizes.forEach(({ width, height }, index) => {
    const own = width * height * channels;
    const fits = bytes + own <= mostBytes;
    offsets[index] = fits ? bytes : -1;
    if (fits) bytes += own;
  });
  if (bytes === 0) return undefined;
  const sides = sharedIntegers(2 * sizes.length);
  sides.set(sizes.flatMap(({ width, height }) => [width, height]));
  return {
    pixels: new Uint8Array(new SharedArrayBuffer(bytes)),
    offsets,
    sizes: sides,
    states: sharedIntegers(sizes.length),
  };
}

/** How many images have room, and how many bytes that is. */
export function roomOf({ pixels, offsets }: PixelCache): { images: number; bytes: number } {
  return { images: offsets.filter((offset) => offset >= 0).length, bytes: pixels.length };
}

/**
 * An image from the cache, or decoded and then kept there. What it gives is the same to the byte either
 * way.
 *
 * @param index which of the cache's images it is.
 * @param boxOf chooses the part from the size of the image.
 * @throws LabError as `decodePixels` does.
 */
export async function cachedPixels(
  cache: PixelCache | undefined,
  index: number,
  file: string,
  boxOf: (size: ImageSize) => Box = wholeOf,
): Promise<DecodedPart> {
  const offset = cache?.offsets[index] ?? -1;
  if (cache === undefined || offset < 0) {
    const pixels = await decodePixels(file, boxOf);
    return { pixels, box: wholeOf(pixels) };
  }
  const size = { width: cache.sizes[2 * index] ?? 0, height: cache.sizes[2 * index + 1] ?? 0 };
  const length = size.width * size.height * channels;
  if (Atomics.load(cache.states, index) === written) {
    const pixels = { data: cache.pixels.subarray(offset, offset + length), ...size };
    return { pixels, box: boxOf(pixels) };
  }
  const pixels = await decodePixels(file);
  // A file that has changed since it was looked at has no room.
  const asExpected = pixels.data.length === length && pixels.width === size.width;
  const mine = Atomics.compareExchange(cache.states, index, empty, beingWritten) === empty;
  if (asExpected && mine) {
    cache.pixels.set(pixels.data, offset);
    Atomics.store(cache.states, index, written);
  }
  return { pixels, box: boxOf(pixels) };
}

function sharedIntegers(length: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}

/** What a quick look at a file told. */
export type FileReport = ImageHeader | { readonly fault: string };

/** Enough for the headers of nearly every file. */
const firstBytes = 16_384;
const endOfPng = Buffer.from('IEND\xae\x42\x60\x82', 'latin1');

/**
 * Looks at the beginnings and the ends of files: format, size, kind of colours, and the mark that ends a
 * JPEG or PNG. A file that does not end as it should, or whose header is longer, is decoded to be sure.
 */
export async function checkFiles(files: readonly string[]): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  const start = Buffer.alloc(firstBytes);
  for (const file of files) reports.push(await checkFile(file, start));
  return reports;
}

async function checkFile(file: string, start: Buffer): Promise<FileReport> {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    return { fault: errorCode(error) === 'ENOENT' ? 'no such file' : String(error) };
  }
  try {
    const read = readSync(descriptor, start, 0, firstBytes, 0);
    if (read === 0) return { fault: 'an empty file' };
    const short = start.subarray(0, read);
    const header = readImageHeader(short);
    if (header !== undefined && endsWell(descriptor, header.format, short)) return header;
    const bytes = readFileSync(file);
    const fault = await findFault(bytes);
    const whole = readImageHeader(bytes);
    return fault === undefined && whole !== undefined ? whole : { fault: fault ?? 'no image' };
  } catch (error) {
    return { fault: String(error) };
  } finally {
    closeSync(descriptor);
  }
}

/** Whether the last bytes are the mark that ends the format. */
function endsWell(descriptor: number, format: ImageHeader['format'], start: Buffer): boolean {
  const mark = format === 'jpeg' ? endOfJpeg : endOfPng;
  const end = start.length < firstBytes ? start : lastBytes(descriptor);
  return end.subarray(-mark.length).equals(mark);
}

function lastBytes(descriptor: number): Buffer {
  const end = Buffer.alloc(endOfPng.length);
  readSync(descriptor, end, 0, end.length, fstatSync(descriptor).size - end.length);
  return end;
}

/** Per-channel mean and standard deviation by which pixels scaled to [0, 1] are normalised. */
export interface Normalisation {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Mean and standard deviation of ImageNet's channels, as every published network of it takes them. */
export const imagenetNormalisation: Normalisation = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** A batch of training images. */
export interface TrainingJob {
  readonly kind: 'training';
  readonly files: readonly string[];
  /** Where in the train split each image lies: with seed and epoch it names what is drawn for it. */
  readonly indices: Int32Array;
  readonly seed: number;
  readonly epoch: number;
  /** Which batch of the epoch. */
  readonly batch: number;
  readonly augmentation: string;
  /** Side of the square images. */
  readonly size: number;
  readonly normalisation: Normalisation;
  /** Holds the images of the train split from its first place on. */
  readonly cache?: PixelCache | undefined;
}

/** A batch of images as they are evaluated. */
export interface EvaluationJob {
  readonly kind: 'evaluation';
  readonly files: readonly string[];
  readonly preprocessing: EvaluationPreprocessing;
  readonly normalisation: Normalisation;
  readonly cache?: PixelCache | undefined;
  /** Where in the cache the first of the files is. */
  readonly firstPlace?: number;
}

/** A batch of images that lie in memory; in memory that threads share, they are not copied. */
export interface DrawnJob {
  readonly kind: 'drawn';
  readonly form: ImageForm;
  readonly split: PixelSplit;
  readonly batch: DrawnBatch;
}

/** Files whose headers and ends are to be looked at. */
export interface CheckJob {
  readonly kind: 'check';
  readonly files: readonly string[];
}

export type Job = TrainingJob | EvaluationJob | DrawnJob | CheckJob;

/** What comes of each kind of job. */
export interface JobResults {
  readonly training: { readonly images: Float32Array<ArrayBuffer>; readonly mix?: BatchMix };
  readonly evaluation: { readonly images: Float32Array<ArrayBuffer> };
  readonly drawn: { readonly images: Float32Array<ArrayBuffer> };
  readonly check: { readonly reports: readonly FileReport[] };
}

export type ResultOf<J extends Job> = JobResults[J['kind']];

/**
 * Runs jobs with up to `ahead` of them under way and gives their results in the jobs' own order. A
 * consumer that is slower than the jobs holds them back; one that stops early leaves at most `ahead`
 * results that nobody takes.
 */
export async function* inOrder<Item, Result>(
  jobs: Iterable<Item>,
  run: (job: Item) => Promise<Result>,
  ahead: number,
): AsyncGenerator<Result> {
  const iterator = jobs[Symbol.iterator]();
  const underWay: Promise<Result>[] = [];
  const fill = (): void => {
    while (underWay.length < ahead) {
      const { value, done } = iterator.next();
      if (done === true) return;
      const result = run(value);
      // Told to the consumer when its turn comes, if it comes.
      result.catch(() => undefined);
      underWay.push(result);
    }
  };
  fill();
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    const result = await next;
    fill();
    yield result;
  }
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { median } from 'simple-statistics';
import { z } from 'zod';
import { trainBatchCount } from '../data/batches';
import type { FileCounts } from '../data/imagenet/check-folder';
import { imageFolderSource, type ImageFolderSource } from '../data/imagenet/source';
import { startEngine } from '../engine/load';
import { random } from '../engine/random';
import { optionError } from '../errors';
import { inTemporaryFolder } from '../processes';
import type { OnBenchProgress } from './step';
import { startPython } from './torch';

interface TorchLoaderOptions {
  /** A Python that has PyTorch and torchvision. */
  readonly python: string;
  /** The image folder. */
  readonly data: string;
  readonly size: number;
  readonly batch: number;
  readonly workers: number;
  /** How many images a pass has. */
  readonly images: number;
}

const greetingSchema = z.object({ torch: z.string(), torchvision: z.string() });
const faultSchema = z.object({ error: z.literal('no torchvision'), detail: z.string() });
const passSchema = z.object({ images: z.number(), seconds: z.number(), memoryMiB: z.number() });

/** PyTorch's DataLoader over torchvision's ImageFolder, running. */
interface TorchLoader {
  /** `PyTorch 2.9.1, torchvision 0.24.1`. */
  readonly version: string;
  /** Loads every image once; the memory is that of all its processes. */
  readonly pass: () => Promise<z.infer<typeof passSchema>>;
  readonly stop: () => void;
}

/**
 * Starts a DataLoader in a process of its own.
 *
 * @throws LabError of kind `option` when Python or torchvision is not there, `engine` when it fails.
 */
async function startTorchLoader({ python, ...settings }: TorchLoaderOptions): Promise<TorchLoader> {
  const loader = startPython(python, 'torch_loader.py', settings, 'loading images in PyTorch');
  try {
    const greeting = await loader.next(z.union([faultSchema, greetingSchema]));
    if ('error' in greeting) {
      throw optionError`this Python has no torchvision (--torch ${python}): found ${greeting.detail}. Install it (${python} -m pip install torch torchvision), or give another Python`;
    }
    return {
      version: `PyTorch ${greeting.torch}, torchvision ${greeting.torchvision}`,
      pass() {
        loader.write('pass');
        return loader.next(passSchema);
      },
      stop: loader.stop,
    };
  } catch (error) {
    loader.stop();
    throw error;
  }
}

interface DecodingBenchmarkOptions {
  /** An image folder. */
  readonly data: string;
  /** Numbers of threads, or processes of the DataLoader, that are tried one after the other. */
  readonly workers: readonly number[];
  /** Side of the images. */
  readonly size: number;
  readonly batch: number;
  /** Batches in a pass; fewer where the folder has fewer. */
  readonly iterations: number;
  readonly rounds: number;
  readonly skipCorrupt: boolean;
  /** Decoded images are kept in memory, as training keeps them: all passes but the first find them there. */
  readonly cached?: boolean;
  /** Default: random crop and flip, the only one that is compared with PyTorch. */
  readonly augmentation?: string;
  /** A Python with PyTorch and torchvision. */
  readonly python?: string;
  readonly onProgress?: OnBenchProgress;
}

/** One number of workers: medians over the rounds. */
interface DecodingRate {
  readonly workers: number;
  readonly imagesPerSecond: number;
  /** Of each round. */
  readonly rounds: readonly number[];
  /** Of this process, which decodes in threads, after the passes. */
  readonly memoryMiB: number;
  readonly torch?: {
    readonly imagesPerSecond: number;
    readonly rounds: readonly number[];
    /** Of all its processes. */
    readonly memoryMiB: number;
    /** Median of ours divided by PyTorch's in the same round: above 1 this package is the faster one. */
    readonly ratio: number;
  };
}

export interface DecodingBenchmark {
  readonly images: number;
  readonly counts: FileCounts;
  /** Of a pass. */
  readonly passImages: number;
  readonly rates: readonly DecodingRate[];
  /** `PyTorch 2.9.1, torchvision 0.24.1`. */
  readonly torchVersion?: string;
}

/**
 * Times reading, decoding, random resized crop, flip and normalisation of training images, in batches, as
 * they reach the trainer; with `python` in turn with PyTorch's DataLoader over the same folder.
 *
 * @throws LabError for a faulty folder, and when PyTorch fails.
 */
export async function benchmarkDecoding(
  options: DecodingBenchmarkOptions,
): Promise<DecodingBenchmark> {
  // As in a training: the decoder of JPEGs comes with it.
  await startEngine();
  const rates: DecodingRate[] = [];
  let described: Omit<DecodingBenchmark, 'rates'> = { images: 0, counts: noFiles, passImages: 0 };
  for (const workers of options.workers) {
    const { data, size, skipCorrupt, cached = false } = options;
    const source = await imageFolderSource({
      root: data,
      trainSize: size,
      workers,
      skipCorrupt,
      ...(cached ? {} : { cacheBytes: 0 }),
    });
    try {
      const passImages = imagesOfPass(source, options);
      const { rate, ...versions } = await measure(source, passImages, options);
      described = { images: source.train.count, counts: source.counts, passImages, ...versions };
      rates.push(rate);
    } finally {
      await source.dispose();
    }
  }
  const { torchVersion, ...others } = described;
  return { ...others, rates, torchVersion };
}

/** Side lengths and number of made-up images; ImageNet's are 400 × 350 pixels and 110 KB in the mean. */
const madeUp = { width: 500, height: 375, train: 320, quality: 96 };

/** The same over images that are made up for it. */
export function benchmarkMadeUp(options: DecodingBenchmarkOptions): Promise<DecodingBenchmark> {
  return inTemporaryFolder('images', async (folder) => {
    await makeImages(folder);
    return benchmarkDecoding({ ...options, data: folder });
  });
}

/** Smooth noise of several sizes, which compresses about as photographs do. */
async function makeImages(folder: string): Promise<void> {
  const { width, height, train, quality } = madeUp;
  const { integer } = random(0, 'benchmark', 'images');
  const noise = (side: number): sharp.Sharp =>
    sharp(
      Uint8Array.from({ length: side * side * 3 }, () => integer(256)),
      {
        raw: { width: side, height: side, channels: 3 },
      },
    ).resize(width, height, { fit: 'fill', kernel: 'cubic' });
  for (let index = 0; index < train + 2; index++) {
    const part = index < train ? 'train' : 'val';
    const at = join(folder, part, `class-${index % 2}`);
    mkdirSync(at, { recursive: true });
    const fine = await noise(96).ensureAlpha(0.4).png({ compressionLevel: 0 }).toBuffer();
    await noise(7)
      .composite([{ input: fine }])
      .jpeg({ quality })
      .toFile(join(at, `${index}.jpg`));
  }
}

const noFiles: FileCounts = { jpeg: 0, png: 0, grey: 0, cmyk: 0, misnamed: 0, turned: 0 };

async function measure(
  source: ImageFolderSource,
  passImages: number,
  { data, size, batch, rounds, python, cached, augmentation, onProgress }: DecodingBenchmarkOptions,
): Promise<{ rate: DecodingRate; torchVersion?: string }> {
  const { workers } = source;
  const torch =
    python === undefined
      ? undefined
      : await startTorchLoader({ python, data, size, batch, workers, images: passImages });
  try {
    const ours: number[] = [];
    const theirs: number[] = [];
    let torchMemory = 0;
    // The first pass starts processes and compiles code.
    for (let round = -1; round < rounds; round++) {
      onProgress?.(`${workers} workers, pass`, round + 1, rounds + 1);
      // It also fills the memory of decoded images.
      const images = cached && round < 0 ? source.train.count : passImages;
      const rate = await ownRate(source, images, { batch, epoch: round + 1, augmentation });
      const rival = await torch?.pass();
      if (round < 0) continue;
      ours.push(rate);
      if (rival === undefined) continue;
      theirs.push(rival.images / rival.seconds);
      torchMemory = Math.max(torchMemory, rival.memoryMiB);
    }
    const rate = {
      workers,
      imagesPerSecond: median(ours),
      rounds: ours,
      memoryMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    };
    if (torch === undefined) return { rate };
    const ratio = median(ours.map((each, round) => each / (theirs[round] ?? NaN)));
    const rival = { imagesPerSecond: median(theirs), rounds: theirs, memoryMiB: torchMemory };
    return { rate: { ...rate, torch: { ...rival, ratio } }, torchVersion: torch.version };
  } finally {
    torch?.stop();
  }
}

/** Images a second over one pass, from asking for the first batch to having the last. */
async function ownRate(
  source: ImageFolderSource,
  passImages: number,
  {
    batch,
    epoch,
    augmentation = 'resized-crop-flip',
  }: { batch: number; epoch: number; augmentation?: string | undefined },
): Promise<number> {
  const batches = trainBatchCount(source.train.count, { batchSize: batch });
  const firstBatch = batches - Math.ceil(passImages / batch);
  const request = { seed: 0, epoch, firstBatch, batchSize: batch, augmentation };
  const started = performance.now();
  let images = 0;
  for await (const { count } of source.trainingBatches(request)) images += count;
  return (1000 * images) / (performance.now() - started);
}

function imagesOfPass(
  { train }: ImageFolderSource,
  { batch, iterations }: DecodingBenchmarkOptions,
): number {
  const batches = Math.min(iterations, trainBatchCount(train.count, { batchSize: batch }));
  return Math.min(train.count, batches * batch);
}

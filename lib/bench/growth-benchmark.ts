import * as tf from '@tensorflow/tfjs';
import { median } from 'simple-statistics';
import type { ImageDataset, ImageSplit } from '../data/source';
import { computeClassMeans } from '../distill/class-means';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import { directionInfoNceLoss, dkdLoss, kdLoss, normDirectionLoss } from '../losses';
import { asModel, type Model } from '../nn/model';
import { ModelState } from '../nn/state';
import { cifarSetting, createBenchStep, type OnBenchProgress, timeEach, timeOnce } from './step';

/** What a growing cost is measured over. */
type GrowthAxis = 'images' | 'pixels' | 'classes';

/** One size of a series. */
interface GrowthPoint {
  readonly size: number;
  /** Median: what every other call takes memory anew for belongs to it. */
  readonly ms: number;
  /** The most that its tensors held at once, on top of weights and inputs. */
  readonly mebibytes: number;
}

/** One cost over sizes, each some times the one before. */
export interface Growth {
  readonly what: string;
  readonly over: GrowthAxis;
  readonly points: readonly GrowthPoint[];
  /** The power of the size with which it may grow: 1 in proportion, 0 not at all. */
  readonly allowed: number;
  /** The powers with which time and memory grow from the last but one size to the last. */
  readonly power: Readonly<Record<'time' | 'memory', number>>;
}

export interface GrowthOptions {
  readonly teacher: string;
  readonly student: string;
  /** Of steps over pixels, and of losses. */
  readonly batch: number;
  readonly iterations: number;
  /** Those that are tried; the whole sizes of the issue unless given. */
  readonly sizes?: Readonly<Record<GrowthAxis, readonly number[]>>;
  readonly onProgress?: OnBenchProgress;
}

/** Images of a batch, sides of images, and classes, of which ImageNet-21k has the most. */
const wholeSizes = {
  images: [16, 32, 64, 128, 256],
  pixels: [32, 64, 128].map((side) => side ** 2),
  classes: [100, 1000, 10_000, 21_841],
} as const satisfies Required<GrowthOptions>['sizes'];

/** Of the class means: a ResNet50's embedding. */
const dimension = 2048;

/** A piece of work at one size. */
interface Work {
  readonly run: () => unknown;
  /** The same without functions of TensorFlow, whose tensors cannot be counted. */
  readonly counted?: () => unknown;
  readonly dispose: () => void;
}

interface Grown {
  readonly what: string;
  readonly over: GrowthAxis;
  readonly allowed: number;
  readonly at: (size: number) => Work;
}

/** Times a step, losses over the classes and class means at growing sizes, and counts what their tensors hold. */
export async function benchmarkGrowth(options: GrowthOptions): Promise<Growth[]> {
  const { sizes = wholeSizes, iterations, onProgress } = options;
  const grown = grownBy(options);
  const found: Growth[] = [];
  for (const { what, over, allowed, at } of grown) {
    onProgress?.(what, found.length, grown.length);
    const points: GrowthPoint[] = [];
    for (const size of sizes[over]) points.push(await pointAt(size, at(size), iterations));
    found.push({ ...{ what, over, allowed, points }, power: powersOf(points) });
  }
  return found;
}

/** Steps before a network's passes are functions, and one more. */
const untimed = 5;

async function pointAt(
  size: number,
  { run, counted = run, dispose }: Work,
  iterations: number,
): Promise<GrowthPoint> {
  try {
    const first = timeOnce(run);
    // A call of many seconds is as long the second time.
    const isLong = first > 5000;
    timeEach(run, isLong ? 0 : untimed);
    const times = isLong ? [first] : timeEach(run, iterations);
    const before = tf.memory().numBytes;
    const { kernels } = await tf.profile(() => void counted());
    const peak = Math.max(before, ...kernels.map(({ totalBytesSnapshot }) => totalBytesSnapshot));
    return { size, ms: median(times), mebibytes: (peak - before) / 2 ** 20 };
  } finally {
    dispose();
  }
}

/** The powers between the last two sizes; NaN with fewer. */
export function powersOf(points: readonly GrowthPoint[]): Growth['power'] {
  const [before, last] = points.slice(-2);
  const power = (of: (point: GrowthPoint) => number): number =>
    before && last ? Math.log(of(last) / of(before)) / Math.log(last.size / before.size) : NaN;
  return { time: power(({ ms }) => ms), memory: power(({ mebibytes }) => mebibytes) };
}

/** Rounding, caches and a machine that is not quite still. */
const tolerated = 0.15;

/** Whether time or memory grow faster than they must. */
export function growsTooFast({ allowed, power }: Pick<Growth, 'allowed' | 'power'>): boolean {
  return Math.max(power.time, power.memory) > allowed + tolerated;
}

function grownBy({ teacher, student, batch }: GrowthOptions): readonly Grown[] {
  const step = (images: number, side: number): Work => {
    const settings = { teacher, student, batch: images, setting: { ...cifarSetting, size: side } };
    const timed = createBenchStep(settings);
    return {
      run: () => timed.whole(),
      counted: () => timed.profile(1),
      dispose: timed.dispose,
    };
  };
  const steps: readonly Grown[] = [
    {
      ...{ what: `step of ${teacher} → ${student}`, over: 'images', allowed: 1 },
      at: (images) => step(images, 32),
    },
    {
      ...{ what: `step of ${teacher} → ${student}`, over: 'pixels', allowed: 1 },
      at: (pixels) => step(Math.ceil(batch / 8), Math.sqrt(pixels)),
    },
  ];
  const losses: readonly Grown[] = [
    loss('KD', 'logits', batch, (logits, at) => kdLoss(logits, at.teacherLogits)),
    loss('DKD', 'logits', batch, (logits, at) => dkdLoss(logits, at.teacherLogits, at.labels)),
    loss('InfoNCE over class means', 'embedding', batch, (embedding, at) =>
      directionInfoNceLoss(embedding, at.labels, at.classMeans),
    ),
    // It looks at one class mean a sample.
    {
      ...loss('ND', 'embedding', batch, (embedding, at) =>
        normDirectionLoss(embedding, at.teacherEmbedding, at.labels, at.classMeans),
      ),
      allowed: 0,
    },
  ];
  const means: Grown = {
    ...{ what: 'class means, an image a class', over: 'classes', allowed: 1 },
    at: classMeansWork,
  };
  return [...steps, ...losses, means];
}

/** What losses are taken of. */
interface LossInputs extends Readonly<
  Record<'logits' | 'teacherLogits' | 'embedding' | 'teacherEmbedding' | 'classMeans', tf.Tensor2D>
> {
  readonly labels: tf.Tensor1D;
}

/** A loss and its gradient by one of the inputs. */
function loss(
  what: string,
  by: 'logits' | 'embedding',
  batch: number,
  value: (input: tf.Tensor2D, at: LossInputs) => tf.Scalar,
): Grown {
  const at = (classes: number): Work => {
    const inputs = {
      logits: tf.randomNormal<tf.Rank.R2>([batch, classes], 0, 1, 'float32', 1),
      teacherLogits: tf.randomNormal<tf.Rank.R2>([batch, classes], 0, 1, 'float32', 2),
      embedding: tf.randomNormal<tf.Rank.R2>([batch, dimension], 0, 1, 'float32', 3),
      teacherEmbedding: tf.randomNormal<tf.Rank.R2>([batch, dimension], 0, 1, 'float32', 4),
      classMeans: tf.randomUniform<tf.Rank.R2>([classes, dimension], 0, 1, 'float32', 5),
      labels: tf.tensor1d(
        Int32Array.from({ length: batch }, (_, index) => (7 * index) % classes),
        'int32',
      ),
    };
    const gradient = tf.grad((input: tf.Tensor) => value(input as tf.Tensor2D, inputs));
    return {
      run: () => tidied(() => void gradient(inputs[by]).dataSync()),
      dispose: () => tf.dispose({ ...inputs }),
    };
  };
  return { ...{ what, over: 'classes', allowed: 1 }, at };
}

/** Of a teacher that shows the image's first numbers, so that all time is that of the means. */
function classMeansWork(classes: number): Work {
  const side = 32;
  const teacher: Model = asModel({ name: 'image', classes, inputSize: side }, new ModelState(), {
    embeddingSize: dimension,
    forward: (images) => ({
      logits: tf.zeros([images.shape[0], 1]),
      embedding: tf.slice(
        tf.reshape(images, [images.shape[0], -1]),
        [0, 0],
        [-1, dimension],
      ) as tf.Tensor2D,
      ...{ features: [], preActivations: [] },
    }),
  });
  const draw = random(0, 'benchmark', 'images');
  const split: ImageSplit = {
    images: Uint8Array.from({ length: classes * side * side * 3 }, () => draw.integer(256)),
    labels: Int32Array.from({ length: classes }, (_, index) => index),
    count: classes,
  };
  const dataset: ImageDataset = {
    ...{ name: 'benchmark', hash: 'benchmark', height: side, width: side },
    classes: Array.from({ length: classes }, (_, index) => String(index)),
    ...{ train: split, test: split, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  };
  return {
    run: () => computeClassMeans(teacher, dataset, { teacherHash: '', augmented: false }),
    dispose: () => teacher.dispose(),
  };
}

import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { augmentBatch, type BatchSource, plainBatch, type TrainingBatch } from '../data/batches';
import type { ImageDataset } from '../data/source';
import { random } from '../engine/random';
import { tidied } from '../engine/tidy';
import {
  dataError,
  type ErrorTag,
  fileError,
  interruptedError,
  type LabError,
  modelError,
} from '../errors';
import { readSafetensors, writeSafetensors } from '../formats/safetensors';
import { requireLabelRange } from '../losses';
import type { Model } from '../nn/model';
import { featureAt, type FeaturePlace, featurePlaces, featureSize } from './term';

/** A teacher's mean embedding of each class over a training set, and what it is valid for. */
export interface ClassMeans {
  /** [classes × dimension], row-major. */
  readonly means: Float32Array;
  readonly classes: number;
  readonly dimension: number;
  /** Of the teacher's weights. */
  readonly teacherHash: string;
  readonly datasetHash: string;
  /** Whether the training augmentation was on. */
  readonly augmented: boolean;
  /** Where the features were taken; the embedding where it does not say. */
  readonly place?: FeaturePlace;
}

/** Whose class means, and over which views of the images. */
export interface ClassMeansOptions {
  readonly teacherHash: string;
  /** Of the embedding by default. */
  readonly place?: FeaturePlace;
  /** On in the paper's code (its default here); off gives the means of the images as they are. */
  readonly augmented?: boolean;
  readonly batchSize?: number;
  /** Of the augmentation. */
  readonly seed?: number;
  /** Told of the images that are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * c_k = (1 / |I_k|) · Σ_{j ∈ I_k} f^t_j: one pass of the teacher in evaluation mode over the training
 * set (paper, section 3). The paper's code rounds the means to four decimals; these are not rounded.
 *
 * @throws LabError of kind `data` when a class has no image.
 */
export function computeClassMeans(
  teacher: Model,
  dataset: ImageDataset,
  options: ClassMeansOptions,
): ClassMeans {
  const { teacherHash, place = 'embedding', augmented = true, onProgress } = options;
  const sums = classSums(teacher, dataset, place);
  let done = 0;
  for (const batch of batchesInMemory(dataset, options)) {
    sums.add(batch);
    onProgress?.((done += batch.count), dataset.train.count);
  }
  return sums.means({ teacherHash, augmented });
}

/** Each image once, in the order in which they lie. */
function* batchesInMemory(
  dataset: ImageDataset,
  { augmented = true, batchSize = 250, seed = 0 }: ClassMeansOptions,
): Generator<TrainingBatch> {
  const { train } = dataset;
  const numbers = 3 * dataset.height * dataset.width;
  const into = new Float32Array(Math.min(batchSize, train.count) * numbers);
  for (let start = 0; start < train.count; start += batchSize) {
    const count = Math.min(batchSize, train.count - start);
    const indices = Int32Array.from({ length: count }, (_, i) => start + i);
    const images = augmented
      ? augmentBatch(dataset, train, indices, random(seed, 'class means', start).uniform, { into })
      : plainBatch(dataset, train, indices, into);
    const labels = indices.map((index) => train.labels[index] ?? 0);
    yield { images, labels, indices, count };
  }
}

/**
 * The same with a pause after each batch, in which it can be interrupted; also over a source whose images are read
 * as they are needed. Of these only the sums lie in memory, a last batch of a single image is left out, as in
 * training, and the augmentation is that of the source, for `augmented` means; unmixed, since a mixed image has no
 * class.
 *
 * @throws LabError of kind `data` when a class has no image, or the augmentation mixes images; of kind `interrupted`
 *   after the signal.
 */
export async function computeClassMeansOver(
  teacher: Model,
  data: ImageDataset | BatchSource,
  options: ClassMeansOptions & {
    readonly augmentation?: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<ClassMeans> {
  const { teacherHash, place = 'embedding', augmented = true, onProgress, signal } = options;
  const { augmentation = 'resized-crop-flip', batchSize = 250, seed = 0 } = options;
  const sums = classSums(teacher, data, place);
  const total = data.train.count;
  const batches =
    'trainingBatches' in data
      ? data.trainingBatches({
          ...{ seed, epoch: 0, firstBatch: 0, batchSize: Math.min(batchSize, total) },
          augmentation: augmented ? augmentation : 'none',
        })
      : batchesInMemory(data, options);
  let done = 0;
  for await (const batch of batches) {
    // The passes are synchronous: without a pause no signal would get through.
    await setImmediate();
    if (signal?.aborted) {
      throw interruptedError`stopped after ${done} of ${total} images; class means are kept only when all are done. Run the same command again`;
    }
    if (batch.mix !== undefined) throw mixedImages(data.name, augmentation);
    sums.add(batch);
    onProgress?.((done += batch.count), total);
  }
  return sums.means({ teacherHash, augmented });
}

type Described = Pick<BatchSource, 'name' | 'classes' | 'hash' | 'height' | 'width'>;

/** The sums of a teacher's embeddings by class, as batches come. */
function classSums(
  teacher: Model,
  { name, classes, hash, height, width }: Described,
  layer: FeaturePlace,
): {
  add(batch: Pick<TrainingBatch, 'images' | 'labels' | 'count'>): void;
  means(of: Pick<ClassMeans, 'teacherHash' | 'augmented'>): ClassMeans;
} {
  const dimension = featureSize(teacher, layer);
  // The first image of a class lies where its mean will; its sum is begun by the second, which few of many classes have.
  const means = new Float32Array(classes.length * dimension);
  const sums: (Float64Array | undefined)[] = classes.map(() => undefined);
  const counts = new Int32Array(classes.length);
  return {
    add({ images, labels, count }) {
      requireLabelRange(labels, classes.length, `labels of ${name}`);
      const features = tidied(() => {
        const input = tf.tensor4d(images, [count, height, width, 3]);
        const output = teacher.forward(input, { training: false });
        return featureAt(output, layer).dataSync<'float32'>();
      });
      labels.forEach((label, row) => {
        const [own, from] = [label * dimension, row * dimension];
        const count = (counts[label] ?? 0) + 1;
        counts[label] = count;
        if (count === 2) sums[label] = Float64Array.from(means.subarray(own, own + dimension));
        const sum = sums[label];
        for (let j = 0; j < dimension; j++) {
          const value = features[from + j] ?? 0;
          if (sum) sum[j] = (sum[j] ?? 0) + value;
          // As a sum begins: −0 becomes 0.
          else means[own + j] = 0 + value;
        }
      });
    },
    means({ teacherHash, augmented }) {
      const empty = counts.indexOf(0);
      if (empty >= 0) throw emptyClass(name, classes[empty] ?? String(empty));
      sums.forEach((sum, label) => {
        const own = label * dimension;
        const count = counts[label] ?? NaN;
        // For thousands of classes several times as fast as `Float32Array.from`.
        if (sum) for (let j = 0; j < dimension; j++) means[own + j] = (sum[j] ?? 0) / count;
      });
      return {
        means,
        classes: classes.length,
        dimension,
        teacherHash,
        datasetHash: hash,
        augmented,
        ...elsewhere(layer),
      };
    },
  };
}

/** Means of the embedding say nothing of their place, as before others were known. */
function elsewhere(layer: FeaturePlace = 'embedding'): Pick<ClassMeans, 'place'> {
  return layer === 'embedding' ? {} : { place: layer };
}

function emptyClass(where: string, name: string): LabError {
  return dataError`a class has no training image, so it has no class mean (${where}): found class '${name}' without images. Give each class at least one training image, or leave the class out`;
}

function mixedImages(where: string, augmentation: string): LabError {
  return dataError`class means over mixed images would be of no class (${where}): found augmentation '${augmentation}'. Make them with an augmentation without mixup and cutmix`;
}

const metadataSchema = z.object({
  kind: z.literal('class means'),
  teacherHash: z.string(),
  datasetHash: z.string(),
  augmented: z.enum(['true', 'false']),
  place: z.enum(featurePlaces).optional(),
});

/** Writes class means with the hashes of their teacher and data set (safetensors). */
export function writeClassMeans(path: string, means: ClassMeans): void {
  writeSafetensors(
    path,
    new Map([['means', { shape: [means.classes, means.dimension], data: means.means }]]),
    {
      kind: 'class means',
      teacherHash: means.teacherHash,
      datasetHash: means.datasetHash,
      augmented: String(means.augmented),
      ...elsewhere(means.place),
    },
  );
}

/**
 * Reads what `writeClassMeans` wrote.
 *
 * @throws LabError of kind `file` when it is missing, broken or another kind of file.
 */
export function readClassMeans(path: string): ClassMeans {
  const { tensors, metadata } = readSafetensors(path);
  const parsed = metadataSchema.safeParse(metadata);
  const entry = tensors.get('means');
  const [classes = 0, dimension = 0, ...more] = entry?.shape ?? [];
  if (!parsed.success || !entry || classes < 1 || dimension < 1 || more.length > 0) {
    throw fileError`not a file of class means (${path}): found ${entry === undefined ? 'no means' : `means of shape [${entry.shape.join(', ')}]`}. Make one with \`npm run class-means\``;
  }
  const { teacherHash, datasetHash, augmented, place } = parsed.data;
  return {
    means: entry.data,
    classes,
    dimension,
    teacherHash,
    datasetHash,
    augmented: augmented === 'true',
    ...elsewhere(place),
  };
}

/**
 * Refuses class means that are not this teacher's over this data set.
 *
 * @throws LabError of kind `model` or `data` that says which of them differs.
 */
export function requireClassMeansOf(
  means: ClassMeans,
  expected: {
    teacherHash: string;
    dataset: Pick<BatchSource, 'name' | 'classes' | 'hash'>;
    dimension: number;
    place?: FeaturePlace;
  },
  where = 'class means',
): void {
  const { teacherHash, dataset, dimension, place = 'embedding' } = expected;
  const { place: own = 'embedding' } = means;
  const short = (hash: string): string => `${hash.slice(0, 12)}…`;
  const checks: readonly (readonly [fits: boolean, ErrorTag, what: string, found: string])[] = [
    [own === place, modelError, 'of another place', `the ${own} where the ${place} is needed`],
    [
      means.dimension === dimension,
      modelError,
      'of another dimension',
      `${means.dimension} where the teacher's ${place} has ${dimension}`,
    ],
    [
      means.classes === dataset.classes.length,
      dataError,
      'of another number of classes',
      `${means.classes} where ${dataset.name} has ${dataset.classes.length}`,
    ],
    [
      means.teacherHash === teacherHash,
      modelError,
      'of another teacher',
      `teacher ${short(means.teacherHash)}, expected ${short(teacherHash)}`,
    ],
    [
      means.datasetHash === dataset.hash,
      dataError,
      'over another data set',
      `data ${short(means.datasetHash)}, expected ${short(dataset.hash)}`,
    ],
  ];
  for (const [fits, error, what, found] of checks) {
    if (fits) continue;
    throw error`class means ${what} (${where}): found ${found}. Make them anew for this teacher and data set with \`npm run class-means\``;
  }
}

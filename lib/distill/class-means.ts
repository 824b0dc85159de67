import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { augmentBatch, plainBatch } from '../data/augment';
import type { ImageDataset } from '../data/types';
import { random } from '../engine/random';
import { tidied } from '../engine/tidied';
import { LabError } from '../errors';
import { readSafetensors, writeSafetensors } from '../formats/safetensors';
import type { Model } from '../nn/model';

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
}

export interface ClassMeansOptions {
  readonly teacherHash: string;
  /** On in the paper's code (its default here); off gives the means of the images as they are. */
  readonly augmented?: boolean;
  readonly batchSize?: number;
  /** Of the augmentation. */
  readonly seed?: number;
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
  { teacherHash, augmented = true, batchSize = 250, seed = 0, onProgress }: ClassMeansOptions,
): ClassMeans {
  const { train, classes } = dataset;
  const dimension = teacher.embeddingSize;
  const sums = new Float64Array(classes.length * dimension);
  const counts = new Int32Array(classes.length);
  for (let start = 0; start < train.count; start += batchSize) {
    const size = Math.min(batchSize, train.count - start);
    const indices = Int32Array.from({ length: size }, (_, i) => start + i);
    const images = augmented
      ? augmentBatch(dataset, train, indices, random(seed, 'class means', start).uniform)
      : plainBatch(dataset, train, indices);
    const embedding = embed(teacher, images, size, dataset);
    indices.forEach((index, row) => {
      const label = train.labels[index] ?? 0;
      counts[label] = (counts[label] ?? 0) + 1;
      for (let j = 0; j < dimension; j++) {
        const at = label * dimension + j;
        sums[at] = (sums[at] ?? 0) + (embedding[row * dimension + j] ?? 0);
      }
    });
    onProgress?.(start + size, train.count);
  }
  const empty = counts.indexOf(0);
  if (empty >= 0) {
    throw new LabError({
      kind: 'data',
      what: 'a class has no training image, so it has no class mean',
      where: dataset.name,
      found: `class '${classes[empty] ?? empty}' without images`,
      remedy: 'Give each class at least one training image, or leave the class out',
    });
  }
  const means = Float32Array.from(
    sums,
    (sum, at) => sum / (counts[Math.floor(at / dimension)] ?? 1),
  );
  return {
    means,
    classes: classes.length,
    dimension,
    teacherHash,
    datasetHash: dataset.hash,
    augmented,
  };
}

function embed(
  teacher: Model,
  images: Float32Array,
  size: number,
  { height, width }: ImageDataset,
): Float32Array {
  return tidied(() =>
    teacher
      .forward(tf.tensor4d(images, [size, height, width, 3]), { training: false })
      .embedding.dataSync<'float32'>(),
  );
}

const metadataSchema = z.object({
  kind: z.literal('class means'),
  teacherHash: z.string(),
  datasetHash: z.string(),
  augmented: z.enum(['true', 'false']),
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
  const [classes, dimension] = entry?.shape ?? [];
  if (!parsed.success || !entry || classes === undefined || dimension === undefined) {
    throw new LabError({
      kind: 'file',
      what: 'not a file of class means',
      where: path,
      remedy: 'Make one with `npm run class-means`',
    });
  }
  const { teacherHash, datasetHash, augmented } = parsed.data;
  return {
    means: entry.data,
    classes,
    dimension,
    teacherHash,
    datasetHash,
    augmented: augmented === 'true',
  };
}

/**
 * Refuses class means that are not this teacher's over this data set.
 *
 * @throws LabError of kind `model` or `data` that says which of the three differs.
 */
export function requireClassMeansOf(
  means: ClassMeans,
  expected: { teacherHash: string; dataset: ImageDataset; dimension: number },
  where = 'class means',
): void {
  const { teacherHash, dataset, dimension } = expected;
  const remedy = 'Make them anew for this teacher and data set with `npm run class-means`';
  const refuse = (kind: 'model' | 'data', what: string, found: string): never => {
    throw new LabError({ kind, what, where, found, remedy });
  };
  if (means.dimension !== dimension) {
    refuse(
      'model',
      'class means of another dimension',
      `${means.dimension} where the teacher's embedding has ${dimension}`,
    );
  }
  if (means.classes !== dataset.classes.length) {
    refuse(
      'data',
      'class means of another number of classes',
      `${means.classes} where ${dataset.name} has ${dataset.classes.length}`,
    );
  }
  if (means.teacherHash !== teacherHash) {
    refuse(
      'model',
      'class means of another teacher',
      `teacher ${means.teacherHash.slice(0, 12)}…, expected ${teacherHash.slice(0, 12)}…`,
    );
  }
  if (means.datasetHash !== dataset.hash) {
    refuse(
      'data',
      'class means over another data set',
      `data ${means.datasetHash.slice(0, 12)}…, expected ${dataset.hash.slice(0, 12)}…`,
    );
  }
}

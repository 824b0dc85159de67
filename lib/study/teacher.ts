import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDataset } from '../data/types';
import {
  type ClassMeans,
  computeClassMeans,
  readClassMeans,
  requireClassMeansOf,
  writeClassMeans,
} from '../distill/class-means';
import { sha256 } from '../files';
import { hashStateDict } from '../nn/hash';
import type { Model } from '../nn/model';
import { evaluateTeacher } from '../train/train';
import { loadTrainedModel } from './trained-model';

/** A teacher ready for use: weights, class means, and where both came from. */
export interface TrainedTeacher {
  readonly model: Model;
  /** [classes × embeddingSize] */
  readonly classMeans: Float32Array;
  /** Of the weights. */
  readonly hash: string;
  readonly classMeansHash: string;
  /** `trained here` or the file that it was read from. */
  readonly source: string;
  /** Measured on the test set before use, in percent. */
  readonly top1: number;
  /** Mean of ‖f‖ over the test set. */
  readonly embeddingNorm: number;
}

export interface TeacherOptions {
  readonly name: string;
  readonly dataset: ImageDataset;
  readonly weights: string;
  readonly source: string;
  /** A file of class means. */
  readonly classMeans: string;
  /** Make the class means and keep them there when the file is missing; otherwise that is an error. */
  readonly makeClassMeans: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where a teacher's class means lie beside its weights. */
export function classMeansFile(directory: string): string {
  return join(directory, 'class-means.safetensors');
}

/**
 * Loads a teacher, measures it, and loads or makes its class means.
 *
 * @throws LabError when the weights or the class means are another teacher's, or the numbers of classes differ.
 */
export async function loadTeacher(options: TeacherOptions): Promise<TrainedTeacher> {
  const { name, dataset, weights, source } = options;
  const model = await loadTrainedModel(weights, name, dataset.classes.length);
  const hash = hashStateDict(model.stateDict());
  const means = classMeansOf(model, hash, options);
  const { top1, embeddingNorm } = evaluateTeacher({ model }, dataset);
  return {
    model,
    classMeans: means.means,
    hash,
    classMeansHash: sha256(new Uint8Array(means.means.buffer)),
    source,
    top1,
    embeddingNorm,
  };
}

function classMeansOf(model: Model, teacherHash: string, options: TeacherOptions): ClassMeans {
  const { dataset, classMeans: file, makeClassMeans, onProgress } = options;
  if (makeClassMeans && !existsSync(file)) {
    const made = computeClassMeans(model, dataset, {
      teacherHash,
      ...(onProgress ? { onProgress } : {}),
    });
    writeClassMeans(file, made);
    return made;
  }
  const means = readClassMeans(file);
  requireClassMeansOf(means, { teacherHash, dataset, dimension: model.embeddingSize }, file);
  return means;
}

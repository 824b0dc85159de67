import { existsSync } from 'node:fs';
import { join, parse } from 'node:path';
import {
  type ClassMeans,
  computeClassMeansOver,
  readClassMeans,
  requireClassMeansOf,
  writeClassMeans,
} from '../distill/class-means';
import { readReleasedClassMeans } from '../distill/released-class-means';
import { type FeaturePlace, featureSize } from '../distill/term';
import { classMeansPlaces, type Method } from '../distill/terms';
import { sha256 } from '../files';
import { readWeights } from '../formats/weights';
import { createModel, modelName } from '../models/registry';
import type { Model } from '../nn/model';
import { hashStateDict } from '../nn/state';
import type { TrainingData } from '../train/batch-source';
import { evaluateTeacher } from '../train/classifier';
import type { Teacher } from '../train/learner';
import type { GivenTeacher, LoadedTeacher } from './task';

/** A teacher ready for use: weights, class means, and where both came from. */
export interface TrainedTeacher extends LoadedTeacher, Teacher {
  /** [classes × embeddingSize] */
  readonly classMeans: Float32Array;
  readonly classMeansHash: string;
  readonly top1: number;
  /** Mean of ‖f‖ over the test set. */
  readonly embeddingNorm: number;
  /** Mean cosine of f to its own class's mean over the test set. */
  readonly cosineToClassMean?: number | null;
  /** Its class means of another place, read or made when a method asks for them. */
  readonly loadClassMeansAt?: (layer: FeaturePlace) => Promise<Float32Array>;
}

export interface TeacherOptions {
  readonly name: string;
  readonly dataset: TrainingData;
  readonly weights: string;
  readonly source: string;
  /** A file of class means. */
  readonly classMeans: string;
  /** Make the class means and keep them there when the file is missing; otherwise that is an error. */
  readonly makeClassMeans: boolean;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Aborting it stops the making of class means with an error of kind `interrupted`. */
  readonly signal?: AbortSignal | undefined;
}

/** Where a teacher's class means lie beside its weights. */
export function classMeansFile(directory: string): string {
  return join(directory, 'class-means.safetensors');
}

/** The same of weights that the user gave: a name for each, so that none takes the place of another. */
export function givenClassMeansFile(directory: string, teacherHash: string): string {
  return join(directory, `given-teacher-${teacherHash.slice(0, 12)}.class-means.safetensors`);
}

/** `class-means-logits.safetensors` beside `class-means.safetensors`. */
function placeFile(file: string, layer: FeaturePlace): string {
  const { dir, name, ext } = parse(file);
  return join(dir, `${name}-${layer.replaceAll(' ', '-')}${ext}`);
}

/**
 * Loads a teacher, measures it, and loads or makes its class means.
 *
 * @throws LabError when the weights or the class means are another teacher's, or the numbers of classes differ.
 */
export async function loadTeacher(options: TeacherOptions): Promise<TrainedTeacher> {
  const { name, dataset, weights, source } = options;
  const model = await loadTrainedModel(weights, name, dataset.classes.length, dataset.height);
  const hash = hashStateDict(model.stateDict());
  const { means } = await classMeansOf(model, hash, 'embedding', options);
  const { top1, embeddingNorm, cosineToClassMean } = await evaluateTeacher(
    { model, classMeans: means },
    dataset,
  );
  return {
    name,
    model,
    classMeans: means,
    hash,
    classMeansHash: sha256(new Uint8Array(means.buffer, means.byteOffset, means.byteLength)),
    source,
    top1,
    embeddingNorm,
    cosineToClassMean,
    loadClassMeansAt: async (layer) => (await classMeansOf(model, hash, layer, options)).means,
    dispose: () => model.dispose(),
  };
}

async function classMeansOf(
  model: Model,
  teacherHash: string,
  layer: FeaturePlace,
  options: Omit<TeacherOptions, 'name' | 'weights' | 'source'>,
): Promise<ClassMeans> {
  const { dataset, makeClassMeans, onProgress, signal } = options;
  const elsewhere = layer !== 'embedding';
  const file = elsewhere ? placeFile(options.classMeans, layer) : options.classMeans;
  if ((makeClassMeans || elsewhere) && !existsSync(file)) {
    const settings = { teacherHash, place: layer, onProgress, signal };
    const made = await computeClassMeansOver(model, dataset, settings);
    // Beside a file that the user gave, nothing is written.
    if (makeClassMeans) writeClassMeans(file, made);
    return made;
  }
  const means = file.endsWith('.json')
    ? // The paper's files do not say whose they are; their shape alone can be checked.
      {
        ...readReleasedClassMeans(file),
        ...{ teacherHash, datasetHash: dataset.hash, augmented: true },
      }
    : readClassMeans(file);
  const dimension = featureSize(model, layer);
  requireClassMeansOf(means, { teacherHash, dataset, dimension, place: layer }, file);
  return means;
}

/**
 * A network with the weights of a file.
 *
 * @param imageSize side of the images that it is to see, where that is not the one it was published for
 * @throws LabError when its weights are missing, broken or another model's.
 */
export async function loadTrainedModel(
  file: string,
  name: string,
  classes: number,
  imageSize?: number,
): Promise<Model> {
  const tensors = await readWeights(file);
  const model = createModel(modelName(name), { classes, imageSize });
  try {
    model.loadStateDict(tensors, file);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

/** The hash of the weights in a file. @throws LabError as `loadTrainedModel` does. */
export async function hashOfTrained(
  file: string,
  name: string,
  { classes, height }: Pick<TrainingData, 'classes' | 'height'>,
): Promise<string> {
  const model = await loadTrainedModel(file, name, classes.length, height);
  try {
    return hashStateDict(model.stateDict());
  } finally {
    model.dispose();
  }
}

/**
 * Whether a given teacher fits the data, before anything else is done with it: its weights, and the form of its
 * class means where a file of them is given.
 *
 * @throws LabError as `loadTrainedModel` and the reading of class means do.
 */
export async function requireGivenTeacher(
  name: string,
  { weights, classMeans }: GivenTeacher,
  dataset: TrainingData,
): Promise<void> {
  const model = await loadTrainedModel(weights, name, dataset.classes.length, dataset.height);
  try {
    if (classMeans === undefined) return;
    const hash = hashStateDict(model.stateDict());
    await classMeansOf(model, hash, 'embedding', { dataset, classMeans, makeClassMeans: false });
  } finally {
    model.dispose();
  }
}

/** A teacher with the class means of all places that a method needs; a first method there makes them. */
export async function withClassMeansFor(
  method: Method,
  teacher: TrainedTeacher,
): Promise<TrainedTeacher> {
  const classMeansAt = new Map<FeaturePlace, Float32Array>();
  for (const layer of classMeansPlaces(method)) {
    const means = await teacher.loadClassMeansAt?.(layer);
    if (means !== undefined) classMeansAt.set(layer, means);
  }
  return { ...teacher, classMeansAt };
}

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createDetector, type Detector } from '../../detection/detector';
import { gatherClassMeans } from '../../detection/distill/class-means';
import { loadDetectorWeights } from '../../detection/load-weights';
import { sha256 } from '../../files';
import { hashStateDict } from '../../nn/hash';
import { runDirectory } from '../../results/paths';
import { type RunLock, withRunLock } from '../../study/run-lock';
import { cocoBatches } from '../batches';
import { readDetectorClassMeans, writeDetectorClassMeans } from './class-means-file';
import type { DetectionData } from './data';
import type { DetectionRecipe } from './recipe';
import { detectionFiles } from './store';
import type { TrainedDetectionTeacher } from './teacher';

/** A teacher whose weights the user gives. */
export interface GivenDetectionTeacher {
  readonly weights: string;
  /** What the record says of where it is from; the file's name when not given. */
  readonly source?: string;
}

export interface DetectionShelfOptions {
  readonly study: string;
  readonly resultsRoot: string;
  readonly data: DetectionData;
  readonly teacherSeed: number;
  readonly teacherRecipeOf: (teacher: string) => DetectionRecipe;
  readonly givenTeachers: ReadonlyMap<string, GivenDetectionTeacher>;
  /** Over how many training batches the class means are gathered; 30,000 in the paper's code. */
  readonly classMeansIterations: number;
  readonly signal?: AbortSignal;
  readonly onTeacher?: (teacher: TrainedDetectionTeacher) => void;
  readonly onClassMeans?: (teacher: string, done: number, total: number) => void;
}

/** The teachers of a table, each loaded once, with class means when a method first needs them. */
export interface DetectionShelf {
  get(name: string, needs: { readonly classMeans: boolean }): Promise<TrainedDetectionTeacher>;
  dispose(): void;
}

/** @throws LabError from `get` as `loadDetectorWeights` and `gatherClassMeans` do. */
export function detectionShelf(options: DetectionShelfOptions): DetectionShelf {
  const loaded = new Map<string, TrainedDetectionTeacher>();
  const means = new Map<string, Float32Array>();
  return {
    async get(name, { classMeans }) {
      let teacher = loaded.get(name);
      if (teacher === undefined) {
        teacher = await load(name, options);
        loaded.set(name, teacher);
        options.onTeacher?.(teacher);
      }
      if (!classMeans) return teacher;
      const own = means.get(name) ?? (await classMeansOf(teacher, options));
      means.set(name, own);
      return { ...teacher, classMeans: own, classMeansHash: sha256(bytesOf(own)) };
    },
    dispose() {
      for (const { detector } of loaded.values()) detector.dispose();
    },
  };
}

async function load(
  name: string,
  options: DetectionShelfOptions,
): Promise<TrainedDetectionTeacher> {
  const { data, teacherRecipeOf, givenTeachers } = options;
  const given = givenTeachers.get(name);
  const detector = createDetector({
    ...teacherRecipeOf(name).detector,
    classes: data.training.classes.length,
  });
  try {
    const weights = given?.weights ?? join(directoryOf(name, options), detectionFiles.weights);
    await loadDetectorWeights(detector, weights);
  } catch (error) {
    detector.dispose();
    throw error;
  }
  return {
    name,
    detector,
    hash: hashStateDict(detector.stateDict()),
    classMeansHash: null,
    // The file's name, not its place: the record is for others to read.
    source: given ? (given.source ?? basename(given.weights)) : 'trained here',
  };
}

/** Reads a teacher's class means, or gathers them, once for all processes, and keeps them. */
async function classMeansOf(
  { name, detector, hash }: TrainedDetectionTeacher,
  options: DetectionShelfOptions,
): Promise<Float32Array> {
  const { data, classMeansIterations: iterations, signal } = options;
  const directory = directoryOf(name, options);
  // A name for each teacher's weights and length: none takes the place of another.
  const file = join(directory, `class-means-${hash.slice(0, 12)}-${iterations}.safetensors`);
  const about = { teacherHash: hash, datasetHash: data.training.hash, iterations };
  const made = async ({ assertHeld }: RunLock): Promise<Float32Array> => {
    if (existsSync(file)) return readDetectorClassMeans(file, about).means;
    const { means, counts } = await gather(name, detector, options);
    assertHeld();
    writeDetectorClassMeans(file, { means, counts, ...about });
    return means;
  };
  return existsSync(file)
    ? readDetectorClassMeans(file, about).means
    : withRunLock(directory, { signal }, made);
}

function gather(
  name: string,
  teacher: Detector,
  options: DetectionShelfOptions,
): ReturnType<typeof gatherClassMeans> {
  const { data, teacherSeed: seed, teacherRecipeOf, signal, onClassMeans } = options;
  const { batchSize, sizes, flip, sampling } = teacherRecipeOf(name);
  const batches = cocoBatches(data.training, {
    seed,
    batchSize,
    shortSides: sizes.training,
    longest: sizes.longest,
    flip,
    pixels: teacher.pixels,
  });
  return gatherClassMeans(teacher, batches, {
    iterations: options.classMeansIterations,
    seed,
    ...(sampling?.proposals ? { proposals: sampling.proposals } : {}),
    ...(sampling?.proposalSampling ? { sampling: sampling.proposalSampling } : {}),
    ...(signal ? { signal } : {}),
    ...(onClassMeans ? { onIteration: (done, total) => onClassMeans(name, done, total) } : {}),
  });
}

function directoryOf(
  teacher: string,
  { study, resultsRoot, teacherSeed }: DetectionShelfOptions,
): string {
  return runDirectory(resultsRoot, { study, pair: teacher, method: 'teacher', seed: teacherSeed });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

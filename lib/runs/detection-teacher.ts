import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { gatherClassMeans } from '../detection/class-means';
import { cocoBatches } from '../detection/coco/batches';
import type { DetectionData } from '../detection/coco/detection-data';
import { createDetector, type Detector } from '../detection/detector';
import type { DetectionTeacher } from '../detection/distillation';
import { loadDetectorWeights } from '../detection/weights';
import { needs } from '../distill/terms';
import { readReleasedClassMeans } from '../distill/released-class-means';
import { fileError, type LabError, modelError } from '../errors';
import { sha256 } from '../files';
import { readSafetensors, writeSafetensors } from '../formats/safetensors';
import { hashStateDict } from '../nn/state';
import type { DetectionRecipe } from './detection-recipe';
import { withRunLock } from './lock';
import { weightsFile } from './paths';
import { type GivenTeacher, type LoadedTeacher, type TeacherRequest, trainedHere } from './task';

/** A teacher ready for use, and where it came from. */
export interface TrainedDetectionTeacher extends DetectionTeacher, LoadedTeacher {}

/** How a table's teachers are made, and how their class means are gathered. */
export interface DetectionTeacherOptions {
  readonly data: DetectionData;
  readonly teacherSeed: number;
  readonly teacherRecipeOf: (teacher: string) => DetectionRecipe;
  /** Over how many training batches the class means are gathered; 30,000 in the paper's code. */
  readonly classMeansIterations: number;
}

/**
 * Whether a given teacher fits, before anything else is done with it: its weights and its class means.
 *
 * @throws LabError as `loadDetectorWeights` and the reading of class means do.
 */
export async function requireGivenDetector(
  name: string,
  given: GivenTeacher,
  options: DetectionTeacherOptions,
): Promise<void> {
  const teacher = await loadDetectionTeacher({ name, directory: '', given }, options);
  try {
    if (given.classMeans !== undefined) givenClassMeans(given.classMeans, teacher.detector);
  } finally {
    teacher.dispose();
  }
}

/** @throws LabError as `loadDetectorWeights` does. */
export async function loadDetectionTeacher(
  { name, directory, given }: Pick<TeacherRequest, 'name' | 'directory' | 'given'>,
  { data, teacherRecipeOf }: DetectionTeacherOptions,
): Promise<TrainedDetectionTeacher> {
  const detector = createDetector({
    ...teacherRecipeOf(name).detector,
    classes: data.training.classes.length,
  });
  try {
    await loadDetectorWeights(detector, given?.weights ?? weightsFile(directory));
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
    source: given ? (given.source ?? basename(given.weights)) : trainedHere,
    dispose: () => detector.dispose(),
  };
}

/** Whether a method needs a teacher's class means. */
export function needsClassMeans({ method }: DetectionRecipe): boolean {
  // ReviewKD on a pyramid is no term of classification, and needs none.
  const terms = method.terms.filter(({ loss }) => loss !== 'reviewPyramid');
  return needs({ ...method, terms }, 'class means');
}

/** The teacher with its class means: read, or gathered once for all processes, and kept. */
export async function withClassMeans(
  teacher: TrainedDetectionTeacher,
  request: TeacherRequest,
  options: DetectionTeacherOptions,
): Promise<TrainedDetectionTeacher> {
  const { detector, hash } = teacher;
  const { directory, signal } = request;
  const { data, classMeansIterations: iterations } = options;
  // A name for each teacher's weights and length: none takes the place of another.
  const file = join(directory, `class-means-${hash.slice(0, 12)}-${iterations}.safetensors`);
  const about = { teacherHash: hash, datasetHash: data.training.hash, iterations };
  const given = request.given?.classMeans;
  const classMeans = given
    ? givenClassMeans(given, detector)
    : existsSync(file)
      ? readDetectorClassMeans(file, about)
      : await withRunLock(directory, { signal }, async ({ assertHeld }) => {
          if (existsSync(file)) return readDetectorClassMeans(file, about);
          const { means, counts } = await gather(detector, request, options);
          assertHeld();
          writeDetectorClassMeans(file, { means, counts, ...about });
          return means;
        });
  const { buffer, byteOffset, byteLength } = classMeans;
  const classMeansHash = sha256(new Uint8Array(buffer, byteOffset, byteLength));
  return { ...teacher, classMeans, classMeansHash };
}

/** The paper's file: background is its last class. */
function givenClassMeans(file: string, { classes, embeddingSize }: Detector): Float32Array {
  const read = readReleasedClassMeans(file);
  if (read.classes === classes + 1 && read.dimension === embeddingSize) return read.means;
  throw modelError`class means do not fit the teacher (${file}): found ${read.classes} × ${read.dimension} where ${classes + 1} × ${embeddingSize} belong, background included. Give those of this detector, or leave --class-means out`;
}

function gather(
  teacher: Detector,
  { name, signal, onProgress }: TeacherRequest,
  { data, teacherSeed: seed, teacherRecipeOf, classMeansIterations }: DetectionTeacherOptions,
): ReturnType<typeof gatherClassMeans> {
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
    iterations: classMeansIterations,
    seed,
    proposals: sampling?.proposals,
    sampling: sampling?.proposalSampling,
    signal,
    onIteration: onProgress,
  });
}

const kindOfFile = 'class means of a detector';

const metadataSchema = z.object({
  kind: z.literal(kindOfFile),
  teacherHash: z.string(),
  datasetHash: z.string(),
  iterations: z.coerce.number(),
});

/** What class means were gathered with. */
type ClassMeansOrigin = Omit<z.infer<typeof metadataSchema>, 'kind'>;

/** Writes class means, and how many regions of each class they were gathered over, background last. */
export function writeDetectorClassMeans(
  path: string,
  {
    means,
    counts,
    iterations,
    ...hashes
  }: ClassMeansOrigin & {
    readonly means: Float32Array;
    readonly counts: Int32Array;
  },
): void {
  const classes = counts.length;
  const tensors = new Map([
    ['means', { shape: [classes, means.length / classes], data: means }],
    ['counts', { shape: [classes], data: Float32Array.from(counts) }],
  ]);
  writeSafetensors(path, tensors, {
    kind: kindOfFile,
    ...hashes,
    iterations: String(iterations),
  });
}

/**
 * Reads what `writeDetectorClassMeans` wrote.
 *
 * @throws LabError of kind `file` when it is missing, broken, another kind of file, or of another teacher,
 * data set or number of iterations than `expected`.
 */
export function readDetectorClassMeans(path: string, expected: ClassMeansOrigin): Float32Array {
  const { tensors, metadata } = readSafetensors(path);
  const parsed = metadataSchema.safeParse(metadata);
  const entry = tensors.get('means');
  const means = entry?.shape.length === 2 ? entry.data : undefined;
  const fault = (what: string, found: string): LabError =>
    fileError`${what} (${path}): found ${found}. Delete the file: it is made anew`;
  if (!parsed.success || !means) throw fault(`not ${kindOfFile}`, 'another kind of file');
  const found = parsed.data;
  for (const [name, value, wanted] of [
    ['teacher', found.teacherHash, expected.teacherHash],
    ['data set', found.datasetHash, expected.datasetHash],
    ['number of iterations', found.iterations, expected.iterations],
  ] as const) {
    if (value !== wanted) throw fault(`class means of another ${name}`, String(value).slice(0, 12));
  }
  return Float32Array.from(means);
}

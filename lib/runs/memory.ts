import * as tf from '@tensorflow/tfjs';
import { needs } from '../distill/terms';
import { random } from '../engine/random';
import { createModel, modelName } from '../models/registry';
import type { TrainingData } from '../train/batch-source';
import { createLearner } from '../train/learner';
import type { PlannedRun } from './plan';
import type { MemoryEstimate } from './task';

const smallBatches = [2, 4] as const;
const bytesOfNumber = 4;

/**
 * The tensors that are alive at the peak of a training step, by pair: measured after each operation on
 * batches of 2 and 4, and each drawn out in a line. What the engine's kernels take for themselves, and batches that are decoded ahead,
 * come on top; on a GPU this is the GPU's memory.
 *
 * @param onTiming hears of each pair before it is measured.
 */
export async function estimateMemory(
  runs: readonly PlannedRun[],
  dataset: TrainingData,
  onTiming: (what: string) => void = () => undefined,
): Promise<MemoryEstimate[]> {
  const largest = new Map<string, PlannedRun>();
  for (const run of runs) {
    // Of a pair's runs the one with most terms is the one to fear.
    const known = largest.get(run.pair);
    if (!known || run.recipe.method.terms.length > known.recipe.method.terms.length) {
      largest.set(run.pair, run);
    }
  }
  const estimates: MemoryEstimate[] = [];
  for (const run of largest.values()) {
    onTiming(run.pair);
    estimates.push(await estimateOf(run, dataset));
  }
  return estimates;
}

async function estimateOf(run: PlannedRun, dataset: TrainingData): Promise<MemoryEstimate> {
  const { recipe, pair, method } = run;
  const samples = Math.min(recipe.microBatch ?? recipe.batchSize, recipe.batchSize);
  const [fewSamples, moreSamples] = smallBatches;
  const few = await liveBytes(run, dataset, fewSamples);
  const more = await liveBytes(run, dataset, moreSamples);
  // Each operation's own line: activations grow with the batch, the optimiser's step does not.
  const peak = few.reduce((most, bytes, operation) => {
    const slope = ((more[operation] ?? bytes) - bytes) / (moreSamples - fewSamples);
    return Math.max(most, bytes + slope * (samples - fewSamples));
  }, 0);
  // A batch lies in memory as a whole, however small its parts.
  const batch = recipe.batchSize * dataset.height * dataset.width * 3 * bytesOfNumber;
  return { pair, method, samples, totalBytes: peak + batch };
}

/** The bytes of live tensors after each operation of a step on so many samples. */
async function liveBytes(
  { recipe, student: name, teacher: teacherName }: PlannedRun,
  dataset: TrainingData,
  size: number,
): Promise<number[]> {
  const classes = dataset.classes.length;
  const options = { classes, imageSize: dataset.height };
  const student = createModel(modelName(name), options);
  const taught = teacherName !== null && needs(recipe.method, 'teacher');
  const model = taught ? createModel(modelName(teacherName), options) : undefined;
  const learner = createLearner({
    student,
    ...(model
      ? { teacher: { model, classMeans: new Float32Array(classes * model.embeddingSize).fill(1) } }
      : {}),
    method: recipe.method,
    optimiser: recipe.optimiser,
    samples: dataset.train.count,
    labels: dataset.train.labels,
  });
  const images: tf.Tensor4D = tf.randomNormal([size, dataset.height, dataset.width, 3]);
  const labels: tf.Tensor1D = tf.zeros([size], 'int32');
  const indices = Int32Array.from({ length: size }, (_, index) => index);
  try {
    const { kernels } = await tf.profile(() => {
      learner.step({ images, labels, indices }, { epoch: 0, learningRate: 0, random: random(0) });
    });
    return kernels.map(({ totalBytesSnapshot }) => totalBytesSnapshot);
  } finally {
    tf.dispose([images, labels]);
    learner.dispose();
    student.dispose();
    model?.dispose();
  }
}

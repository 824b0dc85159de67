import * as tf from '@tensorflow/tfjs';
import { crossEntropy } from '../distill/terms';
import { random } from '../engine/random';
import { createModel, modelName } from '../models/registry';
import type { TrainingData } from '../train/batch-source';
import { createLearner } from '../train/learner';
import type { PlannedRun, RunRecipe } from './plan';
import type { Task, TaskKind } from './task';

/** Seconds that one image takes. */
export interface NetworkSpeed {
  readonly training: number;
  /** A forward pass alone. */
  readonly evaluation: number;
}

/** Sets things up; then enough images to run as whole batches do, and more where those are over at once. */
const sampleBatches = [2, 32, 128];
const longEnough = 0.25;

/**
 * Times a step of training with cross entropy and an evaluation on this machine. It leaves out reading
 * and augmenting the images, which take a few percent.
 */
export function measureNetwork(name: string, dataset: TrainingData): NetworkSpeed {
  const student = createModel(modelName(name), {
    classes: dataset.classes.length,
    imageSize: dataset.height,
  });
  const learner = createLearner({
    student,
    method: { name: 'timing', terms: [crossEntropy()] },
    optimiser: { momentum: 0.9, weightDecay: 0, nesterov: true },
  });
  try {
    let speed: NetworkSpeed = { training: 0, evaluation: 0 };
    for (const size of sampleBatches) {
      speed = tf.tidy(() => {
        const images: tf.Tensor4D = tf.zeros([size, dataset.height, dataset.width, 3]);
        const labels: tf.Tensor1D = tf.zeros([size], 'int32');
        const step = (): unknown =>
          learner.step({ images, labels }, { epoch: 0, learningRate: 0, random: random(0) });
        const evaluation = (): unknown =>
          student.forward(images, { training: false }).logits.dataSync();
        return { training: timed(step) / size, evaluation: timed(evaluation) / size };
      });
      if (size > 2 && speed.training * size > longEnough) break;
    }
    return speed;
  } finally {
    learner.dispose();
    student.dispose();
  }
}

function timed(work: () => unknown): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

/** How long runs take: measured where it could be, estimated from one step otherwise. */
export interface CostModel<Recipe extends RunRecipe> {
  /** Seconds that what is left of a run will take. */
  secondsLeft(run: PlannedRun<Recipe>): number;
  /** Notes a measured epoch or iteration. */
  measured(run: PlannedRun<Recipe>, seconds: number): void;
}

/**
 * Costs by what a run trains: of its own record, else of one that takes about as long, else of a step.
 *
 * @param onTiming hears of each network that is timed, which takes some seconds.
 */
export function costModel<Kind extends TaskKind>(
  { store, costs }: Pick<Task<Kind>, 'store' | 'costs'>,
  runs: readonly PlannedRun<Kind['recipe']>[],
  onTiming: (what: string) => void = () => undefined,
): CostModel<Kind['recipe']> {
  const units = new Map<string, number>();
  for (const run of runs) {
    const provenance = store.readProvenance(run.directory);
    const seconds = provenance === null ? undefined : store.unitSeconds(provenance);
    if (seconds !== undefined) units.set(costs.key(run), seconds);
  }
  return {
    measured: (run, seconds) => void units.set(costs.key(run), seconds),
    secondsLeft(run) {
      const left = run.finished ? 0 : run.length - run.done;
      if (left <= 0) return 0;
      const seconds = units.get(costs.key(run)) ?? costs.estimate(run, onTiming, runs);
      units.set(costs.key(run), seconds);
      return left * seconds;
    },
  };
}

/** What all of these runs will still take, in seconds. */
export function secondsLeftOf<Recipe extends RunRecipe>(
  runs: readonly PlannedRun<Recipe>[],
  cost: CostModel<Recipe>,
): number {
  return runs.reduce((sum, run) => sum + cost.secondsLeft(run), 0);
}

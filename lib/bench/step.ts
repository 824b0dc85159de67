import * as tf from '@tensorflow/tfjs';
import { crossEntropy, kd, normDirection } from '../distill/terms';
import { random } from '../engine/random';
import { tidied } from '../engine/tidied';
import { createModel } from '../models/registry';
import { createLearner } from '../train/learner';
import { type OperationTime, profileOperations } from './profile';

export interface BenchStepOptions {
  readonly teacher: string;
  readonly student: string;
  readonly batch: number;
}

/** A KD++ step on random images of 32 × 32 with 100 classes, and its parts; all return when it is computed. */
export interface BenchStep {
  /** Teacher forward, student forward and backward, losses, SGD. */
  readonly whole: () => void;
  /** The teacher's forward pass alone. */
  readonly teacher: () => void;
  /** SGD alone. */
  readonly optimiser: () => void;
  /** Trained numbers of the teacher and of the student. */
  readonly parameters: readonly [teacher: number, student: number];
  /** Time by operation over so many steps. */
  readonly profile: (steps: number) => OperationTime[];
  readonly dispose: () => void;
}

const classes = 100;
const learningRate = 1e-3;

/** @throws LabError for an unknown model. */
export function createBenchStep(options: BenchStepOptions): BenchStep {
  const { batch } = options;
  const student = createModel(options.student, { classes });
  const teacher = createModel(options.teacher, { classes });
  const draw = random(0, 'benchmark');
  const learner = createLearner({
    student,
    teacher: {
      model: teacher,
      classMeans: Float32Array.from({ length: classes * teacher.embeddingSize }, draw.uniform),
    },
    method: { name: 'kd++', terms: [crossEntropy(), kd(), normDirection({ weight: 2 })] },
  });
  const images = tf.tensor4d(
    Float32Array.from({ length: batch * 32 * 32 * 3 }, () => draw.normal()),
    [batch, 32, 32, 3],
  );
  const labels = tf.tensor1d(
    Int32Array.from({ length: batch }, () => draw.integer(classes)),
    'int32',
  );
  const trained = [student, learner.adapter].flatMap((part) => part?.state.trainable ?? []);
  const gradients = trained.map(({ value }) => tf.zerosLike(value));
  const whole = (): void => {
    learner.step({ images, labels }, { epoch: 0, learningRate, random: draw });
  };
  return {
    whole,
    teacher: () =>
      tidied(() => void teacher.forward(images, { training: false }).logits.dataSync()),
    optimiser() {
      learner.optimiser.step(gradients, learningRate);
      // A GPU computes on after the call: reading a result waits for it.
      trained.at(-1)?.value.dataSync();
    },
    parameters: [teacher.state.parameterCount, student.state.parameterCount],
    profile: (steps) => profileOperations(whole, steps),
    dispose() {
      learner.dispose();
      for (const item of [student, teacher, images, labels, ...gradients]) item.dispose();
    },
  };
}

import * as tf from '@tensorflow/tfjs';
import { crossEntropy, kd, normDirection } from '../distill/terms';
import { startEngine } from '../engine/load';
import { parsePrecision, type Precision, requirePrecision } from '../engine/precision';
import { random } from '../engine/random';
import { LabError } from '../errors';
import { createModel, modelName } from '../models/registry';
import { createLearner } from '../train/learner';

/** What two steps of KD++ measured; the second one's losses depend on every gradient of the first. */
export interface PairSteps {
  readonly pair: string;
  /** The three losses of the first step, and the total of the second. */
  readonly losses: readonly number[];
  /** Of both steps together, the first of which chooses kernels. */
  readonly seconds: number;
  /** Why the pair does not compute in this precision, where it does not. */
  readonly refused?: string;
}

const classes = 100;
const side = 32;

/** Two steps of a pair from random weights on random images, the same ones on every machine. */
function takeSteps(pair: string, precision: Precision, batch: number): PairSteps {
  const [teacherName = '', studentName = ''] = pair.split(':');
  const student = createModel(modelName(studentName), { classes, seed: 1 });
  const teacher = createModel(modelName(teacherName), { classes, seed: 2 });
  const draw = random(0, 'pair steps');
  const learner = createLearner({
    student,
    teacher: {
      model: teacher,
      classMeans: Float32Array.from({ length: classes * teacher.embeddingSize }, draw.uniform),
    },
    method: { name: 'kd++', terms: [crossEntropy(), kd(), normDirection({ weight: 2 })] },
    precision,
    seed: 1,
  });
  const images = tf.tensor4d(
    Float32Array.from({ length: batch * side * side * 3 }, () => draw.normal()),
    [batch, side, side, 3],
  );
  const labels = tf.tensor1d(
    Int32Array.from({ length: batch }, () => draw.integer(classes)),
    'int32',
  );
  const started = performance.now();
  try {
    const [first, second] = [0, 1].map(() =>
      learner.step({ images, labels }, { epoch: 0, learningRate: 1e-3 }),
    );
    return {
      pair,
      losses: [...(first?.terms ?? []), second?.total ?? NaN],
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    learner.dispose();
    [student, teacher, images, labels].forEach((part) => part.dispose());
  }
}

/** A program of its own; it is given a precision, the images of a batch and pairs, and prints a line of JSON each. */
async function main([word = 'f32', batch = '8', ...pairs]: readonly string[]): Promise<void> {
  const precision = parsePrecision(word, 'precision');
  const engine = await startEngine({ tf32: precision === 'tf32' });
  requirePrecision(precision, engine, () => undefined);
  for (const pair of pairs) {
    let line: PairSteps;
    try {
      line = takeSteps(pair, precision, Number(batch));
    } catch (error) {
      if (!(error instanceof LabError) || error.kind !== 'option') throw error;
      line = { pair, losses: [], seconds: 0, refused: error.problem };
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

if (require.main === module) void main(process.argv.slice(2));

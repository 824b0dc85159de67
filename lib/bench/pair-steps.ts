import { startEngine } from '../engine/load';
import { parsePrecision, type Precision, requirePrecision } from '../engine/precision';
import { LabError } from '../errors';
import { createBenchStep } from './step';

/** What two steps of KD++ measured; the second one's losses hang on every gradient of the first. */
export interface PairSteps {
  readonly pair: string;
  /** Of the first step. */
  readonly losses: readonly number[];
  /** Of the total from the first step to the second. */
  readonly change: number;
  /** Of both steps together, the first of which chooses kernels. */
  readonly seconds: number;
  /** Why the pair does not compute in this precision, where it does not. */
  readonly refused?: string;
}

/** At 1e-3 a ShuffleNet's total falls by a third, by one that hangs on the last bits of its batch norms. */
const learningRate = 1e-4;

/** Two steps of a pair from random weights on random images, the same ones on every machine. */
function takeSteps(pair: string, precision: Precision, batch: number): PairSteps {
  const [teacher = '', student = ''] = pair.split(':');
  const step = createBenchStep({ teacher, student, precision, batch, learningRate });
  const started = performance.now();
  try {
    const first = step.whole();
    const second = step.whole();
    const seconds = (performance.now() - started) / 1000;
    return { pair, losses: [...first.terms], change: second.total - first.total, seconds };
  } finally {
    step.dispose();
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
      line = { pair, losses: [], change: NaN, seconds: 0, refused: error.problem };
    }
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

if (require.main === module) void main(process.argv.slice(2));

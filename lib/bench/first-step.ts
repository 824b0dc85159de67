import { startEngine } from '../engine/load';
import { precisions } from '../engine/precision';
import { createBenchStep } from './step';

/**
 * A program of its own: starts the engine, makes a pair's networks, takes one training step and ends.
 * What it is given: teacher, student, images in a batch, precision.
 */
async function firstStep(): Promise<void> {
  const [teacher = '', student = '', batch = '', precision] = process.argv.slice(2);
  const known = precisions.find((name) => name === precision) ?? 'f32';
  await startEngine({ tf32: known === 'tf32' });
  const step = createBenchStep({
    teacher,
    student,
    batch: Number(batch),
    precision: known,
  });
  step.whole();
}

void firstStep();

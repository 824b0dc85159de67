import { startEngine } from '../engine/load';
import { createBenchStep } from './step';

/**
 * A program of its own: starts the engine, makes a pair's networks, takes one training step and ends.
 * What it is given: teacher, student, images in a batch, precision.
 */
async function firstStep(): Promise<void> {
  const [teacher = '', student = '', batch = '', precision] = process.argv.slice(2);
  await startEngine();
  const step = createBenchStep({
    teacher,
    student,
    batch: Number(batch),
    precision: precision === 'bf16' ? 'bf16' : 'f32',
  });
  step.whole();
}

void firstStep();

import fs from 'node:fs';
import { crossEntropy } from '../../lib/distill/terms';
import { startEngine } from '../../lib/engine/load';
import { type Classification, classification } from '../../lib/runs/classification';
import { executeRun } from '../../lib/runs/execute';
import type { RunRequest, Task } from '../../lib/runs/task';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { smallDataset } from './datasets';

/** The task of a run that takes a second. */
export function smallTask(): Task<Classification> {
  return classification(smallDataset());
}

/** A run that takes a second, with everything that a real one writes. */
export async function smallRequest(
  directory: string,
  {
    recipe,
    ...more
  }: Partial<RunRequest<Classification>> & { recipe?: Partial<TrainingRecipe> } = {},
): Promise<RunRequest<Classification>> {
  return {
    study: 'faults',
    scale: 'quick',
    run: {
      ...{ pair: 'resnet8', student: 'resnet8', method: 'teacher', seed: 1, directory },
      recipe: {
        student: 'resnet8',
        method: { name: 'teacher', terms: [crossEntropy()] },
        epochs: 4,
        batchSize: 16,
        learningRate: 0.02,
        schedule: { kind: 'step', milestones: [3], factor: 0.1 },
        optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
        augmentation: 'pad-crop-flip',
        ...recipe,
      },
    },
    command: 'npm test',
    engine: await startEngine({ engine: 'native' }),
    ...more,
  };
}

/** Trains the run in a folder; kills itself, as a power cut would, around the n-th file put in place. */
async function main([directory = '', writes = '']: readonly string[]): Promise<void> {
  const last = Number(writes);
  const rename = fs.renameSync;
  let done = 0;
  fs.renameSync = (from, to) => {
    done++;
    // An even one is cut off with the file written but not in its place.
    if (done === last && last % 2 === 0) process.kill(process.pid, 'SIGKILL');
    rename(from, to);
    if (done === last) process.kill(process.pid, 'SIGKILL');
  };
  await executeRun(smallTask(), await smallRequest(directory));
}

if (require.main === module) void main(process.argv.slice(2));

import fs from 'node:fs';
import type { ImageDataset } from '../../lib/data/types';
import { crossEntropy } from '../../lib/distill/terms';
import { startEngine } from '../../lib/engine/load';
import { executeRun, type RunRequest } from '../../lib/study/execute';
import { smallDataset } from './datasets';

/** A run that takes a second, with everything that a real one writes. */
export async function smallRun(directory: string): Promise<RunRequest> {
  const dataset: ImageDataset = smallDataset();
  return {
    study: 'faults',
    scale: 'quick',
    pair: 'resnet8',
    recipe: {
      student: 'resnet8',
      method: { name: 'teacher', terms: [crossEntropy()] },
      epochs: 4,
      batchSize: 16,
      learningRate: 0.02,
      schedule: { kind: 'step', milestones: [3], factor: 0.1 },
      optimiser: { momentum: 0.9, weightDecay: 5e-4, nesterov: true },
      augmentation: 'pad-crop-flip',
    },
    seed: 1,
    dataset,
    directory,
    command: 'npm test',
    engine: await startEngine({ engine: 'native' }),
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
  await executeRun(await smallRun(directory));
}

if (require.main === module) void main(process.argv.slice(2));

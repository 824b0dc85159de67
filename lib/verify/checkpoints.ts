import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LabError } from '../errors';
import { readWeights } from '../formats/weights';
import { createModel, modelName, modelNames } from '../models/registry';
import type { StateDict } from '../nn/state';
import {
  type CaseOutcome,
  type Checker,
  compareNumbers,
  compareText,
  type Mismatch,
} from './compare';
import { deterministicWeights } from './deterministic';

/** Files whose names begin so must be refused. */
const refusedPrefix = 'bad-';
const classes = 100;
/** Half precision keeps eleven bits. */
const halfTolerance = 2 ** -11;

/**
 * Checkpoints as others save them, and broken ones that must be refused: the folder `checkpoints`.
 * A file is named after its model (`resnet8-zip.pth`); the broken ones are tried on that model.
 */
export const checkpointsChecker: Checker = {
  entry: 'checkpoints',
  cases(path) {
    const names = readdirSync(path).sort();
    const model = names.map(modelOf).find((name) => name !== undefined) ?? 'resnet8';
    return names.map((name) => ({
      name,
      run: () =>
        name.startsWith(refusedPrefix)
          ? checkRefused(join(path, name), model)
          : checkLoaded(join(path, name), modelOf(name) ?? model),
    }));
  },
};

async function checkLoaded(file: string, name: string): Promise<CaseOutcome> {
  const tensors = await load(file, name);
  const shapes = [...tensors].map(([key, { shape }]) => [key, shape] as const);
  const expected = deterministicWeights(`models/${name}`, shapes);
  const tolerance = basename(file).includes('float16') ? halfTolerance : 0;
  const mismatches: Mismatch[] = [...expected]
    .filter(([key]) => !key.endsWith('num_batches_tracked'))
    .flatMap(([key, { data }]) =>
      compareNumbers(key, data, tensors.get(key)?.data ?? [], { tolerance }),
    );
  return { mismatches };
}

async function checkRefused(file: string, name: string): Promise<CaseOutcome> {
  try {
    await load(file, name);
  } catch (error) {
    if (error instanceof LabError) return { mismatches: [] };
    throw error;
  }
  return { mismatches: compareText('what becomes of the file', 'an error', 'it loads') };
}

/** The file's weights as the model gives them back. */
async function load(file: string, name: string): Promise<StateDict> {
  const weights = await readWeights(file);
  const model = createModel(modelName(name), { classes });
  try {
    model.loadStateDict(weights, file);
    return model.stateDict();
  } finally {
    model.dispose();
  }
}

function modelOf(file: string): string | undefined {
  const name = file.split(/[-.]/)[0] ?? '';
  return modelNames.includes(name) ? name : undefined;
}

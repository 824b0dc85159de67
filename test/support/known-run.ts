import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../lib/errors';
import { type ClassifierTraining, trainClassifier } from '../../lib/train/classifier';
import type { EpochMetrics } from '../../lib/train/metrics';
import type { TrainingRecipe } from '../../lib/train/recipe';
import type { Schedule } from '../../lib/train/schedule';
import {
  type Call,
  firstTerm,
  knownDataset,
  type KnownImage,
  type KnownNetwork,
  knownNetwork,
} from './known-network';

/** Images 0, 1, 2, … of class 0. */
export const numbered = (count: number): KnownImage[] =>
  Array.from({ length: count }, (_, number) => ({ number, label: 0 }));

export const constant: Schedule = { kind: 'step', milestones: [], factor: 1 };

export function recipeWith(changes: Partial<TrainingRecipe> = {}): TrainingRecipe {
  return {
    student: 'known',
    method: { name: 'known', terms: [firstTerm()] },
    epochs: 2,
    batchSize: 2,
    learningRate: 1,
    schedule: constant,
    optimiser: { momentum: 0, weightDecay: 0, nesterov: false },
    augmentation: 'none',
    ...changes,
  };
}

export interface Run {
  readonly student: KnownNetwork;
  readonly metrics: EpochMetrics[];
  /** How far `first` fell in each step. */
  readonly moves: number[];
}

type KnownOptions = Omit<Partial<ClassifierTraining>, 'student'> & { network?: KnownNetwork };

/** Trains a known network; four images in batches of two unless told otherwise. */
export async function trainKnown(
  directory: string,
  changes: Partial<TrainingRecipe>,
  { network = knownNetwork(), ...options }: KnownOptions,
): Promise<void> {
  await trainClassifier({
    recipe: recipeWith(changes),
    recipeHash: 'recipe',
    student: network.model,
    dataset: knownDataset(numbered(4), [{ number: 200, label: 0 }]),
    seed: 1,
    directory,
    ...options,
  });
}

/** The same, up to its end or to where it is interrupted. */
export async function run(
  directory: string,
  changes: Partial<TrainingRecipe> = {},
  options: KnownOptions = {},
): Promise<Run> {
  const { network: student = knownNetwork() } = options;
  const moves: number[] = [];
  let before = student.weights()[0] ?? NaN;
  const onBatch: ClassifierTraining['onBatch'] = (state) => {
    const now = student.weights()[0] ?? NaN;
    moves.push(before - now);
    before = now;
    options.onBatch?.(state);
  };
  try {
    await trainKnown(directory, changes, { ...options, network: student, onBatch });
  } catch (error) {
    if (!(error instanceof LabError && error.kind === 'interrupted')) throw error;
  }
  return { student, metrics: metricsIn(directory), moves };
}

function metricsIn(directory: string): EpochMetrics[] {
  const file = join(directory, 'metrics.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as EpochMetrics);
}

/** Aborts after so many batches. */
export function stopAfter(batches: number): Pick<ClassifierTraining, 'signal' | 'onBatch'> {
  const controller = new AbortController();
  let seen = 0;
  return {
    signal: controller.signal,
    onBatch: () => void (++seen === batches && controller.abort()),
  };
}

export const trainingCalls = ({ student }: Run): Call[] =>
  student.calls.filter(({ training }) => training);

/** Every file of a folder with its content. */
export function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(name, 'latin1')]));
}

import { join } from 'node:path';
import { optionError } from '../errors';
import type { RunConfig } from './schema';

/** The files of a run besides its metrics. */
export const runFiles = {
  /** What was to be run: written once, before training starts. */
  config: 'config.json',
  /** How and where it ran. */
  provenance: 'provenance.json',
  /** The trained weights, in PyTorch's names. */
  weights: 'weights.safetensors',
  /** A detector's figures, and what it found in COCO's results form. */
  evaluation: 'evaluation.json',
  detections: 'detections.json',
} as const;

/** The trained weights of a run lie here. */
export function weightsFile(directory: string): string {
  return join(directory, runFiles.weights);
}

/** What names a run: the directory follows from it and from nothing else. */
export type RunKey = Pick<RunConfig, 'study' | 'pair' | 'method' | 'seed'>;

/**
 * The directory of a run: `<root>/runs/<study>/<pair>/<method>/seed-<n>`, the pair written
 * `resnet56-resnet20` and characters that a file name cannot safely hold written `%XX`.
 *
 * @param root - the results directory
 */
export function runDirectory(root: string, { study, pair, method, seed }: RunKey): string {
  return join(
    studyDirectory(root, study),
    safeName('pair', pair.split(':').join('-')),
    safeName('method', method),
    `seed-${String(seed)}`,
  );
}

/** Where all the runs of a study lie: `<root>/runs/<study>`. */
export function studyDirectory(root: string, study: string): string {
  return join(root, 'runs', safeName('study', study));
}

function safeName(what: string, name: string): string {
  if (name === '') {
    throw optionError`an empty name of a ${what}. Give the ${what} a name: its results are kept under it`;
  }
  return name
    .replace(/[^A-Za-z0-9_.+-]/gu, percent)
    .replace(/^\.+/u, (dots) => '%2E'.repeat(dots.length));
}

function percent(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

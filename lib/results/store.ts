import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LabError } from '../errors';
import { readJson, writeAtomic } from '../files';
import { checkRecord } from '../check-record';
import { metricsFile, readMetrics } from './metrics';
import { runDirectory, studyDirectory } from './paths';
import {
  configSchema,
  provenanceSchema,
  type EpochMetrics,
  type Provenance,
  type RunConfig,
} from './schema';

/** What was to be run: written once, before training starts. */
export const configFile = 'config.json';
/** How and where it ran. */
export const provenanceFile = 'provenance.json';

const remedy =
  'Restore the file from a copy, or delete the run directory and run the same command again';

/** A run as its directory holds it. */
export interface Run {
  readonly directory: string;
  readonly config: RunConfig;
  /** Epochs 1, 2, …; fewer than `config.epochs` when the run was cut off or still goes on. */
  readonly metrics: readonly EpochMetrics[];
  readonly provenance: Provenance | null;
  /** What was wrong with the files and could be passed over, in words. */
  readonly problems: readonly string[];
}

/** Whether the run has all the epochs that its configuration asks for. */
export function isFinished({ config, metrics }: Run): boolean {
  return metrics.length >= config.epochs;
}

/** Writes a run's `config.json`, checked against its schema; makes the directory. */
export function writeConfig(directory: string, config: RunConfig): void {
  writeRecord(join(directory, configFile), (path) =>
    checkRecord(configSchema, config, path, 'Nothing was written'),
  );
}

/** @throws LabError when a run directory's `config.json` is missing or holds something else. */
export function readConfig(directory: string): RunConfig {
  const path = join(directory, configFile);
  return checkRecord(configSchema, readJson(path, remedy), path, remedy);
}

/** Writes a run's `provenance.json`, checked against its schema. */
export function writeProvenance(directory: string, provenance: Provenance): void {
  writeRecord(join(directory, provenanceFile), (path) =>
    checkRecord(provenanceSchema, provenance, path, 'Nothing was written'),
  );
}

/** A run's provenance, or null when it has none yet. */
export function readProvenance(directory: string): Provenance | null {
  const path = join(directory, provenanceFile);
  return existsSync(path)
    ? checkRecord(provenanceSchema, readJson(path, remedy), path, remedy)
    : null;
}

/**
 * Reads one run directory.
 *
 * @throws LabError that names file, line and field, when a file is missing or broken.
 */
export function readRun(directory: string): Run {
  const config = readConfig(directory);
  const { epochs, cut } = readMetrics(directory);
  const provenance = readProvenance(directory);
  const problems: string[] = [];
  if (cut !== null) {
    problems.push(
      `${metricsFile}: line ${String(epochs.length + 1)} was cut in the middle and is left out`,
    );
  }
  if (provenance === null) problems.push(`${provenanceFile} is missing`);
  if (epochs.length > config.epochs) {
    throw new LabError({
      kind: 'results',
      what: 'a run has more epochs than its configuration',
      where: join(directory, metricsFile),
      found: `${String(epochs.length)} epochs instead of ${String(config.epochs)}`,
      remedy,
    });
  }
  return { directory, config, metrics: epochs, provenance, problems };
}

/**
 * Reads all the runs of a study, in the order of their directories' names. A study without a
 * directory has none.
 *
 * @param root - the results directory
 * @throws LabError when a file is broken or a run lies in another run's place.
 */
export function readRuns(root: string, study: string): Run[] {
  const base = studyDirectory(root, study);
  return subdirectories(base)
    .flatMap((pair) => subdirectories(join(base, pair)).map((method) => join(base, pair, method)))
    .flatMap((cell) =>
      subdirectories(cell)
        .filter((name) => /^seed-\d+$/u.test(name))
        .map((name) => join(cell, name)),
    )
    .filter((directory) => [configFile, metricsFile].some((f) => existsSync(join(directory, f))))
    .map((directory) => checkPlace(root, study, readRun(directory)));
}

/** The names of the studies below a results directory that begin so. */
export function studyNames(root: string, prefix: string): string[] {
  return subdirectories(join(root, 'runs'))
    .map((name) => decodeURIComponent(name))
    .filter((name) => name.startsWith(prefix));
}

// A run copied by hand to another place would be counted as another seed or another method.
function checkPlace(root: string, study: string, run: Run): Run {
  const expected = runDirectory(root, run.config);
  if (resolve(expected) === resolve(run.directory) && run.config.study === study) return run;
  throw new LabError({
    kind: 'results',
    what: 'a run lies in a directory that is not its own',
    where: run.directory,
    found: `the configuration of ${expected}`,
    remedy: 'Move the directory back to its place or delete it',
  });
}

function subdirectories(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort(byNumberInName);
}

/** `seed-2` before `seed-10`; the same on every machine, unlike the locale's own order. */
function byNumberInName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true }) || (a < b ? -1 : 1);
}

function writeRecord(path: string, check: (path: string) => unknown): void {
  writeAtomic(path, `${JSON.stringify(check(path), null, 2)}\n`);
}

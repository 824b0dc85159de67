import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { resultsError } from '../errors';
import { canonicalJson, isRecord } from '../records';
import { metricsFile } from '../train/metrics';
import { runFiles } from './paths';
import { type AnyRunStore, classifierRuns } from './store';
import type { CommonConfig } from './schema';

/** At most this many differing fields are named in one message. */
const shownDifferences = 6;
const longestValue = 40;

const fix =
  'Name another results directory with --results, or train it anew with --no-resume or after deleting this one';

/** One field that two configurations do not share; the absent value is undefined. */
interface ConfigDifference {
  /** `epochs`, `recipe.optimiser.learningRate`, … */
  readonly field: string;
  readonly found: unknown;
  readonly expected: unknown;
}

/**
 * The fields in which two configurations differ, down to the leaves of the recipe. The hash of the
 * recipe is named only where no field of the recipe tells the difference.
 */
function configDifferences(found: CommonConfig, expected: CommonConfig): ConfigDifference[] {
  const all = differences('', found, expected);
  const told = all.filter(({ field }) => field !== 'recipeHash');
  return told.some(({ field }) => field.startsWith('recipe.')) ? told : all;
}

/**
 * Checks that a run directory is new or belongs to this very configuration, so that no run goes on
 * with another's epochs.
 *
 * @throws LabError of kind `results` that names the differing fields, found and expected.
 */
export function assertSameRecipe(
  directory: string,
  config: CommonConfig,
  store: AnyRunStore = classifierRuns,
): void {
  if (!existsSync(join(directory, runFiles.config))) {
    if (!existsSync(join(directory, metricsFile))) return;
    throw resultsError`a results directory holds metrics of an unknown recipe (${directory}): found ${metricsFile} without ${runFiles.config}. ${fix}`;
  }
  requireEqual(directory, store.readConfig(directory), config);
}

/**
 * The same of the training alone, before data and teacher are known: what a run directory holds was begun
 * with this recipe. A directory without a configuration passes.
 */
export function assertSameTraining(
  { directory, recipe }: { readonly directory: string; readonly recipe: object },
  store: AnyRunStore,
): void {
  if (!existsSync(join(directory, runFiles.config))) return;
  const found = store.readConfig(directory);
  requireEqual(directory, found, { ...found, recipe: { ...found.recipe, training: recipe } });
}

/**
 * The same of the data alone, once they are open: a run of which only the record is left was trained on these.
 *
 * @param hashes as `Task.hashes` gives them; those of data are compared
 */
export function assertSameData(
  directory: string,
  hashes: Readonly<Record<string, string | null>>,
  store: AnyRunStore,
): void {
  const found = store.readConfig(directory);
  const ofData = Object.entries(hashes).filter(([name]) => /datasetHash$/i.test(name));
  const recipe = { ...found.recipe, ...Object.fromEntries(ofData) };
  requireEqual(directory, found, { ...found, recipe });
}

/**
 * Checks that a cell's finished seeds on the same data, of the same length, batch and precision, have this very
 * recipe, teacher and class means included: tables average them.
 *
 * @throws LabError of kind `results` that names the differing fields and the other seed.
 */
export function assertSeedsAlike(
  directory: string,
  config: CommonConfig,
  store: AnyRunStore = classifierRuns,
): void {
  const cell = dirname(directory);
  const seeds = existsSync(cell) ? readdirSync(cell) : [];
  for (const name of seeds.filter((name) => /^seed-\d+$/u.test(name))) {
    const other = join(cell, name);
    if (name === basename(directory) || !existsSync(join(other, runFiles.config))) continue;
    const run = store.readRun(other);
    const found = run.config;
    const settingOf = (of: CommonConfig): string =>
      canonicalJson([store.lengthOf(of), of.batchSize, of.precision, of.recipe['datasetHash']]);
    if (!store.isFinished(run) || settingOf(found) !== settingOf(config)) continue;
    const differing = configDifferences({ ...config, seed: found.seed }, found);
    if (differing.length === 0) continue;
    throw resultsError`a further seed would have another recipe than a finished one, and tables average them (${directory}): found ${differencesInWords(differing)} of ${other}. Give the same teacher, class means and data, or name another results directory with --results`;
  }
}

function requireEqual(directory: string, found: CommonConfig, expected: CommonConfig): void {
  const differing = configDifferences(found, expected);
  if (differing.length === 0) return;
  throw resultsError`a results directory belongs to another recipe (${directory}): found ${differencesInWords(differing)}. ${fix}`;
}

function differencesInWords(differing: readonly ConfigDifference[]): string {
  const shown = differing
    .slice(0, shownDifferences)
    .map(
      ({ field, found, expected }) => `${field} ${inWords(found)} instead of ${inWords(expected)}`,
    );
  const rest = differing.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${String(rest)} more` : ''}`;
}

function differences(path: string, found: unknown, expected: unknown): ConfigDifference[] {
  if (isRecord(found) && isRecord(expected)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
    return keys.flatMap((key) =>
      differences(path === '' ? key : `${path}.${key}`, found[key], expected[key]),
    );
  }
  if (Array.isArray(found) && Array.isArray(expected) && found.length === expected.length) {
    return found.flatMap((item, index) =>
      differences(`${path}.${String(index)}`, item, expected[index]),
    );
  }
  return text(found) === text(expected) ? [] : [{ field: path, found, expected }];
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}

function inWords(value: unknown): string {
  const words = text(value) ?? 'nothing';
  return words.length > longestValue ? `${words.slice(0, longestValue)}…` : words;
}
